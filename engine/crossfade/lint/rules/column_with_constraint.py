"""ADD COLUMN together with a CHECK, UNIQUE, PRIMARY KEY or REFERENCES that rows are read for."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING, Any

from crossfade.lint.added import NewColumn, new_columns
from crossfade.lint.cost import INDEXED, READ, blocked_by, how_long
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.rules.unique_without_index import using_index
from crossfade.lint.stepwise import not_valid_first
from crossfade.postgres.forecast.constraints import KINDS
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_CLAUSES = {
    "CHECK": "a CHECK",
    "UNIQUE": "UNIQUE",
    "PRIMARY": "PRIMARY KEY",
    "FOREIGN": "REFERENCES",
    "NOTNULL": "NOT NULL",
}
_INDEXED = frozenset({"UNIQUE", "PRIMARY"})


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for new in new_columns(seen):
        dear = new.dear_clauses
        kinds = list(dict.fromkeys(map(_kind, dear)))
        if not dear:
            continue
        built = not _INDEXED.isdisjoint(kinds)
        done = "builds an index" if built else "reads all rows"
        clauses = " and ".join(_CLAUSES[kind] for kind in kinds)
        # Where the column itself is dear as well, another rule says how it is added.
        first = (
            "-- once the column is there:" if new.rewrites or (new.scans and not new.column.generated) else new.plain()
        )
        yield Said(
            message=f"{done} for {clauses} of the new column {quoted(new.column.name)} while "
            f"{blocked_by(new.command.forecast)}, {how_long(1 / (INDEXED if built else READ), new.command.table)}.",
            instead="\n".join([first, *_later(new)]),
            at=new.at,
            is_planned=True,
        )


def _kind(clause: Any) -> str:
    return str(clause.contype.name.removeprefix("CONSTR_"))


def _later(new: NewColumn) -> Iterator[str]:
    """Each constraint by itself, as it is added without reading the rows under a strong lock."""
    from pglast.ast import String

    own, names = (String(new.column.name),), _names(new)
    for clause in new.dear_clauses:
        node, kind = copy(clause), _kind(clause)
        chosen = next(names[kind], f"{new.command.table.name.name}_{new.column.name}_not_null")
        name = node.conname or chosen
        if kind in _INDEXED:
            node.keys = own
            yield using_index(new.command, node, name, (new.column.name,))
            continue
        if kind == "FOREIGN":
            node.fk_attrs = own
        if kind == "NOTNULL":
            node.keys = own
        yield not_valid_first(new.command.relation, node, name)


def _names(new: NewColumn) -> dict[str, Iterator[str]]:
    """The names that PostgreSQL gives to those of each kind, in their order; the model has none for NOT NULL."""
    made = new.command.after.tables[new.command.table.name].constraints
    known = {c.name for c in new.command.table.constraints}
    return {
        kind: iter([c.name for c in made if c.kind == KINDS[f"CONSTR_{kind}"] and c.name not in known])
        for kind in _CLAUSES
    }


RULE = Rule(
    id="column-with-constraint",
    severity=Severity.ERROR,
    summary="ADD COLUMN with a CHECK, UNIQUE or REFERENCES reads all rows while others wait",
    explanation="""
A constraint that is declared with a new column is made under ADD COLUMN's ACCESS EXCLUSIVE lock. PostgreSQL does not
reason that a new column is NULL, or has one default, in all rows: for a CHECK it reads them all, for UNIQUE it builds
the index, for REFERENCES with a default it looks them all up. REFERENCES without a default is looked up nowhere, and
takes its locks for a moment.

Add the column first, and its constraint by itself: as NOT VALID and validated later, or by an index that is built
CONCURRENTLY.
""",
    statement=_statement,
)
