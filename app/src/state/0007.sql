-- What held the prunes, by examples; and what is known of files by their MD5.
ALTER TABLE held_prune ADD COLUMN examples TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(examples));

-- The MD5 of files that were read from the store, as long as they have this size and time.
CREATE TABLE file_md5 (
  app INTEGER NOT NULL REFERENCES app (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  md5 TEXT NOT NULL,
  listed INTEGER NOT NULL, -- the drive listed the same
  PRIMARY KEY (app, path)
) STRICT, WITHOUT ROWID;

-- What the newest comparison of an app with its drive found.
CREATE TABLE comparison (
  app INTEGER PRIMARY KEY REFERENCES app (id) ON DELETE CASCADE,
  report TEXT NOT NULL CHECK (json_valid(report))
) STRICT;
