"""The column of the old shape that a gate watches."""

from __future__ import annotations

from dataclasses import dataclass

from crossfade.postgres.names import QualifiedName, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedColumn:
    """One side of a pair that a phase takes away."""

    table: QualifiedName
    name: str
    members: frozenset[QualifiedName]
    """The table, its partitions and its children, by any of which the column can be used."""
    pending: str
    """The predicate by which we compare the column with its other side."""

    def __str__(self) -> str:
        return f"{self.table}.{quoted(self.name)}"
