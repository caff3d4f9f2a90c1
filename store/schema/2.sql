-- A flood of failures must not fill the disk: equal ones share a row.
ALTER TABLE auths ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
ALTER TABLE auths ADD COLUMN span INTEGER NOT NULL DEFAULT 0; -- from the first to the last

PRAGMA user_version = 2;
