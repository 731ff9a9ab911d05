-- Subscriptions that write into the relations %(oids)s.
SELECT DISTINCT s.subname::pg_catalog.text AS name
FROM pg_catalog.pg_subscription_rel r
JOIN pg_catalog.pg_subscription s ON s.oid = r.srsubid
WHERE r.srrelid = ANY (%(oids)s::pg_catalog.oid[])
ORDER BY name
