"""The values of columns by what an app gets: a scalar, an array, a label of an enum, a value of a domain. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from crossfade.postgres.names import QualifiedName
from crossfade.postgres.type_facts import TypeFacts

SYSTEM = "pg_catalog"
_VECTORS = frozenset({"int2vector", "oidvector"})
"""PostgreSQL's own arrays of another kind, which drivers leave as they come: `1 2`."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A base type, the server's or an extension's."""

    name: QualifiedName

    @property
    def built_in(self) -> str | None:
        """PostgreSQL's own name, such as `int4`."""
        return self.name.name if self.name.schema == SYSTEM else None


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """An array; of whatever number of dimensions."""

    element: Value


@dataclass(frozen=True, slots=True)
class EnumOf:
    """A label of an enum."""

    name: QualifiedName


@dataclass(frozen=True, slots=True)
class DomainOf:
    """A value of a domain."""

    name: QualifiedName
    over: Value


@dataclass(frozen=True, slots=True)
class CompositeOf:
    """A row of a composite type, or of a table."""

    name: QualifiedName


@dataclass(frozen=True, slots=True)
class RangeOf:
    """A range, or several of them."""

    name: QualifiedName
    over: Value
    several: bool = False


Value: TypeAlias = Scalar | ArrayOf | EnumOf | DomainOf | CompositeOf | RangeOf


class Values:
    """Values by the names of types."""

    def __init__(self, types: Mapping[QualifiedName, TypeFacts], search_path: Sequence[str]) -> None:
        self._types = types
        self._path = (*search_path, SYSTEM)

    def of(self, name: QualifiedName, spelled: str = "") -> Value:
        """The value of a type; `spelled` says of one that no array type was found for whether it is an array."""
        facts = self._facts(name)
        if facts is None:
            value: Value = Scalar(name)
        elif facts.kind == "array" and not (facts.name.schema == SYSTEM and facts.name.name in _VECTORS):
            return ArrayOf(self._over(facts))
        else:
            value = self._single(facts)
        return ArrayOf(value) if spelled.endswith("[]") else value

    def not_null(self, value: Value) -> bool:
        """Whether it is of a domain that takes no NULL."""
        return any(facts.not_null for facts in self._domains(value))

    def has_default(self, value: Value) -> bool:
        """Whether it is of a domain with a default; one of a domain below it is not asked for."""
        return isinstance(value, DomainOf) and self._types[value.name].has_default

    def _single(self, facts: TypeFacts) -> Value:
        match facts.kind:
            case "enum":
                return EnumOf(facts.name)
            case "domain":
                return DomainOf(facts.name, self._over(facts))
            case "composite":
                return CompositeOf(facts.name)
            case "range" | "multirange":
                return RangeOf(facts.name, self._over(facts), several=facts.kind == "multirange")
            case _:
                return Scalar(facts.name)

    def _over(self, facts: TypeFacts) -> Value:
        return self.of(facts.over) if facts.over is not None else Scalar(facts.name)

    def _facts(self, name: QualifiedName) -> TypeFacts | None:
        found = self._types.get(name)
        if found is None and not name.schema:
            found = next((f for s in self._path if (f := self._types.get(QualifiedName(s, name.name)))), None)
        return found

    def _domains(self, value: Value) -> list[TypeFacts]:
        found = []
        while isinstance(value, DomainOf):
            found.append(self._types[value.name])
            value = value.over
        return found
