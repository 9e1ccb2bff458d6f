-- What is said of a resource, pauses of schedules, and the words that forms offer.

ALTER TABLE resource ADD COLUMN tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags));
ALTER TABLE resource ADD COLUMN excluded TEXT NOT NULL DEFAULT ''; -- why its apps need no protection
ALTER TABLE resource ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;

-- From when until when its schedules run nothing. It stays when it is over: a slot in it is known to have been in it.
ALTER TABLE app ADD COLUMN paused_since INTEGER;
ALTER TABLE app ADD COLUMN paused_until INTEGER;

-- What holds for all apps: one row.
CREATE TABLE site (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  paused_since INTEGER,
  paused_until INTEGER
) STRICT;
INSERT INTO site (id) VALUES (1);

-- Environments and data classes that forms offer.
CREATE TABLE word (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('environment', 'data class')),
  word TEXT NOT NULL,
  UNIQUE (kind, word)
) STRICT;
INSERT INTO word (kind, word) VALUES
  ('environment', 'production'), ('environment', 'development'), ('environment', 'testing'),
  ('data class', 'critical'), ('data class', 'database'), ('data class', 'financial records'), ('data class', 'PII');

-- How the backups of the last days went, of all apps at once.
CREATE INDEX task_days ON task (kind, created, app, state);
