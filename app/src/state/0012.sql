-- Each change is sealed with the seal of the one before it; those from before this are sealed once it
-- has run.
ALTER TABLE setting_change ADD COLUMN before TEXT NOT NULL DEFAULT '';
ALTER TABLE setting_change ADD COLUMN seal TEXT NOT NULL DEFAULT '';

-- Between what the chain lies.
CREATE TABLE change_chain (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  first_before TEXT NOT NULL, -- the seal of the newest change that is kept no more
  head_id INTEGER, -- the newest change, and its seal
  head TEXT
) STRICT;
