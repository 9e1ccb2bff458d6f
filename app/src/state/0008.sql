-- Second copies of apps' restore points, and what was last read of stores: opening one may be slow.

ALTER TABLE app ADD COLUMN second_store TEXT;

-- What was found of each restore point in an app's second store when it was read back last.
CREATE TABLE copied (
  app INTEGER NOT NULL REFERENCES app (id) ON DELETE CASCADE,
  store TEXT NOT NULL, -- as the app named it then
  snapshot TEXT NOT NULL,
  taken INTEGER NOT NULL, -- when the restore point was made
  at INTEGER NOT NULL, -- when it was read back
  task INTEGER NOT NULL, -- no reference: tasks are forgotten earlier
  errors INTEGER NOT NULL, -- 0: all of it is there and whole
  reason TEXT NOT NULL, -- what is wrong, one line
  PRIMARY KEY (app, store, snapshot)
) STRICT, WITHOUT ROWID;

CREATE TABLE store_facts (
  store TEXT PRIMARY KEY, -- a name in Plakar's configuration, or a path
  at INTEGER NOT NULL,
  facts TEXT NOT NULL CHECK (json_valid(facts))
) STRICT, WITHOUT ROWID;
