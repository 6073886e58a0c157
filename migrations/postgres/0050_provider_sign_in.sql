-- Whether the provider by which a session was begun has vouched for a second factor of its own.
ALTER TABLE sessions ADD COLUMN vouched_factor BIGINT NOT NULL DEFAULT 0;
