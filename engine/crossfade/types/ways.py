"""The way from a view to what it shows, and to what is written for it: through views over one relation each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from crossfade.postgres.catalog import Column, Table
from crossfade.postgres.forecast.dropping import VIEWS
from crossfade.postgres.own_names import is_own_name

if TYPE_CHECKING:
    from crossfade.types.known import Known
    from crossfade.types.views import Shows


def visible(table: Table) -> Iterable[Column]:
    """The columns that apps may use, in their order."""
    return (c for c in sorted(table.columns, key=lambda c: c.number) if not is_own_name(c.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """From a table or view to the one where the way ends, which may be itself."""

    start: Table
    end: Table
    columns: Mapping[str, str]
    """Columns of the end by the names that they have at the start."""

    @property
    def is_own(self) -> bool:
        """It ends where it starts."""
        return self.start.name == self.end.name

    def first(self, column: str) -> str | None:
        """The first of the start's columns that are the same one at the end; None of an expression."""
        return next((own for own, at_end in self.columns.items() if at_end == self.columns.get(column)), None)


def shown_of(known: Known, table: Table) -> Way:
    """To what a view shows in the end."""
    return [way for way, _ in _ways(known, table)][-1]


def written_through(known: Known, table: Table, event: Literal["insert", "update"]) -> Way | None:
    """To the table that PostgreSQL writes to, or the view where a trigger or a rule does it instead; None where neither
    does.
    """
    for way, shows in _ways(known, table):
        if way.end.kind not in VIEWS or event in _instead(way.end):
            return way
        if shows is None or not shows.writable:
            return None
    return None


def _ways(known: Known, table: Table) -> Iterator[tuple[Way, Shows | None]]:
    """Each step further, with what the view at its end shows of a relation that is known."""
    columns = {c.name: c.name for c in visible(table)}
    here: Table | None = table
    while here is not None:
        shows = known.views.get(here.name) if here.kind == "view" else None
        below = known.schema.tables.get(shows.table) if shows is not None else None
        yield Way(start=table, end=here, columns=columns), shows if below is not None else None
        shown = dict(shows.columns) if shows is not None and below is not None else {}
        there = {c.name for c in below.columns} if below is not None else set[str]()
        columns = {own: name for own, at_end in columns.items() if (name := shown.get(at_end)) in there}
        here = below


def _instead(view: Table) -> frozenset[str]:
    """What triggers and rules of its own do instead of PostgreSQL."""
    triggers = (t.events for t in view.triggers if t.timing == "instead")
    return frozenset[str]().union(*triggers, (r.event for r in view.rules if r.instead and not r.conditional))
