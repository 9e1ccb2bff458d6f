-- 15
-- Which restore points of an app are copied to its second store: JSON; {} for all of them.
ALTER TABLE app ADD COLUMN copy_range TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(copy_range));
