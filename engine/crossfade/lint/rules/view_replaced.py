"""A view replaced by one that lacks columns, or that the server refuses to put in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crossfade.lint.declared import created, dropped
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.views import columns_of_view
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import QualifiedName, quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenProject, SeenStatement

Columns = tuple[str | None, ...] | None


@dataclass(slots=True)
class _Views:
    """Views and their columns, as the migrations so far leave them."""

    columns: dict[QualifiedName, Columns] = field(default_factory=dict)
    gone: dict[QualifiedName, tuple[SeenStatement, Columns]] = field(default_factory=dict)
    """Dropped in this migration, though others could see them."""


def _project(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    views = _Views()
    for migration in project.migrations:
        views.gone.clear()
        for seen in migration.steps:
            yield from ((migration, said) for said in _statement(views, seen))


def _statement(views: _Views, seen: SeenStatement) -> Iterator[Said]:
    for name in dropped(seen, "OBJECT_VIEW", "OBJECT_MATVIEW"):
        columns = views.columns.pop(name, None)
        if name in seen.before.origins:
            views.gone[name] = (seen, columns)
    for name in _renamed(seen):
        views.columns.pop(name, None)
    node = seen.tree
    replaces = kind(node) == "ViewStmt" and node.replace
    for name, now in _made(seen):
        was = views.columns.get(name) if name in seen.before.tables else None
        if name in views.gone:
            yield from _made_again(seen, name, now, views.gone.pop(name))
        elif replaces and was is not None and now is not None and not _may_replace(was, now):
            yield _refused(seen, name, was, now)
        if replaces or name not in seen.before.tables:
            views.columns[name] = now


def _made(seen: SeenStatement) -> Iterator[tuple[QualifiedName, Columns]]:
    """The view that it makes, with its columns."""
    node = seen.tree
    if kind(node) == "ViewStmt":
        yield created(seen, node.view), columns_of_view(node.query, node.aliases)
    elif kind(node) == "CreateTableAsStmt" and node.objtype.name == "OBJECT_MATVIEW":
        yield created(seen, node.into.rel), columns_of_view(node.query, node.into.colNames)


def _renamed(seen: SeenStatement) -> Iterator[QualifiedName]:
    """Names under which another view, or the same one with other columns, may be from now on."""
    node = seen.tree
    if kind(node) == "RenameStmt" and node.relation is not None:
        name = seen.before.qualify(node.relation.schemaname, node.relation.relname)
        yield from (name, QualifiedName(name.schema, node.newname))


def _may_replace(was: tuple[str | None, ...], now: tuple[str | None, ...]) -> bool:
    """The server takes more columns at the end, and otherwise the same names in the same order."""
    return len(now) >= len(was) and all(a == b or None in {a, b} for a, b in zip(was, now, strict=False))


def _refused(
    seen: SeenStatement, name: QualifiedName, was: tuple[str | None, ...], now: tuple[str | None, ...]
) -> Said:
    place = next((n for n, old in enumerate(was) if n >= len(now) or old != now[n]), 0)
    there = quoted(was[place] or "?column?")
    why = f"{there} is missing" if was[place] not in now else f"{there} is in another place"
    return Said(
        message=f"cannot replace {name}: {why}, and CREATE OR REPLACE VIEW takes the columns that are there, by name "
        "and in order, with new ones behind them.",
        instead="Put new columns at the end, and keep the others as they are until no running version reads them.",
        of=seen,
    )


def _made_again(
    seen: SeenStatement, name: QualifiedName, now: Columns, gone: tuple[SeenStatement, Columns]
) -> Iterator[Said]:
    drop, was = gone
    missing = [quoted(c) for c in was or () if c is not None and now is not None and c not in now and None not in now]
    if missing:
        yield Said(
            message=f"makes {name} again without {' and '.join(missing)}: every running version that reads it fails "
            "from then on.",
            instead="Keep the column in the view until no running version reads it.",
            of=seen,
            severity=Severity.WARNING,
        )
    if drop.transaction is not seen.transaction:
        yield Said(
            message=f"makes {name} again after it was dropped in another transaction: whoever reads it in between "
            "fails.",
            instead=f"BEGIN;\n{drop.statement.text};\n{seen.statement.text};\nCOMMIT;",
            of=seen,
            severity=Severity.WARNING,
        )


RULE = Rule(
    id="view-replaced",
    severity=Severity.ERROR,
    breaks=True,
    summary="a view replaced by one with other columns fails, or breaks the versions of the app that are running",
    explanation="""
CREATE OR REPLACE VIEW may add columns behind those that are there, and nothing else: a column that is missing, renamed
or in another place is an error of the server. The way round it, DROP VIEW and CREATE VIEW, takes columns away from
running versions (a warning), and in two transactions the view itself, for the time between them (a warning too); it
also loses the view's grants.

The columns are those that the view's query names; where it has a star, or where no file makes the view, nothing is
said.
""",
    project=_project,
)
