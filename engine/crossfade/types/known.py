"""What types are made of: the tables of a schema, the database's types, and what simple views show. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from crossfade.postgres.catalog import Catalog, QualifiedName, Table
from crossfade.postgres.forecast import Schema
from crossfade.postgres.type_facts import TypeFacts
from crossfade.types.views import Shows, shown_by


class NotFollowed(ValueError):
    """What a statement makes of types cannot be told; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A schema with its types."""

    schema: Schema
    types: Mapping[QualifiedName, TypeFacts]
    views: Mapping[QualifiedName, Shows]
    """What views show that are over one table and nothing else."""
    at_first: Mapping[QualifiedName, Table]
    """The tables and views as they were read."""
    assumed: Mapping[QualifiedName, tuple[str, ...]] = field(default_factory=dict)
    """Columns of views and tables that were made anew, whose type nothing tells; it is taken to be the one that they
    had, if there was one."""
    unforeseen: tuple[str, ...] = ()
    """What could not be told on the way here, a line each."""

    @classmethod
    def of(cls, catalog: Catalog, types: Mapping[QualifiedName, TypeFacts]) -> Known:
        """As the database is."""
        schema = Schema.of(catalog)
        views = {view.name: shown_by(view.definition, schema) for view in catalog.views}
        return cls(
            schema=schema,
            types=types,
            at_first={table.name: table for table in catalog.tables},
            views={name: shows for name, shows in views.items() if shows is not None},
        )

    def put(self, table: Table) -> Known:
        """With this table in place of the one of its name, or added."""
        return replace(self, schema=self.schema.put(table))

    def without_telling(self, reason: str) -> Known:
        """The same, with something that cannot be told."""
        return replace(self, unforeseen=(*self.unforeseen, reason))
