"""Migrations one after the other over a model of the schema, in the order in which their tool applies them.

Each migration is deployed by itself: what it creates is seen by others from the next one on, and has rows by then.
Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from crossfade.lint.assumed import with_assumed
from crossfade.lint.called import with_bodies
from crossfade.lint.naming import ANY_NAME, Naming
from crossfade.lint.psql_copies import with_copies
from crossfade.lint.seen import Held, SeenMigration, SeenProject, SeenStatement
from crossfade.lint.transactions import at_savepoint, begins, ended_by
from crossfade.migrations.migration import Transaction
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.new_names import with_new_names

if TYPE_CHECKING:
    from crossfade.lint.bodies import Body
    from crossfade.migrations.migration import Migration, Project, Tool
    from crossfade.migrations.script import Script, SqlStatement
    from crossfade.postgres.forecast import Schema


def walk(
    project: Project, schema: Schema, fixed: Fixed = NOTHING_FIXED, naming: Naming = ANY_NAME
) -> tuple[SeenProject, Schema]:
    """The project as rules are shown it, and the schema as its last migration leaves it."""
    seen = tuple(walked(project, schema, fixed, naming))
    return SeenProject(project=project, migrations=seen), seen[-1].after if seen else schema


def walked(
    project: Project, schema: Schema, fixed: Fixed = NOTHING_FIXED, naming: Naming = ANY_NAME
) -> Iterator[SeenMigration]:
    """Its migrations in turn; each is parsed when it comes."""
    applied = project.applied
    made = frozenset[str] if schema.is_complete else cache(partial(_made, project))
    for migration in project.migrations:
        if migration.file in applied:
            # The schema has it.
            yield SeenMigration(migration=migration, project=project, before=schema, after=schema, up=())
            continue
        there = _Way(schema=schema, tool=project.tool, fixed=fixed, naming=naming, made=made)
        seen = _migration(migration, project, there)
        yield seen
        schema = seen.after


def _made(project: Project) -> frozenset[str]:
    """The tables that its files make, whether they are gone again or not."""
    statements = (one for migration in project.migrations for one in migration.up.statements)
    return frozenset(name for one in statements if (name := _made_by(one.tree)) is not None)


def _made_by(node: Any) -> str | None:
    if kind(node) == "CreateStmt":
        return str(node.relation.relname)
    return str(node.into.rel.relname) if kind(node) == "CreateTableAsStmt" else None


def _migration(migration: Migration, project: Project, there: _Way) -> SeenMigration:
    up = tuple(there.statements(migration.up, migration.transaction))
    after = there.schema.seen_by_others()
    down: tuple[SeenStatement, ...] = ()
    if migration.down is not None:
        back = _Way(
            schema=after,
            tool=project.tool,
            fixed=there.fixed,
            naming=there.naming,
            goes_back=True,
            made=there.made,
        )
        down = tuple(back.statements(migration.down, migration.transaction_down))
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
    made: Callable[[], Container[str]]
    """The tables that files of the project make; asked for by few statements, and then all files are parsed."""
    at_first: Schema = field(init=False)
    opened: Schema = field(init=False)
    """As the transaction found it."""
    held: dict[str, Held] = field(default_factory=dict)
    saved: list[tuple[str, Schema, dict[str, Held]]] = field(default_factory=list)
    """Savepoints, each with what ROLLBACK TO goes back to."""
    transaction: object = field(default_factory=object)

    def __post_init__(self) -> None:
        self.at_first = self.opened = self.schema

    def statements(self, script: Script, transaction: Transaction) -> Iterator[SeenStatement]:
        """Each statement, with the model before and after it."""
        several = len(script.statements) > 1
        self.sent_whole = transaction is Transaction.IF_SEVERAL and several
        self.wrapped = transaction is Transaction.ALWAYS or self.sent_whole
        for statement, bodies in with_bodies(with_copies(script)):
            self._turn(statement.tree)
            yield self._seen(statement)
            for body in bodies:
                yield from self._inner(body)
            if not (self.wrapped or self.begun):
                self._commit()

    def _turn(self, node: Any) -> None:
        if begins(node):
            self.begun = True
        elif (word := ended_by(node)) is not None:
            self.begun = bool(node.chain)
            if word == "ROLLBACK":
                self.schema = self.opened
            # The tool's transaction is over too; a text that is sent as a whole goes on in a new one.
            self.wrapped = self.sent_whole
            self._commit()
        elif (found := at_savepoint(node)) is not None:
            self._save(*found)

    def _save(self, word: str, name: str) -> None:
        if word == "SAVEPOINT":
            self.saved.append((name, self.schema, dict(self.held)))
            return
        number = next((n for n in reversed(range(len(self.saved))) if self.saved[n][0] == name), None)
        if number is None:
            return
        if word == "ROLLBACK_TO":
            _, self.schema, held = self.saved[number]
            self.held = dict(held)
            number += 1
        del self.saved[number:]

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
            made=self.made,
            inside=body.described,
            runs=False,
        )
        yield from map(called._seen, body.statements)

    def _commit(self) -> None:
        self.held.clear()
        self.saved.clear()
        self.schema = self.opened = self.schema.committed()
        self.transaction = object()

    def _seen(self, statement: SqlStatement) -> SeenStatement:
        before = with_assumed(self.schema, statement.tree, self.made)
        forecast, after = before.foresee_tree(statement.tree)
        after = with_new_names(before, after, statement.tree)
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
            transaction=self.transaction,
            goes_back=self.goes_back,
            fixed=self.fixed,
            naming=self.naming,
            inside=self.inside,
            runs=self.runs,
        )
        self.schema = after
        for lock in forecast.locks:
            known = self.held.get(lock.relation)
            if known is None or lock.mode > known.mode:
                self.held[lock.relation] = Held(mode=lock.mode, by=statement)
        return seen
