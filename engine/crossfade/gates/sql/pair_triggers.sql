-- Each trigger that a pair needs, on its table and on every partition below, and how it stands there. A table that has
-- another name by now is found by the trigger's, which is ours alone.
SELECT wanted.relation, wanted.name, carrier.oid AS relation_oid,
       coalesce(carrier.oid::regclass::text, wanted.relation) AS carrier,
       carrier.oid IS DISTINCT FROM root.oid AS inherited,
       t.oid AS trigger_oid, t.tgenabled::text AS enabled,
       t.tgfoid IN (SELECT p.oid FROM pg_proc p WHERE p.pronamespace = to_regnamespace('crossfade')) AS ours,
       t.oid::text || ' ' || t.xmin::text AS version,
       (SELECT concat_ws(' ', p.oid, p.xmin) FROM pg_proc p WHERE p.oid = t.tgfoid) AS function_version
FROM ROWS FROM (unnest(%(relations)s::text[]), unnest(%(names)s::text[])) AS wanted (relation, name)
LEFT JOIN LATERAL (
    SELECT coalesce(
        (SELECT to_regclass(wanted.relation)::oid
         WHERE EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass(wanted.relation) AND c.relkind IN ('r', 'p'))),
        (SELECT min(o.tgrelid) FROM pg_trigger o WHERE o.tgname = wanted.name AND o.tgparentid = 0),
        to_regclass(wanted.relation)::oid
    ) AS oid
) root ON true
LEFT JOIN LATERAL (
    SELECT root.oid
    UNION
    SELECT p.relid::oid FROM pg_partition_tree(root.oid) p
) carrier ON true
LEFT JOIN pg_trigger t ON t.tgrelid = carrier.oid AND t.tgname = wanted.name
ORDER BY wanted.relation, wanted.name, carrier.oid
