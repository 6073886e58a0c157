-- How often each counter was written: whoever keeps what it counted of a notice sees by the sum whether that still holds.
ALTER TABLE notice_counts ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
