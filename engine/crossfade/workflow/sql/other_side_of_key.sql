-- Whether these columns of a table can be referred to, and whether it lasts as long as the one that refers to it.
SELECT
    EXISTS (
        SELECT FROM pg_catalog.pg_index AS i
        WHERE
            i.indrelid = other.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
            AND i.indpred IS NULL AND i.indexprs IS NULL
            AND i.indnkeyatts = pg_catalog.cardinality(%(columns)s::pg_catalog.text[])
            AND NOT EXISTS (
                SELECT FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                WHERE k.n <= i.indnkeyatts AND a.attname <> ALL (%(columns)s::pg_catalog.text[])
            )
    ),
    own.relpersistence <> 'p' OR other.relpersistence = 'p'
FROM pg_catalog.pg_class AS own, pg_catalog.pg_class AS other
WHERE own.oid = pg_catalog.to_regclass(%(table)s) AND other.oid = pg_catalog.to_regclass(%(other)s)
