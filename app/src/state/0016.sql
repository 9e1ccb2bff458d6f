-- 16
-- Each change alarm holds the prunes of its app until it is released: not the first one alone.
CREATE TABLE held_prune_new (
  id INTEGER PRIMARY KEY, -- in the order in which they came
  app INTEGER NOT NULL REFERENCES app (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  task INTEGER NOT NULL, -- no reference: tasks are forgotten earlier
  reason TEXT NOT NULL,
  examples TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(examples)),
  UNIQUE (app, task)
) STRICT;
INSERT INTO held_prune_new (app, at, task, reason, examples) SELECT app, at, task, reason, examples FROM held_prune;
DROP TABLE held_prune;
ALTER TABLE held_prune_new RENAME TO held_prune;

-- The newest restore point that the change alarm has compared, or has to begin with: the next one is compared with it.
CREATE TABLE alarm_baseline (
  app INTEGER PRIMARY KEY REFERENCES app (id) ON DELETE CASCADE,
  snapshot TEXT NOT NULL
) STRICT;

-- For what somebody was told of it last; nothing is known of one from before this.
ALTER TABLE alert ADD COLUMN marks TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(marks));
