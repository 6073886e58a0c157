-- What went wrong, of one notice and of all. A delivery that goes its usual way, from the queue to the next hop, is in
-- neither index at any time. (A list of states, as one would write it, is built anew for every row that is written.)
CREATE INDEX deliveries_apart_of_notice ON deliveries (notice_id, state, channel, delivery_id)
    WHERE state <> 'queued' AND state <> 'sending' AND state <> 'sent' AND state <> 'delivered';
CREATE INDEX deliveries_apart ON deliveries (state, channel, delivery_id)
    WHERE state <> 'queued' AND state <> 'sending' AND state <> 'sent' AND state <> 'delivered';

-- What was tried and waits for another try.
CREATE INDEX deliveries_deferred ON deliveries (notice_id, due_at) WHERE state = 'queued' AND attempts > 0;
