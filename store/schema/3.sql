-- A lock may bar part of what an account can call.
ALTER TABLE bars ADD COLUMN scope TEXT NOT NULL DEFAULT '';

-- What a call has cost, in millionths of the unit of the tariff's currency.
ALTER TABLE calls ADD COLUMN cost INTEGER NOT NULL DEFAULT 0;

-- What an account, or with an empty name a whole PBX, did in an hour. The hour
-- is in seconds since 1970 on the wall of the PBX.
CREATE TABLE hours (
  account INTEGER NOT NULL REFERENCES accounts,
  hour    INTEGER NOT NULL,
  calls   INTEGER NOT NULL,
  numbers INTEGER NOT NULL,
  peak    INTEGER NOT NULL,
  abroad  INTEGER NOT NULL,
  talked  INTEGER NOT NULL,
  PRIMARY KEY (account, hour)
) STRICT, WITHOUT ROWID;

-- What was seen of an account or of a PBX: countries called, networks used.
CREATE TABLE seen (
  account INTEGER NOT NULL REFERENCES accounts,
  what    INTEGER NOT NULL REFERENCES texts,
  key     TEXT NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  days    INTEGER NOT NULL,
  PRIMARY KEY (account, what, key)
) STRICT, WITHOUT ROWID;

-- What somebody or a rule did and may undo: exceptions, forwards switched off.
-- The body is JSON.
CREATE TABLE acts (
  id   TEXT PRIMARY KEY,
  kind INTEGER NOT NULL REFERENCES texts,
  at   INTEGER NOT NULL,
  off  INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 3;
