-- Nearly every delivery is accepted at its first try. That try stands in the delivery's own row: when the other side
-- answered, which provider it was, and what it said. All other tries have rows of their own, in attempts.
ALTER TABLE deliveries ADD COLUMN answered_at INTEGER;
ALTER TABLE deliveries ADD COLUMN answered_by TEXT;
ALTER TABLE deliveries ADD COLUMN answer_code TEXT;
ALTER TABLE deliveries ADD COLUMN answer TEXT;
