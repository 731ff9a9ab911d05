-- Names of volatile functions outside the system's schemas; the body of those that the planner puts in place of a call.
SELECT ARRAY[n.nspname::text, p.proname::text] AS name,
       CASE WHEN count(*) = 1
                 AND bool_and(l.lanname = 'sql' AND p.prosqlbody IS NULL AND NOT p.prosecdef AND NOT p.proretset
                              AND NOT (p.proisstrict AND p.pronargs > 0) AND p.proconfig IS NULL)
            THEN min(p.prosrc) END AS body
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE p.provolatile = 'v' AND p.prokind = 'f'
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
GROUP BY n.nspname, p.proname
ORDER BY 1
