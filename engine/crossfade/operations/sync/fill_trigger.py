"""A value for a column that a writer left out: an expression over the row, by trigger for writes, in batches for rows.

The expression is a function whose body is stored parsed (BEGIN ATOMIC), so that its names are settled under the path of
the role that started the run. The trigger only looks at rows in which the column is NULL: at an INSERT, and at an
UPDATE that finds it NULL and leaves it so. One that fails leaves it NULL, for no write of another version may fail for
it; the backfill names such a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.sync import row_triggers
from crossfade.operations.sync.constants import is_constant
from crossfade.operations.sync.literals import typed
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.sync.row_triggers import RowTrigger
from crossfade.operations.sync.sameness import same
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """A column, and what it gets where a writer left it out."""

    place: Place
    table: QualifiedName
    """By the name that it has until contract."""
    members: tuple[QualifiedName, ...]
    """The tables that need triggers of their own: the table itself and its inheritance children."""
    column: str
    type: str
    """The column's, in SQL's quoting."""
    base: QualifiedName
    """What the type comes down to."""
    exact: bool
    """Whether `=` of the type tells all values apart."""
    expression: Expression
    """Over the columns by the names that they have until contract."""
    types: Mapping[str, str]
    """The types of the columns that the expression reads, in SQL's quoting."""

    @property
    def always_a_value(self) -> bool:
        """Whether it can be seen that the expression never is NULL and never fails."""
        return is_never_null(self.expression)

    @property
    def _sources(self) -> tuple[str, ...]:
        return self.expression.columns

    def found_at(self, members: tuple[QualifiedName, ...]) -> Filling:
        """The same in contract, when an earlier change of the plan may have given the table another name."""
        return replace(self, members=members)

    def name(self, purpose: str) -> str:
        """A name of ours for this column."""
        return self.place.name(purpose, self.table.schema, self.table.name, self.column)

    def value(self) -> sql.Composable:
        """What the column gets, over the columns of a row."""
        return self._call(self.name("fill"), map(sql.Identifier, self._sources))

    def is_another(self) -> sql.Composable:
        """Whether the column has another value than it gets, over the columns of a row; never NULL, never fails."""
        return self._call(self.name("other"), map(sql.Identifier, (self.column, *self._sources)))

    @staticmethod
    def _call(function: str, arguments: Iterable[sql.Composable]) -> sql.Composable:
        return sql.SQL("{}({})").format(row_triggers.own_function(function), sql.SQL(", ").join(arguments))


def is_never_null(expression: Expression) -> bool:
    """Whether an expression is a constant and not NULL."""
    from crossfade.postgres.forecast.trees import below
    from crossfade.postgres.forecast.trees import expression as tree

    nothing = any(getattr(node, "isnull", False) for node in below(tree(expression.sql)))
    return is_constant(expression.sql) and not nothing


def gives_nothing(shown: str, fill: Expression) -> Iterator[Refusal]:
    """The refusal of a `fill` that is NULL and nothing else."""
    if is_constant(fill.sql) and not is_never_null(fill):
        yield Refusal(
            code="expression",
            object=shown,
            message="`fill` is NULL, which fills nothing.",
            instead="Write the value that rows get, or leave `fill` out.",
        )


def create(filling: Filling) -> Iterator[Statement]:
    """Functions and triggers, with comments that name the run; the column has to be there."""
    yield USERS_PATH
    yield _value_function(filling)
    yield OUR_PATH
    yield _other_function(filling)
    yield from serve(filling, filling.column)
    for signature in _signatures(filling):
        yield from row_triggers.close_function(filling.place.plan, signature)
    yield from row_triggers.create(filling.place.plan, filling.members, _triggers(filling))


def serve(filling: Filling, column: str) -> Iterator[Statement]:
    """The trigger's function, for the name that the column has now."""
    target = sql.SQL("NEW.{}").format(sql.Identifier(column))
    sources = (sql.SQL("NEW.{}").format(sql.Identifier(name)) for name in filling.expression.columns)
    value = filling._call(filling.name("fill"), sources)  # noqa: SLF001 -- of this module
    assigned = sql.SQL("{} := {};").format(target, value)
    if not filling.always_a_value:
        assigned = sql.SQL("BEGIN {} EXCEPTION WHEN OTHERS THEN {} := NULL; END;").format(assigned, target)
    body = sql.SQL("BEGIN {} RETURN NEW; END").format(assigned)
    yield row_triggers.replace_function(filling.name("filling"), body)


def drop(filling: Filling) -> Iterator[Statement]:
    """Triggers and functions away; does nothing where they are gone."""
    yield from row_triggers.drop(filling.members, _triggers(filling))
    yield from row_triggers.drop_functions(_signatures(filling))


def is_there(filling: Filling) -> str:
    """A query: are the triggers in place?"""
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger "
            "WHERE tgname = {} AND tgrelid = pg_catalog.to_regclass({}))"
        ).format(
            sql.Literal(_triggers(filling)[0].name),
            sql.Literal(render(sql.Identifier(filling.table.schema, filling.table.name))),
        )
    )


def _triggers(filling: Filling) -> tuple[RowTrigger, ...]:
    column, name = sql.Identifier(filling.column), filling.name("filling")
    left_out = sql.SQL("NEW.{} IS NULL").format(column)
    still = sql.SQL("NEW.{0} IS NULL AND OLD.{0} IS NULL").format(column)
    return (
        RowTrigger(name=f"~{name}_insert", event="INSERT", function=name, when=left_out),
        RowTrigger(name=f"~{name}_update", event="UPDATE", function=name, when=still),
    )


def _value_function(filling: Filling) -> Statement:
    text = sql.SQL("CREATE FUNCTION {}({}) RETURNS {} LANGUAGE sql STABLE BEGIN ATOMIC SELECT {}; END").format(
        row_triggers.own_function(filling.name("fill")),
        _declared(filling, (sql.Identifier(name) for name in filling.expression.columns)),
        sql.SQL(filling.type),
        sql.SQL(typed(filling.expression.sql, filling.type, filling.base)),
    )
    return Statement(text=render(text))


def _other_function(filling: Filling) -> Statement:
    arguments = [sql.Identifier(f"a{number}") for number, _ in enumerate(filling.expression.columns)]
    value = filling._call(filling.name("fill"), arguments)  # noqa: SLF001 -- of this module
    compared = same(sql.Identifier("has"), sql.Identifier("gets"), exact=filling.exact)
    body = sql.SQL(
        "DECLARE gets {}; BEGIN gets := {}; RETURN NOT {}; EXCEPTION WHEN OTHERS THEN RETURN true; END"
    ).format(sql.SQL(filling.type), value, compared)
    text = sql.SQL("CREATE FUNCTION {}({}) RETURNS bool LANGUAGE plpgsql STABLE AS {}").format(
        row_triggers.own_function(filling.name("other")),
        sql.SQL(", ").join(
            (
                sql.SQL("has {}").format(sql.SQL(filling.type)),
                *([_declared(filling, arguments)] if arguments else []),
            )
        ),
        sql.Literal(render(body)),
    )
    return Statement(text=render(text))


def _declared(filling: Filling, arguments: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(argument, sql.SQL(filling.types[name]))
        for argument, name in zip(arguments, filling.expression.columns, strict=True)
    )


def _signatures(filling: Filling) -> Iterator[sql.Composable]:
    types = [filling.types[name] for name in filling.expression.columns]
    yield sql.SQL("{}()").format(row_triggers.own_function(filling.name("filling")))
    for purpose, taken in (("other", [filling.type, *types]), ("fill", types)):
        yield sql.SQL("{}({})").format(
            row_triggers.own_function(filling.name(purpose)), sql.SQL(", ").join(map(sql.SQL, taken))
        )
