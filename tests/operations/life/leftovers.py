"""What a run leaves behind when it is over: nothing of ours, but for the ledger itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade import Engine

    from ...fixtures.database import Database

OURS = r"^~?crossfade_"
HASHED = r"^~?crossfade_[a-z0-9_]+_[0-9a-f]{12}"

_NAMED = """
WITH names AS (
    SELECT 'relation' AS kind, relname AS name, relnamespace AS namespace FROM pg_class
    UNION ALL SELECT 'function', proname, pronamespace FROM pg_proc
    UNION ALL SELECT 'type', typname, typnamespace FROM pg_type
    UNION ALL SELECT 'constraint', conname, connamespace FROM pg_constraint
    UNION ALL SELECT 'statistics', stxname, stxnamespace FROM pg_statistic_ext
    UNION ALL SELECT 'operator', oprname, oprnamespace FROM pg_operator
    UNION ALL SELECT 'trigger', tgname, relnamespace FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    UNION ALL SELECT 'rule', rulename, relnamespace FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class
    UNION ALL SELECT 'policy', polname, relnamespace FROM pg_policy p JOIN pg_class c ON c.oid = polrelid
    UNION ALL
    SELECT 'column', attname, relnamespace FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
    WHERE NOT attisdropped
)
SELECT kind, nspname, name FROM names JOIN pg_namespace n ON n.oid = namespace
WHERE CASE WHEN nspname = 'crossfade' THEN name ~ %s ELSE name ~ %s END
UNION ALL
SELECT 'comment', classoid::regclass::text, description FROM pg_description WHERE description LIKE 'crossfade: run %%'
ORDER BY 1, 2, 3
"""


def assert_nothing_left(database: Database, engine: Engine) -> None:
    """No object with a name or a comment of ours; in schema crossfade only what the ledger is made of."""
    assert engine.orphans() == ()
    left = database.execute(_NAMED, [HASHED, OURS])
    assert not left, left
