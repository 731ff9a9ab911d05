"""What the tests of changes of rows share: a plan of one change, a catalog made by hand, and cases of preflight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.plan.load import parse_plan
from crossfade.postgres.catalog import Catalog, Column, Constraint, Index, QualifiedName, Table
from crossfade.workflow.engine import Engine
from crossfade.workflow.program import Compilation, compile_plan

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.step import Caution, DataChange
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database


def plan(entry: str, *, name: str = "tidy") -> Plan:
    """A plan of one change, given as YAML in flow style: `update_rows: {…}`."""
    return parse_plan(f"crossfade: 1\nname: {name}\nchanges:\n  - {entry}\n", "plan.yaml")


def keyed(schema: str, name: str, *columns: str, key: int = 1) -> Table:
    """A table of text columns; so many of the first ones are its primary key."""
    qualified = QualifiedName(schema, name)
    index = QualifiedName(schema, f"{name}_pkey")
    return Table(
        name=qualified,
        columns=tuple(
            Column(name=column, number=n, type="text", not_null=n <= key) for n, column in enumerate(columns, start=1)
        ),
        constraints=(Constraint(name=index.name, kind="primary", columns=columns[:key], definition=""),),
        indexes=(
            Index(
                name=index,
                definition="",
                columns=columns[:key],
                key_count=key,
                references=frozenset(columns[:key]),
                unique=True,
                primary=True,
                constraint=index.name,
            ),
        ),
    )


def catalog(*tables: Table) -> Catalog:
    """A catalog of these tables."""
    return Catalog(server_version=180000, tables=tables, all_table_names=tuple(t.name for t in tables))


def compiled(entry: str, *tables: Table) -> Compilation:
    """The plan of one change, compiled against these tables."""
    return compile_plan(plan(entry), catalog(*tables))


def only(compilation: Compilation) -> DataChange:
    """The one change of rows; nothing else is in the program, and nothing speaks against it."""
    assert not compilation.refusals
    assert not compilation.program.steps
    assert not compilation.program.rows
    [change] = compilation.program.data
    return change


def refusals(database: Database, entry: str, *acks: str) -> list[Refusal]:
    """What preflight refuses in this database."""
    with Engine(database.url) as engine:
        return list(engine.check(plan(entry), acks).refusals)


def cautions(database: Database, entry: str) -> list[Caution]:
    """What preflight warns of; it refuses nothing."""
    with Engine(database.url) as engine:
        found = engine.check(plan(entry))
    assert not found.refusals
    return list(found.cautions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A schema, a change, and the one thing that preflight has to say: about which object, and in which words."""

    setup: str
    entry: str
    code: str
    names: str
    says: str
    ack: str | None = None
