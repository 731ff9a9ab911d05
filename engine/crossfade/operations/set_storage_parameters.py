"""`set_storage_parameters`: `fillfactor`, settings of autovacuum and others of one table.

A change of the catalog in expand, under a SHARE UPDATE EXCLUSIVE lock at best: the forecast says which. What is stored
already is not written anew. With nothing else in the plan it is contracted at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.step import Compiled, Part, Step
from crossfade.operations.tables.ownership import owner_refusals
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import SetStorageParameters
    from crossfade.postgres.catalog import Catalog, Table

_TOAST = "toast."


def compile_change(change: SetStorageParameters, place: Place, catalog: Catalog) -> Compiled:
    """The step of one change against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    before = dict(_stored(table.storage_parameters))
    after = {name: value for name, value in before.items() if name not in change.reset} | _values(change)
    return Compiled(
        steps=(_step(change, place, table, before),),
        refusals=(*_without_rows(table), *owner_refusals((table,))),
        trials=(_trial(change, table),),
        catalog=catalog.with_table(
            replace(table, storage_parameters=tuple(f"{name}={value}" for name, value in after.items()))
        ),
    )


def _without_rows(table: Table) -> Iterator[Refusal]:
    if table.kind == "partitioned":
        yield Refusal(
            code="unsupported_table",
            object=str(table.name),
            message="it is partitioned, and PostgreSQL has storage parameters for each partition only.",
            instead="Name its partitions, one change each, or give them to those that are made from now on.",
        )


def _stored(parameters: Iterable[str]) -> Iterator[tuple[str, str]]:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        yield name, value


def _values(change: SetStorageParameters) -> dict[str, str]:
    """As PostgreSQL stores them."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in change.set.items()}


def _step(change: SetStorageParameters, place: Place, table: Table, before: Mapping[str, str]) -> Step:
    named = (*change.set, *change.reset)
    undone = {name: before[name] for name in named if name in before}
    gone = tuple(name for name in named if name not in before)
    return Step(
        id=place.id("set"),
        part=Part.EXPAND,
        title=f"set {', '.join(named)} of {table.name}",
        statements=tuple(_alter(identifier(table.staged), _values(change), change.reset)),
        undo=tuple(_alter(identifier(table.staged), undone, gone)),
        done=_done(change, table),
    )


def _alter(table: sql.Composable, values: Mapping[str, str], reset: Iterable[str]) -> Iterator[Statement]:
    alter = sql.SQL("ALTER TABLE {} {} ({})")
    if values:
        pairs = (sql.SQL("{} = {}").format(_name(name), sql.Literal(value)) for name, value in values.items())
        yield Statement(text=render(alter.format(table, sql.SQL("SET"), sql.SQL(", ").join(pairs))))
    names = tuple(_name(name) for name in reset)
    if names:
        yield Statement(text=render(alter.format(table, sql.SQL("RESET"), sql.SQL(", ").join(names))))


def _name(parameter: str) -> sql.Composable:
    return sql.Identifier(*parameter.split("."))


def _done(change: SetStorageParameters, table: Table) -> str:
    """Whether both option lists, the table's and its TOAST table's, have what is set, and nothing that is reset."""
    wanted = [f"{name}={value}" for name, value in _values(change).items()]
    text = sql.SQL(
        "SELECT {wanted}::pg_catalog.text[] OPERATOR(pg_catalog.<@) o.stored AND NOT EXISTS ("
        "SELECT FROM pg_catalog.unnest(o.stored) AS x (option) "
        "WHERE pg_catalog.split_part(x.option, '=', 1) = ANY ({reset}::pg_catalog.text[])) "
        "FROM (SELECT coalesce(c.reloptions, '{{}}') OPERATOR(pg_catalog.||) ARRAY(SELECT {toast} || t.option "
        "FROM pg_catalog.pg_class k, pg_catalog.unnest(k.reloptions) AS t (option) WHERE k.oid = c.reltoastrelid) "
        "AS stored FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass({relation})) AS o"
    )
    return render(
        text.format(
            wanted=sql.Literal(wanted),
            reset=sql.Literal(list(change.reset)),
            toast=sql.Literal(_TOAST),
            relation=sql.Literal(render(identifier(table.staged))),
        )
    )


def _trial(change: SetStorageParameters, table: Table) -> Trial:
    """Whether there are such parameters, and whether they take these values."""
    tried = "; ".join(s.text for s in _alter(sql.SQL(TRIAL_TABLE), _values(change), change.reset))
    return Trial(
        where=f"set_storage_parameters on {table.name}",
        shown=", ".join((*change.set, *change.reset)),
        columns=(("one", "pg_catalog.text"),),
        statement=tried,
    )
