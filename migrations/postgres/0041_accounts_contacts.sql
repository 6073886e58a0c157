-- By which contact somebody is told at once that one person has released a notice alone; NULL: by the group alone.
ALTER TABLE accounts ADD COLUMN contact TEXT;

-- Who handed a password over or removed the second factor last, and when: its owner and whoever reads an approval of
-- theirs can see that somebody else could have signed in.
ALTER TABLE accounts ADD COLUMN handed_over_by TEXT;
ALTER TABLE accounts ADD COLUMN handed_over_at BIGINT;
