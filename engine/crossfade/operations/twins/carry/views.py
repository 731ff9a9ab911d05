"""Views over a column, and those on top of them: made again over the twin as it takes the name.

Every one of them steps aside under a name of ours and is made again in the transaction that exchanges the names. What
is a materialised view, or stands on one, is not ready then: the old one takes its name again, and stays readable,
until the new one has been filled under a name of ours; then they change places, all in one short transaction. The old
ones are kept, over the hidden column, until that goes; `revert` only renames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.step import Caution, Part, Step
from crossfade.operations.twins.exchange import Carried, Exchange, Move
from crossfade.operations.twins.twin_trials import view_trials
from crossfade.operations.views import recreate, recreate_preflight
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import View


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A view, and what the old and the new one are called while another has the name."""

    view: View
    old: str
    new: str
    late: bool
    """It is a materialised view, or stands on one."""

    def named(self, name: str) -> View:
        """The view under another name."""
        return replace(self.view, name=QualifiedName(self.view.name.schema, name))


def carry(exchange: Exchange) -> Carried:
    """All views over the columns, in the catalog's order: what one needs comes before it."""
    views = recreate.over(exchange.catalog, exchange.table, exchange.columns)
    refusals = (*recreate_preflight.refusals(views), *_unfillable(views))
    if refusals or not views:
        return Carried(refusals=refusals)
    pairs = tuple(_pairs(exchange, views))
    late = tuple(p for p in pairs if p.late)
    return Carried(
        before=(_aside(pairs),),
        renewed=(_anew(pairs),),
        later=(*(_fill(exchange, p) for p in late if _is_filled(p.view)), *(_swap(exchange, late) if late else ())),
        drop=tuple(recreate.drop(p.named(p.old)) for p in reversed(pairs)),
        cautions=(*_renamed(exchange, views), *_cautions(late)),
        trials=tuple(view_trials(exchange, views)),
    )


def _pairs(exchange: Exchange, views: tuple[View, ...]) -> Iterator[_Pair]:
    late: set[QualifiedName] = set()
    for view in views:
        if view.kind == "materialized view" or any(use.relation in late for use in view.uses):
            late.add(view.name)
        schema, name = view.name.schema, view.name.name
        yield _Pair(
            view=view,
            old=exchange.own_name("view", "old", schema, name),
            new=exchange.own_name("view", "new", schema, name),
            late=view.name in late,
        )


def _is_filled(view: View) -> bool:
    return view.kind == "materialized view" and view.populated


def _unfillable(views: tuple[View, ...]) -> Iterator[Refusal]:
    """A full view over an empty one cannot be filled anew."""
    empty: dict[QualifiedName, View] = {}
    for view in views:
        under = next((empty[use.relation] for use in view.uses if use.relation in empty), None)
        if view.kind == "materialized view" and not view.populated:
            empty[view.name] = view
        elif under is not None and view.kind == "view":
            empty[view.name] = under
        elif under is not None:
            yield Refusal(
                code="empty_view",
                object=str(view.name),
                message=f"it has rows and needs {under.name}, which has none: it could not be filled anew.",
                instead=f"REFRESH MATERIALIZED VIEW {under.name} first, or drop one of them.",
            )


def _aside(pairs: tuple[_Pair, ...]) -> Move:
    early = tuple(p for p in pairs if not p.late)
    return Move(
        do=tuple(s for p in pairs for s in recreate.hide(p.view, p.old)),
        undo=tuple(s for p in early for s in recreate.unhide(p.view, p.old)),
    )


def _anew(pairs: tuple[_Pair, ...]) -> Move:
    """All in their order; then the late ones go aside and leave their names to the old."""
    late = tuple(p for p in pairs if p.late)
    return Move(
        do=(
            *(s for p in pairs for s in recreate.create(p.view)),
            *(s for p in late for s in (*recreate.hide(p.view, p.new), *recreate.unhide(p.view, p.old))),
        ),
        undo=tuple(recreate.drop(p.named(p.new) if p.late else p.view) for p in reversed(pairs)),
    )


def _fill(exchange: Exchange, pair: _Pair) -> Step:
    there = pair.named(pair.new)
    return Step(
        id=exchange.place.id(f"fill/{pair.view.name}"),
        part=Part.HIDE,
        title=f"fill a new {pair.view.name.name} beside the old one, which stays readable",
        statements=(recreate.refill(there), _analyze(there)),
        transactional=False,
        done=render(
            sql.SQL("SELECT coalesce((SELECT relispopulated FROM pg_catalog.pg_class WHERE oid = {}), false)").format(
                _regclass(there)
            )
        ),
    )


def _analyze(view: View) -> Statement:
    """Without statistics the planner would guess at it."""
    name = sql.Identifier(view.name.schema, view.name.name)
    return Statement(text=render(sql.SQL("ANALYZE {}").format(name)))


def _swap(exchange: Exchange, late: tuple[_Pair, ...]) -> Iterator[Step]:
    names = ", ".join(p.view.name.name for p in late)
    yield Step(
        id=exchange.place.id("views"),
        part=Part.HIDE,
        title=f"the new {names} takes the old one's place",
        statements=_places(late, lambda p: (p.old, p.new)),
        undo=_places(late, lambda p: (p.new, p.old)),
        done=render(
            sql.SQL("SELECT {} IS NOT NULL").format(_regclass(late[0].named(late[0].old))),
        ),
    )


def _places(late: tuple[_Pair, ...], names: Callable[[_Pair], tuple[str, str]]) -> tuple[Statement, ...]:
    """Each goes under the first of its names, and what is under the second takes its place."""
    return tuple(
        statement
        for pair in late
        for to, source in (names(pair),)
        for statement in (*recreate.hide(pair.view, to), *recreate.unhide(pair.view, source))
    )


def _regclass(view: View) -> sql.Composed:
    name = sql.Literal(render(sql.Identifier(view.name.schema, view.name.name)))
    return sql.SQL("pg_catalog.to_regclass({})").format(name)


def _renamed(exchange: Exchange, views: tuple[View, ...]) -> Iterator[Caution]:
    """Where the column keeps its name, that it gives another type from one moment to the next is said already."""
    if all(twin.final == twin.column.name for twin in exchange.twins):
        return
    for view in views:
        yield Caution(
            code="view_type",
            object=str(view.name),
            message="its columns keep their names, and may be of another type for everybody from contract on; a "
            "session that prepared a query over it gets `cached plan must not change result type`.",
        )


def _cautions(late: tuple[_Pair, ...]) -> Iterator[Caution]:
    for pair in late:
        if _is_filled(pair.view):
            yield Caution(
                code="materialized_view",
                object=str(pair.view.name),
                message="a second one is filled in contract, which takes the time and the room of a REFRESH; the old "
                "one stays readable meanwhile. It is kept as it is until the old column goes: after a revert it "
                "shows the rows of before contract until it is refreshed.",
            )
