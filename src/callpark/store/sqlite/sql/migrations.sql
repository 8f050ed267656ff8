-- create --
CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL)

-- last --
SELECT coalesce(max(number), 0) FROM migration

-- record --
INSERT INTO migration (number, name) VALUES (?, ?)
