-- Here the queue is an index of the deliveries: nothing is to be changed.
SELECT 1;
