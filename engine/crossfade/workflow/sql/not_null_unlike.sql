-- The NOT NULL of a column, of its table and those below it, that one which is inherited, valid and of this name, where
-- that is asked, cannot be merged with. There is none in pg_constraint before PostgreSQL 18.
WITH RECURSIVE family AS (
    SELECT pg_catalog.to_regclass(%(table)s)::pg_catalog.oid AS relation
    UNION
    SELECT i.inhrelid FROM family JOIN pg_catalog.pg_inherits AS i ON i.inhparent = family.relation WHERE %(below)s
)
SELECT
    k.conrelid::pg_catalog.regclass::pg_catalog.text, k.conname::pg_catalog.text,
    CASE WHEN k.connoinherit THEN 'NO INHERIT' WHEN k.convalidated THEN 'another one' ELSE 'NOT VALID' END
FROM family
JOIN pg_catalog.pg_constraint AS k ON k.conrelid = family.relation AND k.contype = 'n'
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE a.attname = %(column)s AND (
    k.connoinherit OR (%(is_valid)s AND NOT k.convalidated)
    OR (k.conname <> %(name)s AND k.conrelid = pg_catalog.to_regclass(%(table)s)))
ORDER BY 1
