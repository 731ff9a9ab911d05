-- The best key of one relation, as arrays of column names and of types to cast a text to. A row comparison takes its
-- operators from pg_catalog and an ORDER BY takes them from the type's default operator class, so an index qualifies
-- only where both are the index's own: default operator classes of pg_catalog, the columns' collations, one direction.
-- PostgreSQL 18 knows NOT NULL constraints that are not valid: such a column may still hold NULLs.
WITH parts AS (
    SELECT i.indexrelid, k.place, a.attname, a.atttypid,
           a.attnotnull
               AND a.attname <> ALL (%(touched)s::text[])
               AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_constraint n
                   WHERE n.conrelid = a.attrelid AND n.contype = 'n' AND NOT n.convalidated AND a.attnum = ANY (n.conkey))
               AND o.opcdefault
               AND o.opcnamespace = 'pg_catalog'::regnamespace
               AND i.indcollation[k.place - 1] = a.attcollation
               AND i.indoption[k.place - 1] = i.indoption[0]
               AND i.indoption[0] IN (0, 3) AS fits
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname = 'btree'
    CROSS JOIN LATERAL pg_catalog.generate_series(1, i.indnkeyatts) AS k (place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.place - 1]
    JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[k.place - 1]
    WHERE i.indrelid = %(oid)s AND i.indisunique AND i.indisvalid AND i.indisready AND i.indimmediate
      AND i.indpred IS NULL AND i.indexprs IS NULL
),
fitting AS (
    SELECT p.indexrelid FROM parts p GROUP BY p.indexrelid HAVING pg_catalog.bool_and(p.fits)
),
best AS (
    SELECT i.indexrelid
    FROM fitting f
    JOIN pg_catalog.pg_index i USING (indexrelid)
    ORDER BY i.indisprimary DESC, pg_catalog.pg_relation_size(i.indexrelid), i.indexrelid
    LIMIT 1
)
SELECT pg_catalog.array_agg(p.attname::text ORDER BY p.place) AS columns,
       pg_catalog.array_agg(pg_catalog.format_type(undomained.oid, -1) ORDER BY p.place) AS types
FROM best b
JOIN parts p USING (indexrelid)
CROSS JOIN LATERAL (
    WITH RECURSIVE chain (oid, base) AS (
        SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = p.atttypid
        UNION ALL
        SELECT t.oid, t.typbasetype FROM chain JOIN pg_catalog.pg_type t ON t.oid = chain.base
    )
    SELECT chain.oid FROM chain WHERE chain.base = 0
) AS undomained
HAVING pg_catalog.count(*) > 0
