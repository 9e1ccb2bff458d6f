-- Of what somebody was told, messages that are still to be delivered, what is known of their receivers, and API tokens.

-- What is wrong with an app, and was told.
CREATE TABLE alert (
  app INTEGER NOT NULL REFERENCES app (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  since INTEGER NOT NULL,
  told INTEGER NOT NULL, -- reminders included
  PRIMARY KEY (app, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body))
) STRICT;

-- Who has not got a message yet.
CREATE TABLE delivery (
  receiver TEXT NOT NULL,
  message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_try INTEGER NOT NULL,
  PRIMARY KEY (receiver, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_message ON delivery (message);

CREATE TABLE receiver (
  name TEXT PRIMARY KEY,
  delivered INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0, -- tries
  dropped INTEGER NOT NULL DEFAULT 0, -- messages that were given up
  delivered_at INTEGER,
  failed_at INTEGER,
  reason TEXT NOT NULL DEFAULT '' -- why the last try failed; empty if it went well
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  hash TEXT NOT NULL UNIQUE, -- SHA-256 of a secret of 256 random bits
  access TEXT NOT NULL CHECK (access IN ('read-only', 'full')),
  created INTEGER NOT NULL,
  used INTEGER
) STRICT;
