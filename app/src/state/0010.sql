-- What was changed in settings, when and by which way. The newest are kept.

CREATE TABLE setting_change (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  way TEXT NOT NULL, -- console, command line or token
  token TEXT, -- its name
  subject TEXT NOT NULL,
  action TEXT NOT NULL, -- added, changed or removed
  name TEXT NOT NULL, -- the subject's, as it was then
  app INTEGER, -- no reference: an app's changes stay when it goes
  fields TEXT NOT NULL CHECK (json_valid(fields)) -- what it was and what it is, without secrets
) STRICT;

CREATE INDEX setting_change_app ON setting_change (app, id);
