"""Tables of which a statement changes what is published. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossfade.postgres.changed import Changed, as_changed, relation_changed
from crossfade.postgres.forecast.schema import Schema

_PUBLISHED = "changes what is published of"


def published(schema: Schema, node: Any) -> Iterator[Changed]:
    """What a publication gets or loses by name."""
    for each in node.pubobjects or ():
        if each.pubtable is not None:
            yield from relation_changed(schema, each.pubtable.relation, _PUBLISHED)
        elif each.name is not None:
            yield Changed(schema=each.name, name=None, does=_PUBLISHED)
    if node.for_all_tables:
        yield from as_changed((name, _PUBLISHED) for name in schema.tables if name not in schema.views)


def publication_altered(schema: Schema, node: Any) -> Iterator[Changed]:
    """ALTER PUBLICATION: also what it has, where that is replaced or its options change."""
    yield from published(schema, node)
    if node.options or node.action.name == "AP_SetObjects":
        yield from all_published(schema, node.pubname)


def all_published(schema: Schema, publication: str) -> Iterator[Changed]:
    """All that a publication has."""
    has_it = (t.name for t in schema.tables.values() if any(p.name == publication for p in t.publications))
    yield from as_changed((name, _PUBLISHED) for name in has_it)
