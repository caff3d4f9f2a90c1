-- A file of schema 2, as that version wrote it: its layout, then one of each record.
-- Never edited.

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
-- A flood of failures must not fill the disk: equal ones share a row.
ALTER TABLE auths ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
ALTER TABLE auths ADD COLUMN span INTEGER NOT NULL DEFAULT 0; -- from the first to the last

PRAGMA user_version = 2;

INSERT INTO "accounts" VALUES(1,'hq','','100');
INSERT INTO "accounts" VALUES(2,'hq','tenant.example','200');
INSERT INTO "accounts" VALUES(3,'hq','','carrier');
INSERT INTO "auths" VALUES(1,1773489600123456789,2,10,11,0,X'CB007109',5060,'100',1,0);
INSERT INTO "bans" VALUES(X'CB00710720',1773489600123456789,0,7,'5 wrong passwords',1,1,5,1,0,NULL);
INSERT INTO "bars" VALUES(2,1773489600123456789,0,8,'left the company',9,0);
INSERT INTO "calls" VALUES(1,'1741953600.17',2,1,3,1773489600123456789,1773489690123456789,80000000000,'0612345678','+31612345678','+31612345678',12,4,13,16,X'20010DB8000000000000000000000005',1);
INSERT INTO "decisions" VALUES(1,1,1773489601123456789,1,'premium-rate number',3,1,2,1,'1741953600.17','1741953600.18','PJSIP/100-0000002a','000231770','+231770',3,4,X'CB007109',5,5,0,X'ADACF98BF88B0BE26B470E512751723A',X'BBAAAD2923347F2C725115B6CBF2400147CB0FF109BDDCE1E48757AD77DA9807');
INSERT INTO "decisions" VALUES(2,2,1773489602123456789,1,'premium-rate number',3,1,2,1,'1741953600.17','1741953600.18','PJSIP/100-0000002a','000231770','+231770',3,4,X'CB007109',5,5,0,X'87B19DB358F4FB177B943DD1DEA41C84',X'911A6C3418104ABABC504C4E3B468BBEB255D1EA8717553BF1575AFE5F60A041');
INSERT INTO "decisions" VALUES(3,1,1773489601123456789,1,'premium-rate number',3,1,2,1,'1741953600.17','1741953600.18','PJSIP/100-0000002a','000231770','+231770',3,4,X'CB007109',5,6,12000000,X'3370524D607B1E38058C8B6F40040FCA',X'D6EDBCAB9BCAD70056C40179EDCD234A5FCF95F6DEE758B1C777E38B8176E851');
INSERT INTO "standings" VALUES(1,X'C0000201',1773489600123456789,1773489600123456789,1,'Phone');
INSERT INTO "texts" VALUES(1,'destination');
INSERT INTO "texts" VALUES(2,'hq');
INSERT INTO "texts" VALUES(3,'LR');
INSERT INTO "texts" VALUES(4,'mobile');
INSERT INTO "texts" VALUES(5,'');
INSERT INTO "texts" VALUES(6,'confirmed');
INSERT INTO "texts" VALUES(7,'auth');
INSERT INTO "texts" VALUES(8,'hand');
INSERT INTO "texts" VALUES(9,'root');
INSERT INTO "texts" VALUES(10,'PJSIP');
INSERT INTO "texts" VALUES(11,'wrong password');
INSERT INTO "texts" VALUES(12,'NL');
INSERT INTO "texts" VALUES(13,'forward');
