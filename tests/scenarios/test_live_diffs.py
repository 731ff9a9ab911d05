"""What Prisma and Drizzle write for one change each, by the plan that import makes of it, under two versions of an app.

The old version sends what its schema before the change has room for, until contract is about to begin; the new one,
from the end of expand on, what the schema has room for that plain psql leaves. Neither has a statement fail; what they
wrote is there in the end, in the new shape; the schema is psql's, and the tool's history has the migration. A change
that can be read in two ways is run in either, once a person has said so; before, the plan is refused.

All of them, on every server: CROSSFADE_LONG=1 CROSSFADE_EVERY_SERVER=1 pytest tests/scenarios/test_live_diffs.py
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import InvalidPlan
from crossfade.plan.load import parse_plan

from ..fixtures.database import fresh_database
from ..fixtures.long import few_of
from ..fixtures.samples import DIFFS
from ..operations.life.canonical import canonical
from .live_diffs.course import Course
from .live_diffs.imports import RECORDED, Sample, prepare, stages
from .live_diffs.meaning import AS_IT_IS, Converter
from .live_diffs.rows import Rows
from .live_diffs.sender import Sender
from .live_diffs.shape import shape_of, shape_of_both, shape_of_old

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..fixtures.command import Cli
    from ..fixtures.database import Database
    from .live_diffs.shape import Shape

ROWS = 40
"""Of each table, before anything begins."""
FILLS = {"add_relation": "1", "add_required": "'nowhere'", "optional_to_required": "'nobody'"}
"""Where the rows of before have no value for a column that has to have one: what a person may say that they get."""
MENDED = {
    ("drizzle", "type_text_int"): 'ALTER TABLE "users" ALTER COLUMN "name" SET DATA TYPE integer USING "name"::integer'
}
"""What PostgreSQL refuses as the tool wrote it, and what was meant."""
SHORT = (
    "prisma rename_column_change_map",
    "prisma enum_remove",
    "prisma pk_int_to_bigint",
    "drizzle add_relation",
)


def samples() -> Iterator[Sample]:
    """Every file that changes something, in every reading."""
    for file in sorted(DIFFS.glob("*/*.sql")):
        sample = Sample(tool=file.parent.name, change=file.stem)
        yield from (replace(sample, reading=number) for number in range(sample.readings))
        if sample.change in FILLS:
            yield replace(sample, fill=FILLS[sample.change])


@pytest.mark.alike
@pytest.mark.parametrize("sample", few_of(samples(), SHORT), ids=lambda sample: sample.id)
def test_a_diff_runs_to_contracted_under_both_versions(
    sample: Sample, database: Database, cli: Cli, record_property: Callable[[str, object], None]
) -> None:
    numbers = count(1)
    prepare(sample, database)
    with fresh_database(database.server) as plain:
        prepare(sample, plain)
        with plain.connect(autocommit=True) as connection:
            connection.execute(MENDED.get((sample.tool, sample.change), sample.sql).encode())
        schema, last = canonical(plain.dump()), shape_of(plain)
    fill_with_rows(database, shape_of_old(shape_of(database), last), Random(sample.id), numbers)
    imported, every = stages(sample, cli)
    assert_refused_while_it_is_open(imported)
    for number, stage in enumerate(every, start=1):
        old = shape_of(database)
        new = last if number == len(every) else shape_of_both(old, last)
        course = Course(database=database, stage=stage, old=old, new=new, numbers=numbers)
        record_property("statements of the old and the new version", course.run(sample.id))
    assert canonical(database.dump()) == schema
    assert len(database.execute(RECORDED[sample.tool])) == 2


def test_what_is_lost_or_changed_by_others_is_told(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL)")
    shape = shape_of(database)
    sender = fill_with_rows(database, shape, Random(1), count(1))
    told = Converter(database.connect(), AS_IT_IS, shape)
    assert not list(sender.rows.differences(database, shape, told))
    first, second = (row.key for row in sender.rows.of("t")[:2])
    database.execute("DELETE FROM t WHERE id = %s", [first])
    database.execute("UPDATE t SET a = 'other' WHERE id = %s", [second])
    database.execute("INSERT INTO t VALUES (0, 'more')")
    written = sender.rows.of("t")[1].facts["a"].value
    assert sorted(sender.rows.differences(database, shape, told)) == [
        "t 0: nobody wrote it",
        f"t {first}: it is lost",
        f"t {second}: a is other, the old version wrote {written}",
    ]


def fill_with_rows(database: Database, shape: Shape, random: Random, numbers: Iterator[int]) -> Sender:
    """As the old version wrote them, long ago; tables that others refer to first."""
    sender = Sender(
        name="long ago", shape=shape, meaning=AS_IT_IS, is_old=True, rows=Rows(), random=random, numbers=numbers
    )
    tables = sorted(shape.values(), key=lambda table: any(c.references for c in table.columns.values()))
    connection = database.connect()
    for table in tables:
        for _ in range(ROWS):
            sender.insert(connection, table)
    connection.commit()
    return sender


def assert_refused_while_it_is_open(imported: str) -> None:
    """A plan with a doubt in it is none before somebody has said what is meant."""
    if "intent: unconfirmed" in imported:
        with pytest.raises(InvalidPlan, match="nobody has confirmed"):
            parse_plan(imported, "plan.yaml")
