-- Times are milliseconds since 1970, UTC. Ids are never given twice: the slots of a schedule are known by them.
-- Credentials are in Plakar's own configuration, under the name in app.entry, and never here.

CREATE TABLE resource (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  class TEXT NOT NULL,
  subclass TEXT NOT NULL
) STRICT;

CREATE TABLE app (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE, -- marks its snapshots in stores, which others share: a number would come again
  kind TEXT NOT NULL CHECK (kind IN ('source', 'destination')),
  name TEXT NOT NULL,
  resource INTEGER NOT NULL REFERENCES resource (id),
  environment TEXT NOT NULL,
  data_classes TEXT NOT NULL CHECK (json_valid(data_classes)),
  integration TEXT NOT NULL,
  protocol TEXT NOT NULL,
  entry TEXT NOT NULL,
  store TEXT CHECK ((kind = 'source') = (store IS NOT NULL)),
  retention TEXT NOT NULL CHECK (json_valid(retention)),
  created INTEGER NOT NULL,
  since INTEGER NOT NULL, -- since when it has its policies: earlier slots are not caught up
  revision INTEGER NOT NULL DEFAULT 1,
  UNIQUE (kind, name)
) STRICT;
CREATE INDEX app_resource ON app (resource);

CREATE TABLE policy (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  environments TEXT NOT NULL CHECK (json_valid(environments)),
  data_classes TEXT NOT NULL CHECK (json_valid(data_classes)),
  classes TEXT NOT NULL CHECK (classes IN ('any', 'all')),
  retention TEXT NOT NULL CHECK (json_valid(retention)),
  enabled INTEGER NOT NULL,
  since INTEGER NOT NULL,
  revision INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE schedule (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app INTEGER REFERENCES app (id) ON DELETE CASCADE,
  policy INTEGER REFERENCES policy (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('backup', 'check', 'prune')),
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  catch_up INTEGER NOT NULL,
  since INTEGER NOT NULL, -- slots count from here: made, changed or enabled again
  revision INTEGER NOT NULL DEFAULT 1,
  CHECK ((app IS NULL) <> (policy IS NULL))
) STRICT;
CREATE INDEX schedule_app ON schedule (app) WHERE app IS NOT NULL;
CREATE INDEX schedule_policy ON schedule (policy) WHERE policy IS NOT NULL;

-- The last slot of a schedule that was dealt with, for each app that has it.
CREATE TABLE handled (
  app INTEGER NOT NULL REFERENCES app (id) ON DELETE CASCADE,
  schedule INTEGER NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
  slot INTEGER NOT NULL,
  PRIMARY KEY (app, schedule)
) STRICT, WITHOUT ROWID;
CREATE INDEX handled_schedule ON handled (schedule);

CREATE TABLE task (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app INTEGER NOT NULL REFERENCES app (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('backup', 'check', 'prune', 'restore', 'test')),
  cause TEXT NOT NULL CHECK (cause IN ('manual', 'schedule', 'retry', 'policy', 'external')),
  state TEXT NOT NULL CHECK (state IN
    ('queued', 'running', 'waiting', 'succeeded', 'completed with errors', 'failed', 'cancelled', 'interrupted')),
  schedule INTEGER, -- no reference: history outlives the schedule
  slot INTEGER,
  attempt INTEGER NOT NULL DEFAULT 1,
  input TEXT NOT NULL CHECK (json_valid(input)),
  store TEXT, -- the store that it writes to
  created INTEGER NOT NULL,
  started INTEGER,
  ended INTEGER,
  next_try INTEGER,
  pid INTEGER,
  process_start INTEGER,
  boot TEXT,
  namespace TEXT,
  heartbeat INTEGER,
  cancel INTEGER NOT NULL DEFAULT 0,
  exit INTEGER,
  verdict TEXT NOT NULL DEFAULT '',
  errors INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER,
  snapshot TEXT,
  progress TEXT NOT NULL DEFAULT ''
) STRICT;
-- No slot runs twice, and no app runs beside itself, whatever the processes do. A test of the connection disturbs nothing.
CREATE UNIQUE INDEX task_slot ON task (app, schedule, slot, attempt) WHERE slot IS NOT NULL;
CREATE UNIQUE INDEX task_one_running ON task (app) WHERE state = 'running' AND kind <> 'test';
CREATE INDEX task_open ON task (app, kind) WHERE state IN ('queued', 'running', 'waiting');
CREATE INDEX task_success ON task (app, kind, id) WHERE state = 'succeeded';
CREATE INDEX task_app ON task (app, kind, id);
CREATE INDEX task_app_id ON task (app, id);
CREATE INDEX task_state ON task (state, id);
CREATE INDEX task_kind ON task (kind, id);
