"""Migrations one after the other over a model of the schema, in the order in which their tool applies them.

Each migration is deployed by itself: what it creates is seen by others from the next one on, and has rows by then.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, overload

from crossfade.lint.assumed import with_assumed
from crossfade.lint.called import with_bodies
from crossfade.lint.naming import ANY_NAME, Naming
from crossfade.lint.seen import Held, SeenMigration, SeenProject, SeenStatement
from crossfade.migrations.migration import Transaction
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.bodies import Body
    from crossfade.migrations.migration import Migration, Project, Tool
    from crossfade.migrations.script import Script, SqlStatement
    from crossfade.postgres.forecast import Schema


def walk(
    project: Project, schema: Schema, fixed: Fixed = NOTHING_FIXED, naming: Naming = ANY_NAME
) -> tuple[SeenProject, Schema]:
    """The project as rules are shown it, and the schema as its last migration leaves it."""
    seen = []
    applied = project.applied
    for migration in project.migrations:
        if migration.file in applied:
            # The schema has it.
            seen.append(SeenMigration(migration=migration, project=project, before=schema, after=schema, up=()))
            continue
        there = _Way(schema=schema, tool=project.tool, fixed=fixed, naming=naming)
        seen.append(_migration(migration, project, there))
        schema = seen[-1].after
    return SeenProject(project=project, migrations=tuple(seen)), schema


def _migration(migration: Migration, project: Project, there: _Way) -> SeenMigration:
    up = tuple(there.statements(migration.up, migration.transaction))
    after = there.schema.seen_by_others()
    down: tuple[SeenStatement, ...] = ()
    if migration.down is not None:
        back = _Way(schema=after, tool=project.tool, fixed=there.fixed, naming=there.naming, goes_back=True)
        down = tuple(back.statements(migration.down, migration.transaction_back or migration.transaction))
    return SeenMigration(
        migration=migration,
        project=project,
        before=there.at_first,
        after=after,
        up=up,
        down=down,
        naming=there.naming,
    )


@dataclass(slots=True, kw_only=True)
class _Way:
    """One way of a migration, as it is gone."""

    schema: Schema
    tool: Tool
    fixed: Fixed
    naming: Naming
    goes_back: bool = False
    begun: bool = False
    """A transaction that the file itself has begun is open."""
    wrapped: bool = False
    """One of the tool's is."""
    sent_whole: bool = False
    """Since the file is sent as one text."""
    inside: str | None = None
    runs: bool = True
    at_first: Schema = field(init=False)
    held: dict[str, Held] = field(default_factory=dict)
    earlier: list[SqlStatement] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.at_first = self.schema

    def statements(self, script: Script, transaction: Transaction) -> Iterator[SeenStatement]:
        """Each statement, with the model before and after it."""
        several = len(script.statements) > 1
        self.sent_whole = transaction is Transaction.IF_SEVERAL and several
        self.wrapped = transaction is Transaction.ALWAYS or self.sent_whole
        for statement, bodies in with_bodies(script.statements):
            if kind(statement.tree) == "TransactionStmt":
                self._turn(statement.tree)
            yield self._seen(statement)
            for body in bodies:
                yield from self._inner(body)
            if not (self.wrapped or self.begun):
                self._commit()

    def _turn(self, node: Any) -> None:
        word = node.kind.name
        if word in {"TRANS_STMT_BEGIN", "TRANS_STMT_START"}:
            self.begun = True
        elif word in {"TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK"}:
            self.begun = bool(node.chain)
            # The tool's transaction is over too; a text that is sent as a whole goes on in a new one.
            self.wrapped = self.sent_whole
            self._commit()

    def _inner(self, body: Body) -> Iterator[SeenStatement]:
        """What runs now, and what a function would do, which leaves no trace in the model."""
        if body.runs_now:
            self.inside = body.described
            yield from map(self._seen, body.statements)
            self.inside = None
            return
        visible = replace(self.schema.seen_by_others(), search_path=self.schema.search_path)
        called = _Way(
            schema=visible,
            tool=self.tool,
            fixed=self.fixed,
            naming=self.naming,
            goes_back=self.goes_back,
            inside=body.described,
            runs=False,
        )
        yield from map(called._seen, body.statements)

    def _commit(self) -> None:
        self.held.clear()
        self.earlier = []

    def _seen(self, statement: SqlStatement) -> SeenStatement:
        before = with_assumed(self.schema, statement.tree)
        forecast, after = before.foresee_tree(statement.tree)
        seen = SeenStatement(
            statement=statement,
            at_first=self.at_first,
            before=before,
            after=after,
            forecast=forecast,
            in_transaction=self.wrapped or self.begun or self.inside is not None,
            begun_by_file=self.begun,
            sent_whole=self.sent_whole,
            tool=self.tool,
            held=dict(self.held),
            earlier=_Before(self.earlier, len(self.earlier)),
            goes_back=self.goes_back,
            fixed=self.fixed,
            naming=self.naming,
            inside=self.inside,
            runs=self.runs,
        )
        self.schema = after
        self.earlier.append(statement)
        for lock in forecast.locks:
            known = self.held.get(lock.relation)
            if known is None or lock.mode > known.mode:
                self.held[lock.relation] = Held(mode=lock.mode, by=statement)
        return seen


@dataclass(frozen=True, slots=True)
class _Before(Sequence["SqlStatement"]):
    """The first statements of a list that others are added to: a file may have a hundred thousand."""

    among: list[SqlStatement]
    length: int

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, at: int) -> SqlStatement: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[SqlStatement]: ...
    def __getitem__(self, at: int | slice) -> SqlStatement | Sequence[SqlStatement]:
        return self.among[: self.length][at] if isinstance(at, slice) else self.among[range(self.length)[at]]


def statements(migrations: Iterable[SeenMigration]) -> Iterator[tuple[SeenMigration, SeenStatement]]:
    """Every statement of every migration, both ways."""
    for migration in migrations:
        yield from ((migration, statement) for statement in (*migration.up, *migration.down))
