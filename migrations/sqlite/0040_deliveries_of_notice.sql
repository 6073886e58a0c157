-- The deliveries of one notice in the order of their ids, page by page.
CREATE INDEX deliveries_of_notice ON deliveries (notice_id, delivery_id);
