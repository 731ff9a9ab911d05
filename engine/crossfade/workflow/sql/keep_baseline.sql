-- Keep how relations of run %(run)s are: %(relations)s is an array of objects.
INSERT INTO crossfade.baselines (run_id, relation, is_root, structure, numbers, digest)
SELECT %(run)s, r.relation, r.is_root, r.structure, r.numbers,
       encode(sha256(convert_to(r.structure::text, 'UTF8')), 'hex')
FROM jsonb_to_recordset(%(relations)s) AS r (relation oid, is_root boolean, structure jsonb, numbers jsonb)
ON CONFLICT (run_id, relation) DO UPDATE
    SET is_root = excluded.is_root, structure = excluded.structure, numbers = excluded.numbers,
        digest = excluded.digest, at = clock_timestamp()
