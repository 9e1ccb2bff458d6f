-- What Plakar took of processors and memory over a task's run.
ALTER TABLE task ADD COLUMN usage TEXT CHECK (usage IS NULL OR json_valid(usage));
