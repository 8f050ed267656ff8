-- carried --
UPDATE journal SET carried = ?

-- last --
SELECT carried FROM journal
