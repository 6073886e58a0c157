-- Sending writes a delivery twice: when it is claimed, and when the other side has it. PostgreSQL writes a row anew each
-- time, and every index entry with it, unless nothing changes that any index knows of and the page has room: then it
-- costs a third. So no index knows of a delivery's state, its process or its tries; what waits stands in a table of its
-- own. What is claimed is found by the notices that have something in flight.
DROP INDEX deliveries_held;
DROP INDEX deliveries_due;

-- Found by the provider's own name for it, which hardly any two providers share.
DROP INDEX deliveries_references;
CREATE INDEX deliveries_references ON deliveries (provider_ref) WHERE provider_ref IS NOT NULL;

-- The state of what does not go its usual way from the queue to the next hop: what went wrong, and what waits for another
-- try. For a delivery that goes its usual way it is NULL from the beginning to the end. What belongs to one notice lies
-- close together: ids follow the time.
DROP INDEX deliveries_apart;
ALTER TABLE deliveries ADD COLUMN apart TEXT GENERATED ALWAYS AS (
    CASE WHEN state <> 'sending' AND state <> 'sent' AND state <> 'delivered' AND (state <> 'queued' OR attempts > 0)
         THEN state END) STORED;
CREATE INDEX deliveries_apart ON deliveries (apart, channel, delivery_id, notice_id) WHERE apart IS NOT NULL;

-- Room in each page for a row's two later versions.
ALTER TABLE deliveries SET (fillfactor = 45);

-- Read whole by every claim, never searched: as text it needs not be put together again.
ALTER TABLE recipients ALTER COLUMN card TYPE JSON;

-- What waits to be sent: exactly the deliveries that are queued, kept so by the triggers below, whoever writes them. Only
-- the claim takes its rows out by itself (src/store/claim.rs), many at once.
CREATE TABLE queue (
    delivery_id UUID   NOT NULL PRIMARY KEY,
    notice_id   UUID   NOT NULL,
    channel     TEXT   NOT NULL,
    lane        TEXT   NOT NULL,
    priority    BIGINT NOT NULL,
    due_at      BIGINT NOT NULL
);
INSERT INTO queue
SELECT delivery_id, notice_id, channel, lane, priority, due_at FROM deliveries WHERE state = 'queued';
CREATE INDEX queue_due ON queue (channel, lane, priority, due_at, delivery_id);

CREATE FUNCTION join_the_queue_when_made() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO queue
    SELECT delivery_id, notice_id, channel, lane, priority, due_at FROM made WHERE state = 'queued';
    RETURN NULL;
END $$;
CREATE TRIGGER deliveries_are_made AFTER INSERT ON deliveries
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION join_the_queue_when_made();

CREATE FUNCTION join_the_queue() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO queue VALUES (NEW.delivery_id, NEW.notice_id, NEW.channel, NEW.lane, NEW.priority, NEW.due_at)
    ON CONFLICT (delivery_id) DO UPDATE SET
        channel = excluded.channel, lane = excluded.lane, priority = excluded.priority, due_at = excluded.due_at;
    RETURN NULL;
END $$;
CREATE TRIGGER deliveries_join AFTER UPDATE ON deliveries
    FOR EACH ROW
    WHEN (NEW.state = 'queued' AND (OLD.state <> 'queued' OR OLD.channel <> NEW.channel OR OLD.lane <> NEW.lane
                                    OR OLD.priority <> NEW.priority OR OLD.due_at <> NEW.due_at))
    EXECUTE FUNCTION join_the_queue();

CREATE FUNCTION leave_the_queue() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM queue WHERE delivery_id = OLD.delivery_id;
    RETURN NULL;
END $$;
CREATE TRIGGER deliveries_leave AFTER UPDATE ON deliveries
    FOR EACH ROW
    WHEN (OLD.state = 'queued' AND NEW.state <> 'queued' AND NEW.state <> 'sending')
    EXECUTE FUNCTION leave_the_queue();
CREATE TRIGGER deliveries_go AFTER DELETE ON deliveries
    FOR EACH ROW
    WHEN (OLD.state = 'queued')
    EXECUTE FUNCTION leave_the_queue();
