-- What there is to tell of runs whose plan names targets and that are not over, and of the runs of these names: what
-- happened within a day, and what holds them now. `occurrence` is the same however often one looks.
WITH told AS (
    SELECT r.id, r.name, r.state, r.state_since, r.plan, r.program
    FROM crossfade.runs r
    WHERE r.state NOT IN ('contracted', 'rolled_back', 'cancelled') AND (r.plan -> 'notify')::jsonb <> '[]'
       OR r.name = ANY (%(driven)s)
          AND (r.state NOT IN ('contracted', 'rolled_back', 'cancelled')
               OR r.state_since > clock_timestamp() - interval '1 day')
)
SELECT t.id AS run_id, t.name AS run, coalesce(t.plan -> 'notify', '[]') AS notify, current_database() AS database,
    f.event, f.occurrence, f.phase, f.state, f.at, f.reasons, f.code, f.seconds
FROM told t
CROSS JOIN LATERAL (
    -- A phase with neither steps nor rows passes through; nobody waits to hear of it.
    SELECT 'phase_finished' AS event, concat_ws(' ', 'phase_finished', e.id) AS occurrence, m.phase, m.target AS state, e.at,
        ARRAY[]::text[] AS reasons, NULL AS code,
        date_part('epoch', e.at - coalesce((
            SELECT max(b.at)
            FROM crossfade.events b
            WHERE b.run_id = t.id AND b.kind = 'state_changed' AND b.data ->> 'target' = m.begun AND b.id < e.id
        ), e.at)) AS seconds
    FROM crossfade.events e
    JOIN (VALUES
        ('expanding', 'expanded', 'expand', 'expanding', '{expand}'::text[]),
        ('backfilling', 'backfilled', 'backfill', 'backfilling', '{seal}'),
        ('dropping', 'contracted', 'contract', 'contracting', '{hide,drop}')
    ) m (source, target, phase, begun, parts) ON e.data ->> 'source' = m.source AND e.data ->> 'target' = m.target
    WHERE e.run_id = t.id AND e.kind = 'state_changed' AND e.at > clock_timestamp() - interval '1 day'
      AND (EXISTS (
              SELECT FROM jsonb_array_elements(t.program -> 'steps') s WHERE s ->> 'part' = ANY (m.parts)
          )
          OR m.phase = 'backfill'
             AND (t.program -> 'rows' <> '[]' OR coalesce(t.program -> 'data', '[]') <> '[]'))

    UNION ALL

    -- A run that is tried again and fails for the same cause is told of once a day.
    (SELECT DISTINCT ON (2) 'failed',
        concat_ws(' ', 'failed', e.data ->> 'code', m.id, (e.at AT TIME ZONE 'UTC')::date),
        CASE
            WHEN m.state IN ('planned', 'expanding') THEN 'expand'
            WHEN m.state IN ('expanded', 'backfilling') THEN 'backfill'
            WHEN m.state IN ('backfilled', 'contracting', 'retained', 'dropping', 'reverting') THEN 'contract'
        END,
        m.state, e.at, ARRAY[e.data ->> 'message'], e.data ->> 'code', NULL
    FROM crossfade.events e
    CROSS JOIN LATERAL (
        SELECT coalesce(max(b.id), 0) AS id, coalesce((array_agg(b.data ->> 'target' ORDER BY b.id DESC))[1], 'planned') AS state
        FROM crossfade.events b
        WHERE b.run_id = t.id AND b.kind = 'state_changed' AND b.id < e.id
    ) m
    WHERE e.run_id = t.id AND e.kind = 'failed' AND e.at > clock_timestamp() - interval '1 day'
    ORDER BY 2, e.id)

    UNION ALL

    -- A phase is blocked from the first look that did not let it begin, until one does.
    SELECT k.event, k.occurrence, b.phase, t.state, now.at, k.reasons, NULL, date_part('epoch', now.at - b.since)
    FROM (SELECT clock_timestamp() AS at) now
    CROSS JOIN LATERAL (
        SELECT a.phase, l.gates, f.id, f.at AS since
        FROM (VALUES
            ('planned', 'expand'), ('expanded', 'backfill'), ('backfilled', 'contract'), ('contracting', 'contract')
        ) a (state, phase)
        CROSS JOIN LATERAL (
            SELECT v.verdict, v.gates
            FROM crossfade.evaluations v
            WHERE v.run_id = t.id AND v.phase = a.phase AND v.at >= t.state_since
            ORDER BY v.id DESC
            LIMIT 1
        ) l
        CROSS JOIN LATERAL (
            SELECT v.id, v.at
            FROM crossfade.evaluations v
            WHERE v.run_id = t.id AND v.phase = a.phase AND v.at >= t.state_since
              AND v.id > coalesce((
                  SELECT max(p.id)
                  FROM crossfade.evaluations p
                  WHERE p.run_id = t.id AND p.phase = a.phase AND p.verdict = 'PASS'
              ), 0)
            ORDER BY v.id
            LIMIT 1
        ) f
        WHERE a.state = t.state AND l.verdict <> 'PASS'
    ) b
    CROSS JOIN LATERAL (
        SELECT ARRAY(
            SELECT g ->> 'reason'
            FROM jsonb_array_elements(b.gates) WITH ORDINALITY AS g (g, n)
            WHERE g ->> 'mode' = 'enforce' AND g ->> 'verdict' <> 'PASS' AND NOT g ? 'override'
            ORDER BY n
        ) AS reasons
    ) w
    CROSS JOIN LATERAL (
        SELECT 'blocked', concat_ws(' ', 'blocked', b.phase, b.id), w.reasons
        UNION ALL
        SELECT 'approval_wanted', concat_ws(' ', 'approval_wanted', b.phase), w.reasons
        WHERE jsonb_path_exists(
            b.gates,
            '$[*] ? (@.mode == "enforce" && @.verdict != "PASS" && !exists(@.override)).**
                 ? (@.kind == "approval" && @.verdict != "PASS")'
        )
    ) k (event, occurrence, reasons)
) f
ORDER BY t.id, f.at
