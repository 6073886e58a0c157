-- The planner chooses by figures that are of another time: of a queue that was empty when it was looked at, or still
-- small. Then it takes any index that has a row's id anywhere for as good as the one that has it first, and reads all of
-- it for every id. So the order of the queue knows the id only in a form that no statement asks for.
DROP INDEX queue_due;
CREATE INDEX queue_due ON queue (channel, lane, priority, due_at, uuid_send(delivery_id));
