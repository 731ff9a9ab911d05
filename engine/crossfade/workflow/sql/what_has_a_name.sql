-- What has the name of a relation, constraint or type: of which kind, on which table, over which columns, and what else
-- tells an index or a constraint from another one, with the columns that this speaks of and those of the table, by their
-- numbers. An index of a constraint is not there by itself.
WITH found AS (
    SELECT
        c.oid,
        CASE c.relkind WHEN 'I' THEN 'i' WHEN 'p' THEN 'r' ELSE c.relkind END AS kind,
        coalesce(i.indrelid, c.oid) AS relation,
        CASE
            WHEN i.indexrelid IS NULL THEN NULL
            ELSE (
                SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY k.n)
                FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
                LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
                WHERE k.n <= i.indnkeyatts
            )
        END AS columns,
        CASE
            WHEN i.indexrelid IS NULL THEN NULL
            ELSE pg_catalog.concat_ws(
                ' ', m.amname, CASE WHEN i.indisunique THEN 'unique' END,
                CASE WHEN i.indpred IS NOT NULL THEN 'partial' END, i.indnatts - i.indnkeyatts)
        END AS traits,
        CASE
            WHEN i.indexrelid IS NULL THEN NULL
            ELSE pg_catalog.concat_ws(
                ', ',
                (SELECT pg_catalog.string_agg(pg_catalog.pg_get_indexdef(c.oid, n, false), ', ' ORDER BY n)
                 FROM pg_catalog.generate_series(1, i.indnatts) AS n),
                i.indclass, i.indcollation, i.indoption,
                CASE WHEN pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct' = 'true' THEN 'NULLS NOT DISTINCT' END,
                'WHERE ' || pg_catalog.pg_get_expr(i.indpred, i.indrelid))
        END AS definition,
        pg_catalog.concat_ws(
            ' ', i.indkey, i.indclass, i.indcollation, i.indoption,
            pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct', i.indexprs, i.indpred) AS stored,
        'pg_catalog.pg_class'::pg_catalog.regclass AS class,
        EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
                WHERE k.conindid = c.oid AND k.conrelid = i.indrelid) AS is_of_constraint,
        NULL::pg_catalog.oid AS enum
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
    LEFT JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
    WHERE %(kind)s = 'relation' AND n.nspname = %(schema)s AND c.relname = %(name)s
    UNION ALL
    SELECT
        k.oid,
        k.contype,
        k.conrelid,
        (
            SELECT pg_catalog.array_agg(a.attname::pg_catalog.text)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
        ),
        pg_catalog.concat_ws(
            ' ', CASE WHEN k.condeferrable THEN 'deferrable' END,
            (SELECT r.relname FROM pg_catalog.pg_class AS r WHERE r.oid = k.confrelid)),
        pg_catalog.concat_ws(
            ' ', pg_catalog.pg_get_expr(k.conbin, k.conrelid), k.confupdtype, k.confdeltype, k.confmatchtype),
        pg_catalog.concat_ws(' ', k.conkey, k.conbin, k.confrelid, k.confupdtype, k.confdeltype, k.confmatchtype),
        'pg_catalog.pg_constraint',
        false,
        NULL
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE %(kind)s = 'constraint' AND n.nspname = %(schema)s AND c.relname = %(table)s AND k.conname = %(name)s
    UNION ALL
    SELECT t.oid, t.typtype, NULL, NULL, NULL, NULL, '', 'pg_catalog.pg_type', false, t.oid
    FROM pg_catalog.pg_type AS t
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    WHERE %(kind)s = 'type' AND n.nspname = %(schema)s AND t.typname = %(name)s
), numbered AS (
    SELECT
        a.attnum,
        a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) AS "column",
        EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                WHERE d.classid = found.class AND d.objid = found.oid
                AND d.refobjid = found.relation AND d.refobjsubid = a.attnum) AS is_used
    FROM found JOIN pg_catalog.pg_attribute AS a ON a.attrelid = found.relation
    WHERE a.attnum > 0 AND NOT a.attisdropped
)
SELECT
    found.oid::pg_catalog.int8 AS oid,
    found.kind::pg_catalog.text AS kind,
    n.nspname::pg_catalog.text AS schema,
    c.relname::pg_catalog.text AS table,
    coalesce(found.columns, '{}') AS columns,
    found.traits,
    found.is_of_constraint,
    found.definition,
    -- Without the places of words in a statement that was parsed once.
    pg_catalog.md5(pg_catalog.regexp_replace(found.stored, ':location -?\d+', '', 'g')) AS stored,
    coalesce((SELECT pg_catalog.jsonb_object_agg(attnum, "column") FROM numbered), '{}') AS numbered,
    coalesce((SELECT pg_catalog.jsonb_object_agg(attnum, "column") FROM numbered WHERE is_used), '{}') AS used,
    ARRAY(
        SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = found.relation AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT e.enumlabel::pg_catalog.text FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = found.enum
    ) AS there
FROM found
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = found.relation
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
