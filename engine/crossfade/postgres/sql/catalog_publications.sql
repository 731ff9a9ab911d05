-- Publications of the relations %(oids)s, from PostgreSQL 15: with schemas, column lists and row filters.
WITH member AS (
    SELECT c.oid AS relation, c.oid AS published, c.relnamespace
    FROM pg_class c
    WHERE c.oid = ANY (%(oids)s::oid[]) AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
    UNION
    SELECT c.oid, p.oid, p.relnamespace
    FROM pg_class c, pg_partition_ancestors(c.oid) AS up (relid) JOIN pg_class p ON p.oid = up.relid
    WHERE c.oid = ANY (%(oids)s::oid[])
)
SELECT DISTINCT ON (m.relation, p.pubname)
       m.relation::bigint AS relation,
       p.pubname::text AS name,
       p.puballtables AS all_tables,
       pg_has_role(p.pubowner, 'USAGE') AS owned,
       CASE WHEN r.prattrs IS NOT NULL
            THEN ARRAY(SELECT a.attname::text FROM pg_attribute a
                       WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)
                       ORDER BY a.attnum) END AS columns,
       pg_get_expr(r.prqual, r.prrelid) AS row_filter
FROM member m
CROSS JOIN pg_publication p
LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = m.published
WHERE p.puballtables OR r.oid IS NOT NULL
   OR EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid AND s.pnnspid = m.relnamespace)
-- What the table itself is published with comes before what an ancestor is.
ORDER BY m.relation, p.pubname, m.published = m.relation DESC, r.oid IS NULL
