-- 14
-- Resources that were entered by hand: they are there without an app, too. And where a resource is.
ALTER TABLE resource ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resource ADD COLUMN location TEXT NOT NULL DEFAULT '';
