"""`set_replica_identity`: what logical replication sends of a row that is updated or deleted.

A change of the catalog under a short ACCESS EXCLUSIVE lock, in expand; a partitioned table's partitions keep their own.
With nothing else in the plan it is contracted at once. An index that an earlier change of the plan builds, or whose
columns it makes NOT NULL, is fit for it only in contract, so there it is set behind that change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.step import Caution, Compiled, Part, Step, Turn
from crossfade.operations.tables.ownership import owner_refusals
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import SetReplicaIdentity
    from crossfade.postgres.catalog import Catalog, Index, QualifiedName, Table

_LETTERS = {"default": "d", "nothing": "n", "full": "f", "index": "i"}
_WORDS = {"default": sql.SQL("DEFAULT"), "nothing": sql.SQL("NOTHING"), "full": sql.SQL("FULL")}


def compile_change(change: SetReplicaIdentity, place: Place, catalog: Catalog) -> Compiled:
    """The step of one change against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    refusals = (*owner_refusals((table,)), *_index_refusals(change, table))
    return Compiled(
        steps=(_step(change, place, table),),
        refusals=refusals,
        cautions=tuple(_cautions(change, table)),
        catalog=catalog.with_table(_with_identity(change, table)),
    )


def _with_identity(change: SetReplicaIdentity, table: Table) -> Table:
    indexes = tuple(replace(i, replica_identity=i.name.name == change.index) for i in table.indexes)
    return replace(table, replica_identity=change.to, replica_identity_index=change.index, indexes=indexes)


def _step(change: SetReplicaIdentity, place: Place, table: Table) -> Step:
    late = _is_fit_at_contract_only(change, table)
    name = table.name if late else table.staged
    return Step(
        id=place.id("set"),
        part=Part.HIDE if late else Part.EXPAND,
        turn=Turn.AFTER if late else Turn.AMONG,
        title=f"set the replica identity of {table.name} to {change.index or change.to}",
        statements=(_set(name, change.to, change.index),),
        undo=(_set(name, table.replica_identity, table.replica_identity_index),),
        done=_done(change, name),
    )


def _is_fit_at_contract_only(change: SetReplicaIdentity, table: Table) -> bool:
    index = next((i for i in table.indexes if i.name.name == change.index), None)
    if index is None:
        return False
    return index.oid == 0 or any(c.work is not None for c in table.columns if c.name in index.columns)


def _set(table: QualifiedName, to: str, index: str | None) -> Statement:
    what = _WORDS[to] if index is None else sql.SQL("USING INDEX {}").format(sql.Identifier(index))
    text = sql.SQL("ALTER TABLE {} REPLICA IDENTITY {}").format(identifier(table), what)
    return Statement(text=render(text))


def _done(change: SetReplicaIdentity, table: QualifiedName) -> str:
    """The letter of `pg_class.relreplident`, and the index where one is meant."""
    text = sql.SQL(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass({}) "
        "AND c.relreplident = {} AND ({}::pg_catalog.text IS NULL OR EXISTS (SELECT FROM pg_catalog.pg_index i "
        "JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid "
        "WHERE i.indrelid = c.oid AND i.indisreplident AND x.relname = {})))"
    )
    relation = sql.Literal(render(identifier(table)))
    index = sql.Literal(change.index)
    return render(text.format(relation, sql.Literal(_LETTERS[change.to]), index, index))


def _index_refusals(change: SetReplicaIdentity, table: Table) -> Iterator[Refusal]:
    if change.index is None:
        return
    index = next((i for i in table.indexes if i.name.name == change.index), None)
    if index is None:
        names = ", ".join(i.name.name for i in table.indexes if i.unique)
        yield Refusal(
            code="no_such_index",
            object=f"{table.name}",
            message=f"it has no index {change.index}.",
            instead=f"Its unique ones are: {names}." if names else "It has no unique index.",
        )
        return
    reasons = tuple(_unfit(index, table))
    if reasons:
        yield Refusal(
            code="unfit_index",
            object=str(index.name),
            message=f"it cannot tell rows apart for a subscriber: {', '.join(reasons)}.",
            instead="Name a unique index over NOT NULL columns, or write `to: full`.",
        )


def _unfit(index: Index, table: Table) -> Iterator[str]:
    keys = index.columns[: index.key_count]
    nullable = [c.name for c in table.columns if c.name in keys and not c.not_null]
    deferrable = any(c.index == index.name.name and c.deferrable for c in table.constraints)
    said = {
        "it is not unique": not index.unique,
        "it is partial": index.partial,
        "it is over an expression": None in keys,
        "its constraint is deferrable": deferrable,
        "it is not valid": not index.valid,
        f"{', '.join(nullable)} may be NULL": bool(nullable),
    }
    yield from (words for words, holds in said.items() if holds)


def _cautions(change: SetReplicaIdentity, table: Table) -> Iterator[Caution]:
    keyless = change.to == "nothing" or (change.to == "default" and not any(i.primary for i in table.indexes))
    if keyless and table.publications:
        names = ", ".join(p.name for p in table.publications)
        yield Caution(
            code="replica_identity",
            object=str(table.name),
            message=f"it is published ({names}): without a key to send, PostgreSQL refuses every UPDATE and DELETE of "
            "it.",
        )
