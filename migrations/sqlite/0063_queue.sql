-- Sending writes a delivery twice: when it is claimed, and when the other side has it. Both are to touch as few indexes
-- as they can. What is claimed is found by the notices that have something in flight; there is no index of it.
DROP INDEX deliveries_held;

-- Found by the provider's own name for it, which hardly any two providers share.
DROP INDEX deliveries_references;
CREATE INDEX deliveries_references ON deliveries (provider_ref) WHERE provider_ref IS NOT NULL;

-- The state of what does not go its usual way from the queue to the next hop: what went wrong, and what waits for another
-- try. For a delivery that goes its usual way it is NULL from the beginning to the end. What belongs to one notice lies
-- close together: ids follow the time.
DROP INDEX deliveries_apart;
ALTER TABLE deliveries ADD COLUMN apart TEXT GENERATED ALWAYS AS (
    CASE WHEN state <> 'sending' AND state <> 'sent' AND state <> 'delivered' AND (state <> 'queued' OR attempts > 0)
         THEN state END) VIRTUAL;
CREATE INDEX deliveries_apart ON deliveries (apart, channel, delivery_id, notice_id) WHERE apart IS NOT NULL;

-- What waits to be sent. Here it is the index deliveries_due; PostgreSQL has a table for it.
CREATE VIEW queue AS
SELECT delivery_id, notice_id, channel, lane, priority, due_at FROM deliveries WHERE state = 'queued';
