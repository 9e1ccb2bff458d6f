-- Who replaces Plakar's package now: no task begins meanwhile.
CREATE TABLE package_change (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  begun INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  process_start INTEGER NOT NULL,
  boot TEXT NOT NULL,
  namespace TEXT NOT NULL
) STRICT;
