-- The tables of run %(run)s, and %(roots)s, with all their partitions and children. The planner takes the next queries for
-- expensive ones; compiling them would cost a hundred times their run. One plan does for any number of tables.
WITH RECURSIVE family AS (
    SELECT b.relation FROM crossfade.baselines b WHERE b.run_id = %(run)s AND b.is_root
    UNION
    SELECT unnest(%(roots)s::oid[])
    UNION
    SELECT i.inhrelid FROM family f JOIN pg_inherits i ON i.inhparent = f.relation
)
SELECT coalesce(array_agg(f.relation::bigint), '{}'), set_config('jit', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true)
FROM family f
