"""A table under another name: what the plan's later changes see of it, and what has to be free for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.acks import CDC
from crossfade.operations.step import Caution
from crossfade.operations.tables.ownership import owner_refusals
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.trial import Trial
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.names import quoted
from crossfade.postgres.own_names import LEDGER_SCHEMA
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Catalog, Index, Table


def renamed(catalog: Catalog, table: Table, to: QualifiedName) -> Catalog:
    """The catalog in which the table has another name from contract on, wherever it is named."""

    def name(old: QualifiedName) -> QualifiedName:
        return to if old == table.name else old

    def of_index(index: Index) -> Index:
        above = index.parent is not None and table.index(index.parent.name)
        if not above or above.name != index.parent:
            return index
        return replace(index, parent=QualifiedName(to.schema, above.name.name))

    moved = replace(
        table,
        name=to,
        until_contract=table.staged,
        indexes=tuple(replace(i, name=QualifiedName(to.schema, i.name.name)) for i in table.indexes),
    )
    catalog = catalog.with_table(moved)
    tables = tuple(
        replace(
            t,
            indexes=tuple(of_index(i) for i in t.indexes),
            constraints=tuple(replace(c, referenced=c.referenced and name(c.referenced)) for c in t.constraints),
            incoming_foreign_keys=tuple(replace(k, table=name(k.table)) for k in t.incoming_foreign_keys),
            partition_parent=t.partition_parent and name(t.partition_parent),
            partitions=tuple(name(n) for n in t.partitions),
            inherits=tuple(name(n) for n in t.inherits),
            children=tuple(name(n) for n in t.children),
        )
        for t in catalog.tables
    )
    views = tuple(replace(v, uses=tuple(replace(u, relation=name(u.relation)) for u in v.uses)) for v in catalog.views)
    return replace(catalog, tables=tables, views=views)


def refusals(table: Table, to: QualifiedName, catalog: Catalog) -> Iterator[Refusal]:
    """Why the table cannot get that name."""
    if to in catalog.relation_names:
        yield name_taken(to)
    if table.until_contract is not None:
        yield Refusal(
            code="in_another_run",
            object=str(table.name),
            message="an earlier change of this plan gives it another name already.",
            instead="Name a table once.",
        )
    yield from owner_refusals((table,))
    published = [p.name for p in table.publications]
    if published or catalog.logical_slots:
        through = [f"publication {p}" for p in published] + [f"slot {s}" for s in catalog.logical_slots]
        yield Refusal(
            code="logical_replication",
            object=str(table.name),
            message=f"it is replicated logically ({', '.join(through)}): from contract on a subscriber gets its rows "
            f"as those of {to}, and stops where it has no such table.",
            instead="Let every subscriber have the table under the new name by then.",
            ack=CDC,
        )


def name_taken(name: QualifiedName) -> Refusal:
    """Something has the name already."""
    return Refusal(
        code="name_taken",
        object=str(name),
        message=f"there is a table, view, index, sequence or type {name} already.",
        instead="Choose another name, or drop that first.",
    )


def trial(place: Place, name: QualifiedName, about: str) -> Trial:
    """Whether the database would let us have that name: the schema, the right, a type that is called so."""
    view = sql.SQL("CREATE VIEW {} AS SELECT 1 AS one").format(identifier(name))
    return Trial(
        where=f"{place.kind} {about}",
        shown=str(name),
        columns=(("one", "pg_catalog.int4"),),
        statement=render(view),
    )


def cautions(table: Table) -> Iterator[Caution]:
    """Texts that name the table, which PostgreSQL does not track."""
    for function in table.text_functions:
        if function.name.schema != LEDGER_SCHEMA and _mentions(function.body, table.name.name):
            yield Caution(
                code="function_text",
                object=f"function {function.name}",
                message=f"its text names {quoted(table.name.name)}; PostgreSQL does not track that. It fails once the "
                "old name is gone unless it is replaced before.",
            )


def _mentions(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(word)}(?![\w$])", text, re.IGNORECASE) is not None
