"""What is live, as a person reads it: the matrix of apps and versions, or every instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.cli.output import moment, table
from crossfade.observe.situation import span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from crossfade.gates.sightings import Sighting
    from crossfade.workflow.version_matrix import Expectation, VersionMatrix, VersionRow

_HEADS = ("APP", "VERSION", "LIVE", "OF", "FIRST SEEN", "LAST SEEN", "AGO", "SOURCES", "MAY RUN", "RUNS")
_ALLOWED = {True: "yes", False: "no", None: "cannot tell"}


def page(matrix: VersionMatrix) -> RenderableType:
    """A line for each version of each app, what keeps one from running, and what runs miss."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [table(_HEADS, map(_row, matrix.rows)) if matrix.rows else Text("Nothing sighted.")]
    notes = list(_notes(matrix))
    return Group(*parts, Text(""), *map(Text, notes)) if notes else Group(*parts)


def instances(sightings: Sequence[Sighting]) -> RenderableType:
    """A line for each instance by each source."""
    from rich.text import Text

    heads = ("APP", "VERSION", "INSTANCE", "SOURCE", "LAST SEEN", "AGO")
    rows = [(s.app, s.version, s.instance, s.source, moment(s.last_seen), span(s.age_seconds)) for s in sightings]
    return table(heads, rows) if rows else Text("Nothing sighted.")


def _row(row: VersionRow) -> Sequence[object]:
    seen = (row.fresh, row.instances, moment(row.first_seen), moment(row.last_seen), span(row.age_seconds))
    runs = "; ".join(_expected(e) for e in row.runs)
    return (row.app, row.version, *seen, ", ".join(row.sources), _ALLOWED[row.allowed], runs)


def _expected(e: Expectation) -> str:
    least = f", expects {e.expect}" if e.expect is not None and e.needs == "new" else ""
    return f"{e.run}: {e.needs}{least}"


def _notes(matrix: VersionMatrix) -> Iterator[str]:
    for row in matrix.rows:
        if not row.allowed:
            yield f"{row.app} {row.version} may not run: {row.reason}" if row.allowed is False else row.reason
    for app, e in matrix.missing:
        least = f" {e.expect} instances" if e.expect is not None else " an instance"
        yield f"{app}: run {e.run} ({e.state}) waits for{least} in {e.new}; none was sighted"
    if matrix.left_out:
        yield f"{matrix.left_out} versions that were not seen for longer are left out"
