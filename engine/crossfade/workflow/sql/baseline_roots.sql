-- The tables named %(names)s, in SQL's quoting (an index stands for its table), and those with a column that follows one of
-- the keys %(tables)s, %(columns)s through foreign keys.
WITH RECURSIVE named AS (
    SELECT coalesce(i.indrelid, to_regclass(t.name)::oid) AS relation
    FROM unnest(%(names)s::text[]) AS t (name)
    LEFT JOIN pg_index AS i ON i.indexrelid = to_regclass(t.name)
), following AS (
    SELECT a.attrelid, a.attnum
    FROM ROWS FROM (unnest(%(tables)s::text[]), unnest(%(columns)s::text[])) AS f (name, attname)
    JOIN pg_attribute a ON a.attrelid = to_regclass(f.name) AND a.attname = f.attname
    UNION
    SELECT k.conrelid, u.attnum
    FROM following f
    JOIN pg_constraint k ON k.contype = 'f' AND k.confrelid = f.attrelid AND k.conparentid = 0
    CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u (attnum, referenced)
    WHERE u.referenced = f.attnum
)
SELECT relation FROM named WHERE relation IS NOT NULL
UNION
SELECT attrelid FROM following
