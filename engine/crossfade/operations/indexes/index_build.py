"""Building indexes without blocking anybody: CONCURRENTLY, in a step of its own for each.

On a partitioned table CONCURRENTLY is not to be had: the parent's index is made ON ONLY the table, empty and invalid,
each leaf's is built concurrently, and then they are attached; the last one makes the parent's valid.
A build that was cut off leaves an invalid index, which the step removes concurrently before it builds again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.step import Part, Step
from crossfade.operations.views.deparsed import repeatable
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Index, QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexBuild:
    """One index that is built over one relation."""

    id: str
    """What the step's id ends with, and its attaching's; unique within the change."""
    name: QualifiedName
    definition: str
    """A CREATE INDEX, as PostgreSQL prints it or as it was parsed; its name is exchanged."""
    partitioned: bool
    """Whether the relation has partitions, so that the index is made empty and theirs are attached."""
    title: str
    parent: QualifiedName | None = None
    """The partitioned index that it is attached to."""
    comment: str | None = None
    undone: bool = False
    """Whether a rollback drops it; not where it goes with its column."""
    by_users_path: bool = False
    """Whether the definition is a user's, whose names may be found on the search_path of the users' sessions only."""

    @property
    def identifier(self) -> sql.Identifier:
        """Its name, for SQL."""
        return sql.Identifier(self.name.schema, self.name.name)


def steps(place: Place, builds: Iterable[IndexBuild], part: Part) -> Iterator[Step]:
    """The steps that build them, parents of partitions first, then those that attach, from the leaves up."""
    builds = tuple(builds)
    for build in builds:
        yield (_make_empty if build.partitioned else _build)(place, build, part)
    made = {build.name for build in builds}
    for build in reversed(builds):
        if build.parent is not None and build.parent in made:
            yield _attach(place, build, build.parent, part)


def _comment(build: IndexBuild) -> tuple[Statement, ...]:
    if build.comment is None:
        return ()
    text = sql.SQL("COMMENT ON INDEX {} IS {}").format(build.identifier, sql.Literal(build.comment))
    return (Statement(text=render(text)),)


def drop_concurrently(name: sql.Composable) -> Statement:
    """An index away while everybody goes on; does nothing where there is none."""
    return Statement(text=render(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(name)))


def drop_whole(name: sql.Composable) -> Statement:
    """An index of a partitioned table away, with all that is attached to it; it takes a moment of everybody's time."""
    return Statement(text=render(sql.SQL("DROP INDEX IF EXISTS {}").format(name)))


def by_users_path(*statements: Statement) -> tuple[Statement, ...]:
    """Statements of a step in a transaction, with the search_path that the users' sessions have."""
    return (
        Statement(text="SET LOCAL search_path TO DEFAULT"),
        *statements,
        Statement(text="SET LOCAL search_path TO pg_catalog"),
    )


def _build(place: Place, build: IndexBuild, part: Part) -> Step:
    gone = drop_concurrently(build.identifier)
    definition = defined(build.definition, name=build.name.name, concurrent=True)
    return Step(
        id=place.id(f"index/{build.id}"),
        part=part,
        title=build.title,
        statements=(Statement(text=definition), *_comment(build)),
        transactional=False,
        undo=(gone,) if build.undone else (),
        done=is_valid(build.name),
        cleanup=(gone,),
    )


def _make_empty(place: Place, build: IndexBuild, part: Part) -> Step:
    create = Statement(text=defined(build.definition, name=build.name.name, relation={"inh": False}))
    made = by_users_path(create) if build.by_users_path else (create,)
    return Step(
        id=place.id(f"index/{build.id}"),
        part=part,
        title=f"{build.title}, still empty",
        statements=(*made, *_comment(build)),
        undo=(drop_whole(build.identifier),) if build.undone else (),
        done=render(sql.SQL("SELECT pg_catalog.to_regclass({}) IS NOT NULL").format(regclass(build.name))),
    )


def _attach(place: Place, build: IndexBuild, parent: QualifiedName, part: Part) -> Step:
    statement = sql.SQL("ALTER INDEX {} ATTACH PARTITION {}").format(
        sql.Identifier(parent.schema, parent.name), build.identifier
    )
    probe = sql.SQL("SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = pg_catalog.to_regclass({}))")
    return Step(
        id=place.id(f"attach/{build.id}"),
        part=part,
        title=f"attach {build.name.name} to {parent.name}",
        statements=(Statement(text=render(statement)),),
        # What is attached goes with the parent's and cannot be dropped by itself, so the parent's goes first.
        undo=(drop_whole(sql.Identifier(parent.schema, parent.name)),) if build.undone else (),
        done=render(probe.format(regclass(build.name))),
    )


def regclass(name: QualifiedName) -> sql.Literal:
    """A relation's name as `to_regclass` takes it."""
    return sql.Literal(render(sql.Identifier(name.schema, name.name)))


def rename(name: QualifiedName, to: str) -> Statement:
    """Give an index another name; a constraint that stands on it gets the same."""
    text = sql.SQL("ALTER INDEX {} RENAME TO {}").format(sql.Identifier(name.schema, name.name), sql.Identifier(to))
    return Statement(text=render(text))


def again(index: Index, *, concurrent: bool, table: QualifiedName | None = None) -> Statement:
    """What would build it again as it was, on its table under this name if it has another one."""
    relation = {} if table is None else {"schemaname": table.schema, "relname": table.name}
    definition = defined(repeatable(index.definition), name=index.name.name, concurrent=concurrent, relation=relation)
    return Statement(text=definition)


def gone(name: QualifiedName) -> str:
    """A query: is there no such relation?"""
    return render(sql.SQL("SELECT pg_catalog.to_regclass({}) IS NULL").format(regclass(name)))


def is_valid(name: QualifiedName) -> str:
    """A query: is the index there and usable?"""
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass({}) "
            "AND indisvalid AND indisready)"
        ).format(regclass(name))
    )


def defined(definition: str, *, name: str, concurrent: bool = False, relation: Mapping[str, Any] | None = None) -> str:
    """The CREATE INDEX under another name, and with these attributes of its relation's node exchanged."""
    from pglast import parse_sql

    (statement,) = parse_sql(definition)
    node: Any = statement.stmt
    node.idxname, node.concurrent = name, concurrent
    for attribute, value in (relation or {}).items():
        setattr(node.relation, attribute, value)
    return printed(node)


def printed(node: Any) -> str:
    """An IndexStmt of pglast as SQL."""
    from pglast.stream import RawStream

    distinct, node.nulls_not_distinct = not node.nulls_not_distinct, False
    text: str = RawStream()(node)
    if distinct:
        return text
    # pglast prints this clause behind WHERE, where the grammar does not take it: set it in place.
    node.options, node.tableSpace, node.whereClause = None, None, None
    head: str = RawStream()(node)
    assert text.startswith(head)
    return f"{head} NULLS NOT DISTINCT{text[len(head) :]}"
