-- Further kinds of tasks, what a task came to in figures, and prunes that are held. SQLite cannot change a CHECK: the tables are made anew.

-- Apps whose prunes are held until somebody has looked.
CREATE TABLE held_prune (
  app INTEGER PRIMARY KEY REFERENCES app (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  task INTEGER NOT NULL, -- no reference: tasks are forgotten earlier
  reason TEXT NOT NULL
) STRICT;

CREATE TABLE handled_kept AS SELECT app, schedule, slot FROM handled;
DROP TABLE handled;
CREATE TABLE schedule_new (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app INTEGER REFERENCES app (id) ON DELETE CASCADE,
  policy INTEGER REFERENCES policy (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('backup', 'check', 'prune', 'maintenance', 'sync', 'drill', 'compare')),
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  catch_up INTEGER NOT NULL,
  since INTEGER NOT NULL, -- slots count from here: made, changed or enabled again
  revision INTEGER NOT NULL DEFAULT 1,
  CHECK ((app IS NULL) <> (policy IS NULL))
) STRICT;
INSERT INTO schedule_new SELECT id, app, policy, kind, cron, time_zone, enabled, catch_up, since, revision FROM schedule;
-- Ids are never given twice: the counter goes along.
DELETE FROM sqlite_sequence WHERE name = 'schedule_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'schedule_new', seq FROM sqlite_sequence WHERE name = 'schedule';
DROP TABLE schedule;
ALTER TABLE schedule_new RENAME TO schedule;
CREATE INDEX schedule_app ON schedule (app) WHERE app IS NOT NULL;
CREATE INDEX schedule_policy ON schedule (policy) WHERE policy IS NOT NULL;

CREATE TABLE handled (
  app INTEGER NOT NULL REFERENCES app (id) ON DELETE CASCADE,
  schedule INTEGER NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
  slot INTEGER NOT NULL,
  PRIMARY KEY (app, schedule)
) STRICT, WITHOUT ROWID;
INSERT INTO handled SELECT app, schedule, slot FROM handled_kept;
DROP TABLE handled_kept;
CREATE INDEX handled_schedule ON handled (schedule);

CREATE TABLE task_new (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app INTEGER NOT NULL REFERENCES app (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('backup', 'check', 'prune', 'restore', 'test', 'maintenance', 'sync', 'drill', 'compare')),
  cause TEXT NOT NULL CHECK (cause IN ('manual', 'schedule', 'retry', 'policy', 'external')),
  state TEXT NOT NULL CHECK (state IN
    ('queued', 'running', 'waiting', 'succeeded', 'completed with errors', 'failed', 'cancelled', 'interrupted', 'missed')),
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
  progress TEXT NOT NULL DEFAULT '',
  progress_detail TEXT CHECK (progress_detail IS NULL OR json_valid(progress_detail)), -- kept when it has ended: the next run compares with it
  figures TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(figures)) -- what it came to
) STRICT;
INSERT INTO task_new SELECT id, app, kind, cause, state, schedule, slot, attempt, input, store, created, started, ended, next_try,
  pid, process_start, boot, namespace, heartbeat, cancel, exit, verdict, errors, bytes, snapshot, progress, progress_detail, '{}' FROM task;
DELETE FROM sqlite_sequence WHERE name = 'task_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'task_new', seq FROM sqlite_sequence WHERE name = 'task';
DROP TABLE task;
ALTER TABLE task_new RENAME TO task;
-- No slot runs twice, and no app runs beside itself, whatever the processes do. A test of the connection disturbs nothing.
CREATE UNIQUE INDEX task_slot ON task (app, schedule, slot, attempt) WHERE slot IS NOT NULL;
CREATE UNIQUE INDEX task_one_running ON task (app) WHERE state = 'running' AND kind <> 'test';
CREATE INDEX task_open ON task (app, kind) WHERE state IN ('queued', 'running', 'waiting');
CREATE INDEX task_success ON task (app, kind, id) WHERE state = 'succeeded';
CREATE INDEX task_made ON task (app, kind, id) WHERE state IN ('succeeded', 'completed with errors');
CREATE INDEX task_ended ON task (app, kind, id) WHERE state IN ('succeeded', 'completed with errors', 'failed');
CREATE INDEX task_tried ON task (app, kind, id) WHERE state IN ('succeeded', 'completed with errors', 'failed', 'interrupted');
CREATE INDEX task_app ON task (app, kind, id);
CREATE INDEX task_app_id ON task (app, id);
CREATE INDEX task_state ON task (state, id);
CREATE INDEX task_kind ON task (kind, id);
