-- Up to how many minutes later than its slot a run begins.
ALTER TABLE schedule ADD COLUMN random_delay_minutes INTEGER NOT NULL DEFAULT 0;
