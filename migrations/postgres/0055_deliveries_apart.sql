-- What went wrong, of one notice and of all. A delivery that goes its usual way, from the queue to the next hop, is in
-- neither index at any time: sending costs what it did.
CREATE INDEX deliveries_apart_of_notice ON deliveries (notice_id, state, channel, delivery_id)
    WHERE state IN ('failed', 'expired', 'suppressed', 'cancelled', 'unclear');
CREATE INDEX deliveries_apart ON deliveries (state, channel, delivery_id)
    WHERE state IN ('failed', 'expired', 'suppressed', 'cancelled', 'unclear');

-- What was tried and waits for another try.
CREATE INDEX deliveries_deferred ON deliveries (notice_id, due_at) WHERE state = 'queued' AND attempts > 0;
