"""Functions that are PostgreSQL's own and not volatile are known, whatever the server's version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.lint.known_functions import is_known

if TYPE_CHECKING:
    from ..fixtures.database import Database

#: What an expression of a default can call: neither an operator's function nor an index's, nor one of an aggregate.
CALLED = """
SELECT DISTINCT proname FROM pg_proc p
WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND provolatile <> 'v' AND NOT proretset
  AND prorettype <> ALL ('{internal,cstring,trigger,event_trigger,void}'::regtype[])
  AND prorettype NOT IN (SELECT oid FROM pg_type WHERE typname LIKE '%handler')
  AND NOT proargtypes::oid[] && '{internal,cstring}'::regtype[]::oid[]
  AND proname !~ 'send$|larger$|smaller$|typmodin|accum|transfn|statefunc|_combine$'
  AND proname !~ '_(avg|sum|corr|(covar|regr|stddev|var)_\\w+)$'
  AND NOT EXISTS (SELECT FROM pg_operator WHERE oprcode = p.oid)
  AND NOT EXISTS (SELECT FROM pg_amproc WHERE amproc = p.oid)
"""


@pytest.mark.every_server
def test_what_the_server_has_is_known(database: Database) -> None:
    names = [name for (name,) in database.execute(CALLED)]

    assert len(names) > 300
    assert [name for name in names if not is_known((name,))] == []
    assert [name for name in names if not is_known(("pg_catalog", name))] == []


def test_a_name_with_another_schema_is_another_function() -> None:
    assert is_known(("auth", "uid"))
    assert not is_known(("uid",))
    assert not is_known(("nobody_knows_it",))
    assert is_known(("extensions", "st_point"))
    assert is_known(("extensions", "hmac"))
    assert [name for name in ("version", "pg_x", "has_table_privilege", "st_x") if is_known(("app", name))] == []
    assert not is_known(("has_number",))
