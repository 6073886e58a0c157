-- The request in whose course a notice was submitted: what leads from a call to its attempts in the logs.
ALTER TABLE notices ADD COLUMN request TEXT NOT NULL DEFAULT '';
-- Why a notice waits for a person, where it was not a person who paused it.
ALTER TABLE notices ADD COLUMN paused_because TEXT NOT NULL DEFAULT '';
-- Which version a process runs.
ALTER TABLE processes ADD COLUMN version TEXT NOT NULL DEFAULT '';
