-- Rows that do not hold what was written last: by an app (ids, emails, names), else by the shop itself. A row that is
-- missing counts, as does one that nobody wrote.
WITH expected AS (
    SELECT
        coalesce(fact.id, seed.id) AS id,
        coalesce(fact.email, 'user' || seed.id || '@shop.example') AS email,
        coalesce(fact.name, 'User ' || seed.id) AS name
    FROM generate_series(1, %(rows)s::bigint) AS seed (id)
    FULL JOIN unnest(%(ids)s::bigint[], %(emails)s::text[], %(names)s::text[]) AS fact (id, email, name)
        ON fact.id = seed.id
)
SELECT count(*)
FROM expected
FULL JOIN users ON users.id = expected.id
WHERE (expected.email, expected.name) IS DISTINCT FROM (users.email_address, users.name)
