-- What of a source is backed up and under which labels, and what a policy promises.

ALTER TABLE app ADD COLUMN options TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(options));

-- JSON: how many backups at least, and in which period; null for no promise.
ALTER TABLE policy ADD COLUMN promise TEXT NOT NULL DEFAULT 'null' CHECK (json_valid(promise));

-- Since when it promises that.
ALTER TABLE policy ADD COLUMN promise_since INTEGER NOT NULL DEFAULT 0;

-- Whether each backup of its apps is followed by a check of what it made.
ALTER TABLE policy ADD COLUMN check_after_backup INTEGER NOT NULL DEFAULT 0;

-- Which apps it is for, by their labels.
ALTER TABLE policy ADD COLUMN labels TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(labels));
