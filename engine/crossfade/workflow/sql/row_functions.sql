-- Functions of one row of a table: `p.label` calls them as if they were columns.
SELECT FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_type AS t ON t.oid = p.proargtypes[0]
WHERE p.pronargs = 1 AND t.typtype = 'c' AND p.proname = ANY (%(names)s::pg_catalog.name[]) LIMIT 1
