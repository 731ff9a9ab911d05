-- Publications of the relations %(oids)s on PostgreSQL 14, which knows neither schemas nor lists nor filters in them.
WITH member AS (
    SELECT c.oid AS relation, c.oid AS published
    FROM pg_class c
    WHERE c.oid = ANY (%(oids)s::oid[]) AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
    UNION
    SELECT c.oid, up.relid
    FROM pg_class c, pg_partition_ancestors(c.oid) AS up (relid)
    WHERE c.oid = ANY (%(oids)s::oid[])
)
SELECT DISTINCT m.relation::bigint AS relation,
       p.pubname::text AS name,
       p.puballtables AS all_tables,
       pg_has_role(p.pubowner, 'USAGE') AS owned,
       NULL::text[] AS columns,
       NULL::text AS row_filter
FROM member m
CROSS JOIN pg_publication p
WHERE p.puballtables
   OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = m.published)
ORDER BY 1, 2
