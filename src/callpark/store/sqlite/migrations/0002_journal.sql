-- The number of the last record of the journal that this database has.
CREATE TABLE journal (carried INTEGER NOT NULL);
INSERT INTO journal VALUES (0);
