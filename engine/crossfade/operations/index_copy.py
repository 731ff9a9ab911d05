"""Copies of a column's indexes for its twin, so that the new name is as fast and as usable in ON CONFLICT as the old.

Every index in which the column stands (key, INCLUDE, expression or predicate) is built again over the twin, outside a
transaction with CONCURRENTLY. On a partitioned table the parent's index is made alone and empty, each leaf's
concurrently, and then they are attached. The definitions are PostgreSQL's own; the column is exchanged in the parse
tree, never in the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.own_names import mark, own_name
from crossfade.operations.step import Part, Step
from crossfade.postgres.statement import Lock, LockMode, Statement, render

if TYPE_CHECKING:
    from crossfade.operations.column_sync import Pair
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Catalog, Index, QualifiedName, Table


def steps(place: Place, pair: Pair, catalog: Catalog, table: Table) -> Iterator[Step]:
    """The steps that build a copy of every valid index that uses the pair's old column, parents of partitions first."""
    family = _family(catalog, table)
    copied = [(member, index) for member in family for index in member.indexes_using(pair.old) if index.valid]
    for member, index in copied:
        yield (_parent_step if member.kind == "partitioned" else _build_step)(place, pair, member, index)
    names = {index.name for _, index in copied}
    for member, index in reversed(copied):
        if index.parent is not None and index.parent in names:
            yield _attach_step(place, pair, member, index, index.parent)


def _family(catalog: Catalog, table: Table) -> tuple[Table, ...]:
    """The table and all its partitions and inheritance children, parents first."""
    below = (*table.partitions, *table.children)
    found = [table]
    for name in below:
        child = catalog.table(name)
        if child is not None:
            found += [t for t in _family(catalog, child) if t not in found]
    return tuple(found)


def _copy_name(pair: Pair, index: QualifiedName) -> str:
    return own_name("ix", pair.plan, index.schema, index.name, pair.old)


def _mark(pair: Pair, index: Index) -> Statement:
    name = sql.Identifier(index.name.schema, _copy_name(pair, index.name))
    return Statement(text=render(sql.SQL("COMMENT ON INDEX {} IS {}").format(name, sql.Literal(mark(pair.plan)))))


def _build_step(place: Place, pair: Pair, table: Table, index: Index) -> Step:
    name = _copy_name(pair, index.name)
    locks = (Lock(relation=str(table.name), mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)
    qualified = sql.Identifier(index.name.schema, name)
    return Step(
        id=place.id(f"index/{index.name.name}"),
        part=Part.SEAL,
        title=f"build a copy of index {index.name.name} over {pair.new}",
        statements=(
            Statement(text=copy_definition(index, name, pair, concurrently=True), locks=locks, scans=True),
            _mark(pair, index),
        ),
        transactional=False,
        # The copy goes with the twin column; dropping it here would only be a second wait for a lock.
        done=_index_is_valid(index.name.schema, name),
        cleanup=(
            Statement(
                text=render(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(qualified)),
                locks=locks,
            ),
        ),
    )


def _parent_step(place: Place, pair: Pair, table: Table, index: Index) -> Step:
    name = _copy_name(pair, index.name)
    locks = (Lock(relation=str(table.name), mode=LockMode.SHARE),)
    return Step(
        id=place.id(f"index/{index.name.name}"),
        part=Part.SEAL,
        title=f"make the partitioned copy of index {index.name.name} over {pair.new}, still empty",
        statements=(
            Statement(text=copy_definition(index, name, pair, concurrently=False), locks=locks),
            _mark(pair, index),
        ),
        done=render(
            sql.SQL("SELECT pg_catalog.to_regclass({}) IS NOT NULL").format(_regclass(index.name.schema, name))
        ),
    )


def _attach_step(place: Place, pair: Pair, table: Table, index: Index, parent: QualifiedName) -> Step:
    child_name, parent_name = _copy_name(pair, index.name), _copy_name(pair, parent)
    child = _regclass(index.name.schema, child_name)
    statement = sql.SQL("ALTER INDEX {} ATTACH PARTITION {}").format(
        sql.Identifier(parent.schema, parent_name), sql.Identifier(index.name.schema, child_name)
    )
    return Step(
        id=place.id(f"attach/{index.name.name}"),
        part=Part.SEAL,
        title=f"attach the copy of {index.name.name} to that of {parent.name}",
        statements=(
            Statement(
                text=render(statement), locks=(Lock(relation=str(table.name), mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)
            ),
        ),
        done=render(
            sql.SQL(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = pg_catalog.to_regclass({}))"
            ).format(child)
        ),
    )


def _regclass(schema: str, name: str) -> sql.Literal:
    return sql.Literal(render(sql.Identifier(schema, name)))


def _index_is_valid(schema: str, name: str) -> str:
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass({}) "
            "AND indisvalid AND indisready)"
        ).format(_regclass(schema, name))
    )


def copy_definition(index: Index, name: str, pair: Pair, *, concurrently: bool) -> str:
    """The index's definition over the pair's new column, under another name.

    A unique index under a deferrable constraint becomes an ordinary one: it would check at once what the constraint
    checks at commit, and ON CONFLICT cannot use such a constraint anyway.
    """
    from pglast import parse_sql
    from pglast.stream import RawStream

    tree = parse_sql(index.definition)
    node: Any = tree[0].stmt
    _exchange(node, pair.old, pair.new)
    node.idxname = name
    node.concurrent = concurrently
    # Only a btree can be made unique by CREATE INDEX; that of WITHOUT OVERLAPS is a gist.
    node.unique = node.unique and index.method == "btree" and index.constraint not in pair.deferrable
    node.nulls_not_distinct = False
    text: str = RawStream()(tree)
    if not index.nulls_not_distinct:
        return text
    # pglast prints this clause behind WHERE, where the grammar does not take it: set it in place.
    node.options, node.tableSpace, node.whereClause = None, None, None
    head: str = RawStream()(tree)
    assert text.startswith(head)
    return f"{head} NULLS NOT DISTINCT{text[len(head) :]}"


def _exchange(node: Any, old: str, new: str) -> None:
    """Put one column in the place of another throughout an index's parse tree."""
    from pglast import ast
    from pglast.visitors import Visitor

    class Exchange(Visitor):
        """Column references and plain index keys."""

        def visit_IndexElem(self, _ancestors: Any, elem: Any) -> None:  # noqa: N802  # pglast finds it by this name
            if elem.name == old:
                elem.name = new

        def visit_ColumnRef(self, _ancestors: Any, ref: Any) -> None:  # noqa: N802  # as above
            last = ref.fields[-1]
            if isinstance(last, ast.String) and last.sval == old:
                ref.fields = (*ref.fields[:-1], ast.String(sval=new))

    Exchange()(node)
