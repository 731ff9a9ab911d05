"""CREATE and ALTER SEQUENCE: the name, and the table whose column owns it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import names, option

if TYPE_CHECKING:
    from crossfade.postgres.catalog import QualifiedName
    from crossfade.postgres.forecast.draft import Draft


def create_sequence(draft: Draft, node: Any) -> None:
    """CREATE SEQUENCE."""
    name = draft.schema.place_of(node.sequence)
    draft.schema = replace(draft.schema, other_relations=draft.schema.other_relations | {name})
    _own(draft, name, node)


def alter_sequence(draft: Draft, node: Any) -> None:
    """ALTER SEQUENCE locks no table, not even the one of OWNED BY."""
    _own(draft, draft.schema.qualify(node.sequence.schemaname, node.sequence.relname), node)


def _own(draft: Draft, sequence: QualifiedName, node: Any) -> None:
    owned_by = option(node.options, "owned_by")
    if owned_by is not None:
        # Its last part is the column; NONE stands alone.
        *above, table = names(owned_by.arg)[:-1] or (None,)
        owner = None if table is None else draft.schema.qualify(above[-1] if above else None, table)
        owners = {**draft.schema.sequence_owners, sequence: owner}
        draft.schema = replace(draft.schema, sequence_owners=owners)
