-- Statements with {rows} take a whole batch at once; rows whose first column is NULL only fill up to a prepared size.
-- CROSS JOIN keeps SQLite to the order written: from the batch into the index, never over the whole table.

-- put --
INSERT INTO item (sequence, queue, id, ready_at, state, body)
SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL
ON CONFLICT (queue, id) DO NOTHING

-- defer --
UPDATE item SET ready_at = batch.column3, state = batch.column4
FROM (VALUES {rows}) AS batch
WHERE item.queue = batch.column1 AND item.id = batch.column2

-- done --
DELETE FROM item WHERE sequence IN (
    SELECT found.sequence
    FROM (VALUES {rows}) AS batch
    CROSS JOIN item AS found ON found.queue = batch.column1 AND found.id = batch.column2
)

-- present --
SELECT group_concat(batch.column1 || ':' || found.sequence)
FROM (VALUES {rows}) AS batch
CROSS JOIN item AS found ON found.queue = batch.column2 AND found.id = batch.column3

-- highest --
SELECT coalesce(max(id), '') FROM item WHERE queue = ?

-- last_sequence --
SELECT coalesce(max(sequence), 0) FROM item

-- refill --
SELECT sequence, queue, id, ready_at, state, body FROM item
WHERE queue = ?1 AND (ready_at, sequence) > (?2, ?3)
ORDER BY ready_at, sequence
LIMIT ?4

-- count --
SELECT count(*) FROM item WHERE queue = ?

-- count_ready --
SELECT count(*) FROM item WHERE queue = ? AND ready_at <= ?

-- find --
SELECT sequence, queue, id, ready_at, state, body FROM item WHERE queue = ? AND id = ?

-- queues --
WITH RECURSIVE name (queue) AS (
    SELECT min(queue) FROM item
    UNION ALL
    SELECT (SELECT min(item.queue) FROM item WHERE item.queue > name.queue) FROM name WHERE name.queue IS NOT NULL
)
SELECT queue FROM name WHERE queue IS NOT NULL
