"""`sql`: statements of a plan's own, in the phases of a run.

    expand    what both versions can live with, undone by `undo` or `rollback`
    backfill  rows that are filled in batches
    contract  hide: what the old version cannot live with, behind the gates, undone by `undo` or `revert`
              drop: what destroys what `contract` took out of use, once `retain` is over

Neighbours that can run in a transaction are one step; a statement that cannot is a step of its own. Every statement is
sent exactly as it is written, on the search_path of the users' sessions; time-outs and locks are the run's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.indexes import index_build
from crossfade.operations.raw_sql import sql_preflight
from crossfade.operations.raw_sql.sql_alone import AGAIN, Alone, alone
from crossfade.operations.raw_sql.sql_foretold import MAKERS, Foretold, catalog_after, foretell, run_of
from crossfade.operations.raw_sql.sql_unread import unread
from crossfade.operations.rows import data_preflight
from crossfade.operations.rows.data_statement import pending
from crossfade.operations.step import Caution, Compiled, Part, RowFill, Step
from crossfade.operations.tables import table_preflight
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.plan.sql_statements import SqlStatement
from crossfade.postgres.forecast import Schema
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes.sql import RawSql, SqlFill
    from crossfade.postgres.catalog import Catalog, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phase:
    """The statements of one part of the plan's phases."""

    part: Part
    name: str
    told: tuple[Foretold, ...]
    back: tuple[SqlStatement, ...] = ()
    """What takes all of them back, if it is not said statement by statement."""
    final: bool = False
    """Nothing takes them back, nor has to."""


def compile_change(change: RawSql, place: Place, catalog: Catalog) -> Compiled:
    """The steps of the statements against a catalog; refusals instead where they cannot be run safely."""
    before = Schema.of(catalog)
    expand, expanded = foretell("expand", change.expand, before)
    contract, contracted = foretell("contract", change.contract, expanded)
    drop, dropped = foretell("drop", map(run_of, change.drop), contracted)
    phases = (
        _Phase(part=Part.EXPAND, name="expand", told=expand, back=change.rollback),
        _Phase(part=Part.HIDE, name="contract", told=contract, back=change.revert),
        _Phase(part=Part.DROP, name="drop", told=drop, final=True),
    )
    made = [found for phase in phases for found in _steps(change, place, phase)]
    found = [
        *(f for f in made if isinstance(f, Refusal)),
        *(f for phase in phases for f in sql_preflight.of_statements(phase.told, catalog)),
        *sql_preflight.of_expand(expand, before),
        *sql_preflight.of_staged_names(expand, (*contract, *drop), catalog),
    ]
    filled = catalog_after(catalog, before, expanded)
    if change.backfill is not None:
        found += _about_fill(change.backfill, filled)
    refusals = tuple(f for f in found if isinstance(f, Refusal))
    makers = tuple(t.statement.text for t in expand if t.statement.kind in MAKERS)
    return Compiled(
        steps=() if any(r.ack is None for r in refusals) else tuple(f for f in made if isinstance(f, Step)),
        fills=() if change.backfill is None else tuple(_fill(change.backfill, place, filled)),
        refusals=refusals,
        cautions=tuple(f for f in found if isinstance(f, Caution)),
        trials=tuple(replace(trial, made=makers) for trial in _trials(change, phases, filled)),
        makes=makers,
        unread=unread((*expand, *contract, *drop), dropped),
        catalog=catalog_after(catalog, before, dropped),
    )


# Steps


def _steps(change: RawSql, place: Place, phase: _Phase) -> Iterator[Step | Refusal]:
    groups = _groups(phase.told)
    if phase.back and len(groups) > 1:
        yield _taken_back_at_once(phase)
        return
    for number, group in enumerate(groups, start=1):
        only_one = group[0]
        id_ = place.id(f"{phase.name}/{number}")
        reason = change.reason if _stays(phase, group) else None
        if only_one.forecast.transactional:
            yield from _refused_undo(phase, group)
            yield _together(id_, phase, group, reason)
        else:
            known = alone(only_one)
            yield known if isinstance(known, Refusal) else _by_itself(id_, phase, only_one, known, reason)


def _groups(told: tuple[Foretold, ...]) -> list[tuple[Foretold, ...]]:
    """Neighbours that share a transaction; each of the others by itself."""
    groups: list[tuple[Foretold, ...]] = []
    for transactional, members in groupby(told, key=lambda t: t.forecast.transactional):
        together = tuple(members)
        groups += [together] if transactional else [(member,) for member in together]
    return groups


def _stays(phase: _Phase, group: tuple[Foretold, ...]) -> bool:
    return not phase.final and not phase.back and any(told.run.needs_undo for told in group)


def _together(id_: str, phase: _Phase, group: tuple[Foretold, ...], reason: str | None) -> Step:
    undo = phase.back or tuple(t.run.undo for t in reversed(group) if t.run.undo is not None)
    more = f", and {len(group) - 1} more" if len(group) > 1 else ""
    return Step(
        id=id_,
        part=phase.part,
        title=f"{group[0].statement.short}{more}",
        statements=index_build.by_users_path(*_sent(t.statement for t in group)),
        undo=index_build.by_users_path(*_sent(undo)) if undo else (),
        done=AGAIN,
        irreversible=reason,
    )


def _by_itself(id_: str, phase: _Phase, told: Foretold, known: Alone, reason: str | None) -> Step:
    undo = phase.back or tuple(s for s in (told.run.undo,) if s is not None)
    return Step(
        id=id_,
        part=phase.part,
        title=told.statement.short,
        statements=tuple(_sent([told.statement])),
        transactional=False,
        undo=() if phase.final else tuple(_sent(undo)) or known.undo,
        done=known.done,
        cleanup=known.cleanup,
        irreversible=reason,
    )


def _sent(statements: Iterable[SqlStatement]) -> Iterator[Statement]:
    for statement in statements:
        yield Statement(text=statement.text)


def _taken_back_at_once(phase: _Phase) -> Refusal:
    key = "rollback" if phase.part is Part.EXPAND else "revert"
    outside = next(t for t in phase.told if not t.forecast.transactional)
    return Refusal(
        code="several_steps",
        object=key,
        message=f"`{phase.name}` is more than one step, since {outside.statement.short} cannot run in a transaction: "
        f"one list cannot take back whatever part of it is done.",
        instead="Give each statement an `undo` of its own.",
    )


def _refused_undo(phase: _Phase, group: tuple[Foretold, ...]) -> Iterator[Refusal]:
    for told in group:
        if told.run.done is not None:
            yield Refusal(
                code="needless_done",
                object=told.place,
                message=f"{told.statement.short}: it runs in a transaction, so nobody asks `done`.",
                instead="Remove `done`.",
            )
        if told.undo_alone and told.run.undo is not None:
            yield _undo_outside(told.place, told.run.undo)
    for statement in phase.back:
        if not group[-1].before.foresee(statement.text)[0].transactional:
            yield _undo_outside("rollback" if phase.part is Part.EXPAND else "revert", statement)


def _undo_outside(where: str, statement: SqlStatement) -> Refusal:
    return Refusal(
        code="undo_outside",
        object=where,
        message=f"{statement.short}: it cannot run in a transaction, and what it takes back does.",
        instead="Write an undo that can, such as DROP INDEX without CONCURRENTLY.",
    )


# Rows


def _about_fill(fill: SqlFill, catalog: Catalog) -> Iterator[Refusal | Caution]:
    yield from table_preflight.table_refusals(fill.table, catalog)
    table = catalog.resolve(fill.table.schema, fill.table.name)
    if table is None:
        return
    family = table_preflight.family_of(table, catalog)
    yield from data_preflight.unknown_columns(table, [*fill.set, *_columns(fill)])
    yield from data_preflight.unwritable(table, fill.set)
    yield from data_preflight.routing(table, fill.set, catalog, data_preflight.SET_BY_HAND)
    yield from data_preflight.foreign_partitions(family)
    yield from table_preflight.other_runs(family, fill.set)


def _columns(fill: SqlFill) -> Iterator[str]:
    for expression in (*fill.set.values(), fill.where):
        yield from expression.columns


def _assignment(fill: SqlFill) -> str:
    parts = (sql.SQL("{} = {}").format(sql.Identifier(name), sql.SQL(e.sql)) for name, e in fill.set.items())
    return render(sql.SQL(", ").join(parts))


def _fill(fill: SqlFill, place: Place, catalog: Catalog) -> Iterator[RowFill]:
    table = catalog.resolve(fill.table.schema, fill.table.name)
    if table is not None:
        yield RowFill(
            id=place.id("rows"),
            schema=table.staged.schema,
            table=table.staged.name,
            assignment=_assignment(fill),
            pending=pending(fill.where),
            touched=tuple(fill.set),
        )


def _trials(change: RawSql, phases: Iterable[_Phase], catalog: Catalog) -> Iterator[Trial]:
    if change.backfill is not None:
        yield from _trial_of_rows(change.backfill, catalog)
    for told in (t for phase in phases for t in phase.told if t.run.done is not None):
        question = SqlStatement.parse(told.run.done or "")
        looked_at = {told.before.qualify(name.schema, name.name) for name in question.relations}
        if not looked_at & (told.before.tables.keys() - told.before.origins.keys()):
            yield Trial(
                where=f"done of {told.place} of sql",
                shown=question.text,
                columns=(),
                statement=f"SELECT ({question.text}\n) IS TRUE",
            )


def _trial_of_rows(fill: SqlFill, catalog: Catalog) -> Iterator[Trial]:
    table = catalog.resolve(fill.table.schema, fill.table.name)
    names = tuple(dict.fromkeys([*fill.set, *_columns(fill)]))
    if table is None or any(table.column(name) is None for name in names):
        return
    columns = tuple((name, _type(table, name)) for name in names)
    filled = sql.SQL("UPDATE {} SET {} = ({})")
    found = sql.SQL("SELECT FROM {} WHERE {}").format(sql.SQL(TRIAL_TABLE), sql.SQL(pending(fill.where)))
    for key, expression, statement in (
        *(
            (f"set.{n}", e, filled.format(sql.SQL(TRIAL_TABLE), sql.Identifier(n), sql.SQL(e.sql)))
            for n, e in fill.set.items()
        ),
        ("where", fill.where, found),
    ):
        yield Trial(
            where=f"backfill.{key} of sql on {table.name}",
            shown=expression.text,
            columns=columns,
            statement=render(statement),
            value=expression.sql,
            functions=expression.functions,
        )


def _type(table: Table, name: str) -> str:
    column = table.column(name)
    assert column is not None
    return column.type
