-- What dropping the column %(dropped)s of the relations %(oids)s would take with it, and what would keep it from being
-- dropped, as PostgreSQL's own deletion finds it: whatever depends on a thing that goes, goes too (deptype a, i, P, S) or
-- is in the way (n). Left out is what is ours: objects with the comment %(mark)s, what lies in our schema, and triggers
-- that call a function of ours.
WITH RECURSIVE target AS (
    SELECT a.attrelid, a.attnum, kept.attnum AS kept
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_attribute kept
        ON kept.attrelid = a.attrelid AND kept.attname = %(kept)s AND NOT kept.attisdropped
    WHERE a.attrelid = ANY (%(oids)s::pg_catalog.oid[]) AND a.attname = %(dropped)s AND NOT a.attisdropped
), gone (classid, objid, objsubid) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, t.attrelid, t.attnum::pg_catalog.int4
    FROM target t
    UNION
    SELECT d.classid, d.objid, d.objsubid
    FROM gone g
    JOIN pg_catalog.pg_depend d
        ON d.refclassid = g.classid AND d.refobjid = g.objid AND (d.refobjsubid = g.objsubid OR g.objsubid = 0)
    WHERE d.deptype IN ('a', 'i', 'P', 'S')
), effect AS (
    SELECT d.classid, d.objid, d.objsubid, true AS blocks
    FROM gone g
    JOIN pg_catalog.pg_depend d
        ON d.refclassid = g.classid AND d.refobjid = g.objid AND (d.refobjsubid = g.objsubid OR g.objsubid = 0)
    WHERE d.deptype = 'n'
        AND NOT EXISTS (
            SELECT FROM gone o
            WHERE o.classid = d.classid AND o.objid = d.objid AND o.objsubid IN (0, d.objsubid)
        )
    UNION
    -- What is a part of something else that goes is not named by itself.
    SELECT g.classid, g.objid, g.objsubid, false
    FROM gone g
    WHERE NOT EXISTS (SELECT FROM target t WHERE t.attrelid = g.objid AND t.attnum = g.objsubid)
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_depend d
            JOIN gone o ON d.refclassid = o.classid AND d.refobjid = o.objid
            WHERE d.classid = g.classid AND d.objid = g.objid AND d.objsubid = g.objsubid AND d.deptype IN ('i', 'P', 'S')
        )
), named AS (
    SELECT e.blocks,
        coalesce(
            pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, r.ev_class, 0),
            pg_catalog.pg_describe_object(e.classid, e.objid, e.objsubid)
        ) AS name
    FROM effect e
    LEFT JOIN pg_catalog.pg_rewrite r
        ON e.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = e.objid AND r.rulename = '_RETURN'
    LEFT JOIN pg_catalog.pg_trigger t
        ON e.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND t.oid = e.objid
    LEFT JOIN pg_catalog.pg_proc p ON p.oid = CASE
        WHEN e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN e.objid ELSE t.tgfoid END
    LEFT JOIN pg_catalog.pg_attrdef f
        ON e.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND f.oid = e.objid
    LEFT JOIN target own ON own.attrelid = f.adrelid AND own.attnum = f.adnum
    WHERE pg_catalog.obj_description(e.objid, (SELECT c.relname FROM pg_catalog.pg_class c WHERE c.oid = e.classid))
            IS DISTINCT FROM %(mark)s
        AND p.pronamespace IS DISTINCT FROM pg_catalog.to_regnamespace('crossfade')
        -- A default, or NOT NULL, that the column which stays has as well is not lost.
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_attrdef k
            WHERE k.adrelid = own.attrelid AND k.adnum = own.kept
                AND pg_catalog.pg_get_expr(k.adbin, k.adrelid) = pg_catalog.pg_get_expr(f.adbin, f.adrelid)
        )
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_constraint c
            WHERE e.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND c.oid = e.objid AND c.contype = 'n'
        )
    UNION
    SELECT false, pg_catalog.format('NOT NULL of column %%I of table %%s', a.attname, a.attrelid::pg_catalog.regclass)
    FROM target t
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.attrelid AND a.attnum = t.attnum
    LEFT JOIN pg_catalog.pg_attribute k ON k.attrelid = t.attrelid AND k.attnum = t.kept
    WHERE a.attnotnull AND k.attnotnull IS NOT TRUE
    UNION
    SELECT false, pg_catalog.format('%%s for %%s on column %%I of table %%s', x.privilege_type,
        CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END,
        a.attname, a.attrelid::pg_catalog.regclass)
    FROM target t
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.attrelid AND a.attnum = t.attnum
    LEFT JOIN pg_catalog.pg_attribute k ON k.attrelid = t.attrelid AND k.attnum = t.kept
    CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) x
    WHERE NOT EXISTS (
        SELECT
        FROM pg_catalog.aclexplode(k.attacl) y
        WHERE y.grantee = x.grantee AND y.privilege_type = x.privilege_type
    )
)
SELECT n.blocks, n.name
FROM named n
ORDER BY n.blocks DESC, n.name
