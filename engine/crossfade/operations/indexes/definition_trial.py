"""An index tried on an empty table; where the whole fails, its fields, so that the wrong one is named. Pure.

What stands by itself (an expression, a collation, the condition, the tablespace) is tried alone. The rest grows from
the method on, key by key, and the first that the server does not take is the one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.indexes import index_definition
from crossfade.operations.indexes.index_definition import IndexDefinition, qualified
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.plan.changes.index_fields import IndexKey
    from crossfade.postgres.catalog import Table

_IS_THERE = "DROP OPERATOR FAMILY IF EXISTS pg_temp.crossfade_trial USING {}"
"""Does nothing, unless there is no such access method: the one statement that says no more."""
_ROW_ALONE = (
    "An index depends on the row alone: not on the time, on a setting, on who asks. If a function of your own does so "
    "too: ALTER FUNCTION … IMMUTABLE."
)
_NO_ORDER = "Leave it out: the keys of this method have no order."
_NOT_UNIQUE = "Leave it out, or take `method: btree`."
_NOT_INCLUDED = "Leave it out, or take a method that keeps other columns: btree, gist, spgist."
_PARAMETERS = "PostgreSQL's page on CREATE INDEX lists the parameters of each method, and their bounds."


def trial(definition: IndexDefinition, table: Table, where: str, shown: str) -> Trial:
    """The index on an empty table with the same columns; `where` is the change and what it is about."""
    fields = _Fields(definition=definition, whole=index_definition.trial(definition, table, where, shown))
    return replace(fields.whole, parts=(fields.grown(), *fields.of_any_index()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields:
    """The fields of an index, each as a trial that fails where that field is wrong."""

    definition: IndexDefinition
    whole: Trial

    def grown(self) -> Trial:
        """The index without what stands by itself; each stage is tried where the one after it fails."""
        whole = self.definition
        tried = self._piece("method", whole.method, _IS_THERE, sql.Identifier(whole.method))
        grown = IndexDefinition(keys=(), method=whole.method)
        for number, key in enumerate(whole.keys):
            grown = replace(grown, keys=(*grown.keys, key))
            tried = self._with_key(f"columns.{number}", grown, key, tried)
        if whole.unique:
            grown = replace(grown, unique=True, nulls_not_distinct=whole.nulls_not_distinct)
            tried = self._stage("unique", whole.method, grown, tried, instead=_NOT_UNIQUE)
        if whole.include:
            grown = replace(grown, include=whole.include)
            tried = self._stage("include", ", ".join(whole.include), grown, tried, instead=_NOT_INCLUDED)
        if whole.settings:
            grown = replace(grown, settings=whole.settings)
            tried = self._stage("with", ", ".join(whole.settings), grown, tried, instead=_PARAMETERS)
        return tried

    def of_any_index(self) -> tuple[Trial, ...]:
        """What has nothing to do with the keys, on an index over a constant."""
        where, tablespace = self.definition.where, self.definition.tablespace
        on_constant = "CREATE INDEX ON {} ((0)) {}"
        table = sql.SQL(TRIAL_TABLE)
        found: list[Trial] = []
        if where is not None:
            condition = sql.SQL(where.sql)
            sound = self._piece("where", where.text, "SELECT FROM {} WHERE {}", table, condition)
            clause = sql.SQL("WHERE {}").format(condition)
            held = self._piece("where", where.text, on_constant, table, clause)
            found.append(replace(held, instead=_ROW_ALONE, parts=(sound,)))
        if tablespace is not None:
            clause = sql.SQL("TABLESPACE {}").format(sql.Identifier(tablespace))
            found.append(self._piece("tablespace", tablespace, on_constant, table, clause))
        return tuple(found)

    def _with_key(self, field: str, up_to: IndexDefinition, key: IndexKey, before: Trial) -> Trial:
        """One more key: what it is over, then how it is ordered."""
        shown = key.expression.text if key.expression else str(key.column)
        plain = key.model_copy(update={"order": "asc", "nulls": None})
        over = replace(up_to, keys=(*up_to.keys[:-1], plain))
        named = field if key.opclass is None else f"{field}.opclass"
        tried = self._stage(named, shown, over, before, *self._key_alone(field, key))
        if plain != key:
            word = "order" if key.order == "desc" else "nulls"
            tried = self._stage(f"{field}.{word}", shown, up_to, tried, instead=_NO_ORDER)
        return tried

    def _key_alone(self, field: str, key: IndexKey) -> tuple[Trial, ...]:
        """Its expression and its collation, as a value of a query, then as one of an index."""
        table, query = sql.SQL(TRIAL_TABLE), "SELECT FROM {} WHERE {} IS NULL"
        value: sql.Composable = sql.Identifier(key.column or "")
        parts: tuple[Trial, ...] = ()
        shown = str(key.column)
        if key.expression is not None:
            shown, value = key.expression.text, sql.SQL("({})").format(sql.SQL(key.expression.sql))
            parts = (self._piece(f"{field}.expression", shown, query, table, value),)
        if key.collation is not None:
            value = sql.SQL("({} COLLATE {})").format(value, qualified(key.collation))
            parts = (replace(self._piece(f"{field}.collation", shown, query, table, value), parts=parts),)
        if key.expression is not None:
            held = self._piece(f"{field}.expression", shown, "CREATE INDEX ON {} (({} IS NULL))", table, value)
            parts = (replace(held, instead=_ROW_ALONE, parts=parts),)
        return parts

    def _stage(
        self, field: str, shown: str, up_to: IndexDefinition, *parts: Trial, instead: str | None = None
    ) -> Trial:
        statement = up_to.create("crossfade_trial_index", sql.SQL(TRIAL_TABLE), {})
        return replace(self._piece(field, shown, "{}", sql.SQL(statement)), parts=parts, instead=instead)

    def _piece(self, field: str, shown: str, statement: LiteralString, *parts: sql.Composable) -> Trial:
        text = render(sql.SQL(statement).format(*parts))
        return replace(self.whole, where=f"{field} of {self.whole.where}", shown=shown, statement=text)
