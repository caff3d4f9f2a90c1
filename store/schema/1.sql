-- Times are nanoseconds since 1970 UTC, 0 for none; durations are nanoseconds.
-- Addresses and prefixes are in the binary form of Go's net/netip.

-- Words of small vocabularies: rules, countries, services.
CREATE TABLE texts (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE accounts (
  id     INTEGER PRIMARY KEY,
  pbx    TEXT NOT NULL,
  domain TEXT NOT NULL,
  name   TEXT NOT NULL,
  UNIQUE (pbx, domain, name)
) STRICT;

-- Append-only. hash covers the hash of the row before and this row's content;
-- the outcome of a kill is a later row of the same id.
CREATE TABLE decisions (
  seq      INTEGER PRIMARY KEY, -- without gaps
  id       INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  rule     INTEGER NOT NULL REFERENCES texts,
  reason   TEXT NOT NULL,
  action   INTEGER NOT NULL,
  enforced INTEGER NOT NULL,
  pbx      INTEGER NOT NULL REFERENCES texts,
  account  INTEGER NOT NULL REFERENCES accounts,
  call     TEXT NOT NULL,
  leg      TEXT NOT NULL,
  channel  TEXT NOT NULL,
  dialled  TEXT NOT NULL,
  number   TEXT NOT NULL,
  country  INTEGER NOT NULL REFERENCES texts,
  class    INTEGER NOT NULL REFERENCES texts,
  source   BLOB NOT NULL,
  by       INTEGER NOT NULL REFERENCES texts,
  outcome  INTEGER NOT NULL REFERENCES texts,
  after    INTEGER NOT NULL,
  salt     BLOB NOT NULL,
  hash     BLOB NOT NULL
) STRICT;
CREATE INDEX decisions_id ON decisions (id);
CREATE INDEX decisions_at ON decisions (at);

-- Where the chain of decisions begins: the last row that retention removed.
CREATE TABLE anchor (
  one  INTEGER PRIMARY KEY CHECK (one = 1),
  seq  INTEGER NOT NULL,
  hash BLOB NOT NULL,
  id   INTEGER NOT NULL, -- the highest that was removed
  at   INTEGER NOT NULL  -- when
) STRICT;
INSERT INTO anchor VALUES (1, 0, zeroblob(32), 0, 0);

CREATE TABLE bans (
  prefix    BLOB NOT NULL,
  since     INTEGER NOT NULL,
  until     INTEGER NOT NULL, -- 0: until lifted
  rule      INTEGER NOT NULL REFERENCES texts,
  reason    TEXT NOT NULL,
  times     INTEGER NOT NULL,
  proof     INTEGER NOT NULL,
  by        INTEGER NOT NULL REFERENCES texts,
  enforced  INTEGER NOT NULL,
  lifted    INTEGER NOT NULL DEFAULT 0,
  lifted_by INTEGER REFERENCES texts,
  PRIMARY KEY (prefix, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX bans_since ON bans (since);

-- The latest word about each account: barred, or (off) let back in.
CREATE TABLE bars (
  account INTEGER PRIMARY KEY REFERENCES accounts,
  at      INTEGER NOT NULL,
  until   INTEGER NOT NULL, -- 0: until let back in
  rule    INTEGER NOT NULL REFERENCES texts,
  reason  TEXT NOT NULL,
  by      INTEGER NOT NULL REFERENCES texts,
  off     INTEGER NOT NULL
) STRICT;

-- Who has registered or authenticated from where.
CREATE TABLE standings (
  account    INTEGER NOT NULL REFERENCES accounts,
  source     BLOB NOT NULL,
  first      INTEGER NOT NULL,
  last       INTEGER NOT NULL,
  registered INTEGER NOT NULL,
  agent      TEXT NOT NULL,
  PRIMARY KEY (account, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE calls (
  id      INTEGER PRIMARY KEY,
  call    TEXT NOT NULL,
  pbx     INTEGER NOT NULL REFERENCES texts,
  payer   INTEGER NOT NULL REFERENCES accounts,
  trunk   INTEGER NOT NULL REFERENCES accounts,
  started INTEGER NOT NULL,
  ended   INTEGER NOT NULL,
  talked  INTEGER NOT NULL,
  dialled TEXT NOT NULL,
  sent    TEXT NOT NULL,
  number  TEXT NOT NULL,
  country INTEGER NOT NULL REFERENCES texts,
  class   INTEGER NOT NULL REFERENCES texts,
  via     INTEGER NOT NULL REFERENCES texts,
  cause   INTEGER NOT NULL,
  source  BLOB NOT NULL,
  killed  INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_ended ON calls (ended);

CREATE TABLE auths (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  pbx     INTEGER NOT NULL REFERENCES texts,
  service INTEGER NOT NULL REFERENCES texts,
  what    INTEGER NOT NULL REFERENCES texts,
  proof   INTEGER NOT NULL,
  source  BLOB NOT NULL,
  port    INTEGER NOT NULL,
  account TEXT NOT NULL
) STRICT;
CREATE INDEX auths_at ON auths (at);

CREATE TABLE gaps (
  pbx    INTEGER NOT NULL REFERENCES texts,
  since  INTEGER NOT NULL,
  until  INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (pbx, since)
) STRICT, WITHOUT ROWID;

-- Single numbers that outlive a restart.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA application_id = 0x70627867; -- "pbxg"
PRAGMA user_version = 1;
