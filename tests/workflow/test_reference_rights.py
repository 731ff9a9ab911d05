"""A foreign key to a table of somebody else: its copy is a new one, for which PostgreSQL asks for REFERENCES there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossfade import Engine
from crossfade.errors import BaselineChanged, LockNotAcquired
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from .test_before_turning import plan, refused, retain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.database import Database

RETYPE = "change_type: {table: t, column: u, to: bigint}"
MAY_NOT = r"refers to public\.r then, which role .* may not: GRANT REFERENCES \(\"id\"\) ON \"public\"\.\"r\" TO "


@pytest.fixture
def owner(database: Database) -> Iterator[str]:
    """The URL of a role that owns the table that refers, and has no right on the other one."""
    role = sql.Identifier(f"{database.name}_owner")
    database.execute(
        sql.SQL(
            "CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA public TO {role}; GRANT CREATE ON DATABASE {here} TO {role};"
            "CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r VALUES (1), (2);"
            "CREATE TABLE t (id int PRIMARY KEY, u int CONSTRAINT to_r REFERENCES r); INSERT INTO t VALUES (1, 1);"
            "ALTER TABLE t OWNER TO {role}"
        ).format(role=role, here=sql.Identifier(database.name))
    )
    yield make_conninfo(database.url, user=f"{database.name}_owner")
    database.execute(sql.SQL("DROP OWNED BY {} CASCADE; DROP ROLE {}").format(role, role))


def test_a_copy_of_a_foreign_key(database: Database, owner: str) -> None:
    with Engine(owner) as engine:
        ((code, on, instead),) = [(r.code, r.object, r.instead) for r in engine.check(plan(RETYPE)).refusals]
        assert (code, on) == ("no_right", "public.r")
        database.execute(sql.SQL(instead.rstrip(".")))
        retain(engine, RETYPE)
        assert engine.revert("turns").state is State.BACKFILLED
        assert engine.rollback("turns").state is State.ROLLED_BACK


def test_a_foreign_key_that_comes_back(database: Database, owner: str) -> None:
    with Engine(owner) as engine:
        retain(engine, "drop_constraint: {table: t, name: to_r}")
        refused(engine, BaselineChanged, MAY_NOT)
        database.execute(sql.SQL("GRANT REFERENCES ON r TO {}").format(sql.Identifier(f"{database.name}_owner")))
        assert engine.revert("turns").state is State.BACKFILLED
        assert engine.rollback("turns").state is State.ROLLED_BACK


def test_a_foreign_key_to_a_schema_that_our_role_may_not_use(database: Database, owner: str) -> None:
    role = sql.Identifier(f"{database.name}_owner")
    database.execute("CREATE SCHEMA away; ALTER TABLE r SET SCHEMA away")
    with Engine(owner) as engine:
        (instead,) = [r.instead for r in engine.check(plan(RETYPE)).refusals]
        assert instead.startswith('GRANT USAGE ON SCHEMA "away" TO ')
        retain(engine, "drop_constraint: {table: t, name: to_r}")
        refused(engine, BaselineChanged, r"GRANT USAGE ON SCHEMA \"away\" TO ")
        grants = "GRANT USAGE ON SCHEMA away TO {role}; GRANT REFERENCES ON away.r TO {role}"
        database.execute(sql.SQL(grants).format(role=role))
        assert engine.revert("turns").state is State.BACKFILLED


@pytest.mark.long
def test_who_is_in_the_way_of_a_lock_that_only_the_statement_may_take(database: Database, owner: str) -> None:
    changes = "changes:\n  - drop_constraint: {table: t, name: to_r}\n"
    asked = f"crossfade: 1\nname: turns\nhold: 0s\nretain: 0s\nlocks: {{give_up_after: 1s}}\n{changes}"
    with Engine(owner) as engine, database.connect(application_name="report@1.0") as reader:
        engine.start(parse_plan(asked, "turns.yaml"))
        engine.approve("turns", Phase.CONTRACT, "alice")
        reader.execute("BEGIN; SELECT FROM r")
        with pytest.raises(LockNotAcquired, match=r"the lock on .*public\.r.* report@1\.0"):
            engine.advance("turns")
        reader.execute("ROLLBACK")
        assert engine.advance("turns").state is State.CONTRACTED


def test_rows_that_functions_of_the_run_look_for(database: Database, owner: str) -> None:
    database.execute(sql.SQL("GRANT REFERENCES ON r TO {}").format(sql.Identifier(f"{database.name}_owner")))
    asked = plan("add_column: {table: t, name: w, type: int, default: '2', references: {table: r}}")
    with Engine(owner) as engine:
        ((code, instead),) = [(r.code, r.instead) for r in engine.check(asked).refusals]
        assert (code, instead.split(" TO ")[0]) == ("no_right", 'GRANT SELECT ON "public"."r"')
        database.execute(sql.SQL(instead.rstrip(".")))
        assert not engine.check(asked).refusals
