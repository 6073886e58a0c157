-- What does not go its usual way from the queue to the next hop: what went wrong, and what waits for another try. A
-- delivery that goes its usual way is never in it, and pays for one comparison. (A list of states, as one would write it,
-- is built anew for every row that is written.) What belongs to one notice lies close together: ids follow the time.
CREATE INDEX deliveries_apart ON deliveries (state, channel, delivery_id, notice_id)
    WHERE state <> 'sending' AND state <> 'sent' AND state <> 'delivered' AND (state <> 'queued' OR attempts > 0);
