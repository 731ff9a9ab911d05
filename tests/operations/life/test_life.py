"""Every operation from its beginning to its end and back, under both versions of an app. `case.py` says how to add one.

The first case of most files, on the embedded server, and those that differ most in their machinery on others. All of
it, on every server: CROSSFADE_LONG=1 CROSSFADE_EVERY_SERVER=1 pytest tests/operations/life

What holds after expand, backfill, contract, rollback from each state and revert; no statement of either version fails;
both shapes hold the same facts; the end is what plain DDL leaves, and a rollback leaves what was before.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from crossfade import Engine

from ...fixtures.database import fresh_database
from ...plans.lock_watch import LockWatch, forecast, in_words, watching
from .course import Course, End, end_of
from .writers import writers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _pytest.mark.structures import ParameterSet

    from ...fixtures.database import Database
    from .case import Case


MACHINERY = frozenset(
    {
        "rename_column",
        "change_type",
        "set_not_null",
        "indexes",
    }
)
"""The files whose first cases differ most in what is made and sent: a column in step, an exchange, rows that are
filled, indexes."""

SIMPLE = frozenset(
    {
        "add_check",
        "add_column",
        "add_domain_check",
        "columns_in_place",
        "create_table",
        "drop_column",
        "drop_constraint",
        "drop_table",
        "enable_row_security",
        "enums",
        "keys_to_partitioned",
        "merge_columns",
        "merge_tables",
        "move_table",
        "partition_table",
        "partitions",
        "rename_column_alias",
        "rename_constraint",
        "set_replica_identity",
        "set_storage_parameters",
        "sql",
        "types",
        "unique_constraints",
    }
)
"""Those that are `long` altogether: what their ready plans in `tests/plans` go through is much the same."""


def cases() -> Iterator[tuple[str, tuple[Case, ...]]]:
    """The name of every file in `cases`, and what it has."""
    for path in sorted((Path(__file__).parent / "cases").glob("*.py")):
        yield path.stem, import_module(f".cases.{path.stem}", __package__).CASES


def firsts(files: Iterable[str]) -> list[ParameterSet]:
    """The first case of each file that is not simple; another is `long`."""
    return [
        pytest.param(
            case, id=f"{file}: {case.id}", marks=() if case is found[0] and file not in SIMPLE else pytest.mark.long
        )
        for file, found in cases()
        if file in files
        for case in found
    ]


FILES = frozenset(file for file, _ in cases())
assert FILES >= MACHINERY | SIMPLE


@pytest.mark.every_server
@pytest.mark.parametrize("case", firsts(MACHINERY))
def test_the_life_of_a_change(case: Case, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    live(case, database, monkeypatch)


@pytest.mark.alike
@pytest.mark.parametrize("case", firsts(FILES - MACHINERY))
def test_the_life_of_a_change_by_the_same_machinery(
    case: Case, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(case, database, monkeypatch)


def live(case: Case, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole course of a case, under the locks that are forecast."""
    if int(database.server.version.split(".")[0]) < case.oldest:
        pytest.skip(f"PostgreSQL {database.server.version} cannot run this case")
    for role in case.roles:
        database.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    database.execute(case.setup)
    end = end_by_plain_ddl(case, database)
    with Engine(database.url) as engine:
        steps = engine.explain(case.plan, case.acks).program.steps
        watch = LockWatch(database, frozenset(s.id for s in steps if not s.transactional))
        with watching(watch, monkeypatch), writers(case, database.url) as (old, new):
            Course(case=case, database=database, end=end, engine=engine, old=old, new=new).run()
    told = forecast(steps)
    assert in_words(watch.seen) == in_words({key: told[key] for key in watch.seen}), "other locks than explain says"


def end_by_plain_ddl(case: Case, database: Database) -> End:
    with fresh_database(database.server) as plain:
        plain.execute(case.setup)
        plain.execute(case.plain)
        return end_of(case, plain)
