-- Constraints of this name on the children of a table, at any depth.
WITH RECURSIVE child AS (
    SELECT i.inhrelid AS relation FROM pg_catalog.pg_inherits AS i
    WHERE i.inhparent = pg_catalog.to_regclass(%(table)s)
    UNION
    SELECT i.inhrelid FROM child JOIN pg_catalog.pg_inherits AS i ON i.inhparent = child.relation
)
SELECT k.conrelid::pg_catalog.regclass::pg_catalog.text, pg_catalog.pg_get_constraintdef(k.oid)
FROM pg_catalog.pg_constraint AS k JOIN child ON child.relation = k.conrelid
WHERE k.conname = %(name)s
ORDER BY 1
