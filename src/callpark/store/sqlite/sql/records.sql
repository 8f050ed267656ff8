-- revisions --
SELECT group_concat(batch.column1 || ':' || found.revision)
FROM (VALUES {rows}) AS batch
CROSS JOIN record AS found ON found."table" = batch.column2 AND found.key = batch.column3

-- set --
INSERT INTO record ("table", key, revision, value)
SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL
ON CONFLICT ("table", key) DO UPDATE SET revision = excluded.revision, value = excluded.value

-- delete --
DELETE FROM record WHERE number IN (
    SELECT found.number
    FROM (VALUES {rows}) AS batch
    CROSS JOIN record AS found ON found."table" = batch.column1 AND found.key = batch.column2
)

-- get --
SELECT key, value, revision FROM record WHERE "table" = ? AND key = ?

-- scan --
SELECT key, value, revision FROM record WHERE "table" = ? AND key >= ? ORDER BY key

-- scan_between --
SELECT key, value, revision FROM record WHERE "table" = ? AND key >= ? AND key < ? ORDER BY key
