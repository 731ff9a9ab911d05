-- What keeps a column, a relation, a constraint, a type or a function from being dropped, triggers of a function apart: its
-- name, words for it, and the table that it is a part of, if any.
WITH RECURSIVE constrained AS (
    SELECT k.oid
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE %(kind)s = 'constraint' AND n.nspname = %(schema)s AND c.relname = %(table)s AND k.conname = %(name)s
    UNION
    SELECT k.oid FROM constrained JOIN pg_catalog.pg_constraint AS k ON k.conparentid = constrained.oid
), named_so AS (
    SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass AS class, constrained.oid AS object, NULL::integer AS part
    FROM constrained
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, a.attnum
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
    WHERE %(kind)s = 'column' AND n.nspname = %(schema)s AND c.relname = %(table)s AND a.attname = %(name)s
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, NULL
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE %(kind)s = 'relation' AND n.nspname = %(schema)s AND c.relname = %(name)s
    UNION ALL
    -- A relation has a type of its rows, and each type one of its arrays.
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, used.oid, NULL
    FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace,
        LATERAL (VALUES (t.oid), (t.typarray)) AS used (oid)
    WHERE %(kind)s IN ('relation', 'type') AND n.nspname = %(schema)s AND t.typname = %(name)s AND used.oid <> 0
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, NULL
    FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE %(kind)s = 'function' AND n.nspname = %(schema)s AND p.proname = %(name)s
), dropped AS (
    SELECT class, object, part FROM named_so
    UNION
    -- What children have inherited goes as well.
    SELECT dropped.class, i.inhrelid, a.attnum
    FROM dropped
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = dropped.object AND dropped.part > 0
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.inhrelid AND a.attname = %(name)s
    WHERE
        dropped.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND a.attinhcount = 1 AND NOT a.attislocal
), dependent AS (
    SELECT DISTINCT
        -- A view depends by its rule, a generated column by its expression.
        CASE
            WHEN r.oid IS NULL AND ad.oid IS NULL THEN d.classid
            ELSE 'pg_catalog.pg_class'::pg_catalog.regclass
        END AS class,
        coalesce(r.ev_class, ad.adrelid, d.objid) AS object,
        coalesce(ad.adnum, d.objsubid) AS part,
        dropped.class AS on_class,
        dropped.object AS on_object,
        dropped.part AS on_part
    FROM dropped
    JOIN pg_catalog.pg_depend AS d
        ON d.refclassid = dropped.class AND d.refobjid = dropped.object
        AND (dropped.part IS NULL OR d.refobjsubid = dropped.part)
    LEFT JOIN pg_catalog.pg_rewrite AS r
        ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
    LEFT JOIN pg_catalog.pg_attrdef AS ad
        ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND ad.oid = d.objid
    WHERE d.deptype = 'n'
), named AS (
    SELECT
        dependent.*,
        CASE
            WHEN class = 'pg_catalog.pg_class'::pg_catalog.regclass AND part > 0 THEN
                (SELECT a.attname FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = object AND a.attnum = part)
            WHEN class = 'pg_catalog.pg_class'::pg_catalog.regclass THEN
                (SELECT c.relname FROM pg_catalog.pg_class AS c WHERE c.oid = object)
            WHEN class = 'pg_catalog.pg_constraint'::pg_catalog.regclass THEN
                (SELECT k.conname FROM pg_catalog.pg_constraint AS k WHERE k.oid = object)
            WHEN class = 'pg_catalog.pg_policy'::pg_catalog.regclass THEN
                (SELECT p.polname FROM pg_catalog.pg_policy AS p WHERE p.oid = object)
            WHEN class = 'pg_catalog.pg_trigger'::pg_catalog.regclass THEN
                (SELECT t.tgname FROM pg_catalog.pg_trigger AS t WHERE t.oid = object)
            WHEN class = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN
                (SELECT f.proname FROM pg_catalog.pg_proc AS f WHERE f.oid = object)
            WHEN class = 'pg_catalog.pg_publication_rel'::pg_catalog.regclass THEN
                (SELECT p.pubname FROM pg_catalog.pg_publication_rel AS r
                JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid WHERE r.oid = object)
            WHEN class = 'pg_catalog.pg_type'::pg_catalog.regclass THEN
                (SELECT t.typname FROM pg_catalog.pg_type AS t WHERE t.oid = object)
        END AS name
    FROM dependent
)
SELECT
    named.name::pg_catalog.text,
    pg_catalog.pg_describe_object(named.class, named.object, named.part),
    n.nspname::pg_catalog.text,
    c.relname::pg_catalog.text
FROM named
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = CASE
    WHEN named.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND named.part > 0 THEN named.object
    WHEN named.class = 'pg_catalog.pg_constraint'::pg_catalog.regclass THEN
        (SELECT k.conrelid FROM pg_catalog.pg_constraint AS k WHERE k.oid = named.object)
    WHEN named.class = 'pg_catalog.pg_policy'::pg_catalog.regclass THEN
        (SELECT p.polrelid FROM pg_catalog.pg_policy AS p WHERE p.oid = named.object)
    WHEN named.class = 'pg_catalog.pg_trigger'::pg_catalog.regclass THEN
        (SELECT t.tgrelid FROM pg_catalog.pg_trigger AS t WHERE t.oid = named.object)
END
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    named.name IS NOT NULL
    -- What is on the table itself goes with it, as what is a part of the column does.
    AND NOT (class = on_class AND object = on_object AND (on_part IS NULL OR part = on_part))
    AND NOT (
        on_part IS NULL
        AND class = 'pg_catalog.pg_constraint'::pg_catalog.regclass
        AND EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.oid = object AND k.conrelid = on_object)
    )
    AND NOT (
        on_part IS NULL
        AND class = 'pg_catalog.pg_policy'::pg_catalog.regclass
        AND EXISTS (SELECT FROM pg_catalog.pg_policy AS p WHERE p.oid = object AND p.polrelid = on_object)
    )
    AND NOT (
        on_class = 'pg_catalog.pg_proc'::pg_catalog.regclass
        AND class = 'pg_catalog.pg_trigger'::pg_catalog.regclass
    )
    AND NOT (
        on_part IS NULL
        AND class = 'pg_catalog.pg_trigger'::pg_catalog.regclass
        AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.oid = object AND t.tgrelid = on_object)
    )
    -- A partition's part of a foreign key goes with that.
    AND NOT (
        class = 'pg_catalog.pg_constraint'::pg_catalog.regclass
        AND EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.oid = object AND k.conparentid <> 0)
    )
    -- A partition goes with its whole.
    AND NOT (
        class = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND EXISTS (
            SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = object AND i.inhparent = on_object AND part = 0
        )
        AND (SELECT c.relispartition FROM pg_catalog.pg_class AS c WHERE c.oid = object)
    )
ORDER BY 2
