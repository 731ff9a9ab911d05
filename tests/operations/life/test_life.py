"""Every operation from its beginning to its end and back, under both versions of an app. `case.py` says how to add one.

The first case of each file, on the embedded server; tests/plans has every kind on the others. All of it, on any server:
CROSSFADE_EVERY_LIFE=1 pytest tests/operations/life --postgres embedded --postgres 15=/usr/lib/postgresql/15/bin

What holds after expand, backfill, contract, rollback from each state and revert; no statement of either version fails;
both shapes hold the same facts; the end is what plain DDL leaves, and a rollback leaves what was before.
"""

from __future__ import annotations

import os
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
    from collections.abc import Iterator

    from _pytest.mark.structures import ParameterSet

    from ...fixtures.database import Database
    from .case import Case


FIRST = slice(None if os.environ.get("CROSSFADE_EVERY_LIFE") else 1)
"""Of each file: all cases with CROSSFADE_EVERY_LIFE=1, else the first."""


def cases() -> Iterator[ParameterSet]:
    """The cases of every file in `cases`, named for the file and the case."""
    for path in sorted((Path(__file__).parent / "cases").glob("*.py")):
        found: tuple[Case, ...] = import_module(f".cases.{path.stem}", __package__).CASES
        for case in found[FIRST]:
            yield pytest.param(case, id=f"{path.stem}: {case.id}")


@pytest.mark.parametrize("case", tuple(cases()))
def test_the_life_of_a_change(case: Case, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
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
