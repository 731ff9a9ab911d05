-- Where two keys stand in the histogram of the key's first column: so many of its bounds are not above them, and what
-- to measure by between those. Made from the statistics of the relation itself, without those that inherit from it.
-- A column with common values has a histogram of only the others, which says too little.
WITH bounds AS (
    SELECT b.value, b.place, {bound_measure} AS measure
    FROM pg_catalog.pg_stats s
    CROSS JOIN LATERAL pg_catalog.unnest(s.histogram_bounds::text::{type}[]) WITH ORDINALITY AS b (value, place)
    WHERE s.schemaname = %(schema)s AND s.tablename = %(table)s AND s.attname = %(column)s AND NOT s.inherited
      AND s.most_common_vals IS NULL
),
asked AS (
    SELECT k.place, k.value, {key_measure} AS measure
    FROM (VALUES (1, %(frontier)s::{type}), (2, %(upper)s::{type})) AS k (place, value)
)
SELECT passed.bounds AS passed, (SELECT pg_catalog.count(*) FROM bounds) AS bounds, a.measure,
    (SELECT b.measure FROM bounds b WHERE b.place = passed.bounds) AS below,
    (SELECT b.measure FROM bounds b WHERE b.place = passed.bounds + 1) AS above,
    (SELECT b.measure FROM bounds b WHERE b.place = 1) AS first
FROM asked a
CROSS JOIN LATERAL (SELECT pg_catalog.count(*) FROM bounds b WHERE b.value {collate} <= a.value) AS passed (bounds)
ORDER BY a.place
