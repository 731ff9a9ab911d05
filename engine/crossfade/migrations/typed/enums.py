"""The labels of enums as a program of statements makes and changes them. The model of the schema has no types. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.forecast.enum_labels import labels_after
from crossfade.postgres.forecast.trees import kind, names

if TYPE_CHECKING:
    from crossfade.postgres.catalog import DataType
    from crossfade.postgres.forecast import Schema


@dataclass(frozen=True, slots=True)
class Enums:
    """Labels in their order, by the type's name."""

    labels: Mapping[QualifiedName, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, types: Iterable[DataType]) -> Enums:
        """Those among the types that were read of a catalog."""
        return cls({t.name: t.labels for t in types if t.category == "E"})

    def find(self, strings: Any, schema: Schema) -> QualifiedName | None:
        """The enum that a name in a tree means, if it is known."""
        *above, name = strings if isinstance(strings, tuple) and isinstance(strings[0], str) else names(strings)
        places = above[-1:] or schema.search_path
        return next((q for place in places if (q := QualifiedName(place, name)) in self.labels), None)

    def after(self, node: Any, schema: Schema) -> Enums:
        """As a statement leaves them."""
        match kind(node):
            case "CreateEnumStmt":
                *above, name = names(node.typeName)
                made = QualifiedName(above[-1] if above else schema.creation_schema, name)
                return Enums({**self.labels, made: tuple(value.sval for value in node.vals or ())})
            case "AlterEnumStmt":
                return self._altered(node, schema)
            case "RenameStmt" if node.renameType.name == "OBJECT_TYPE":
                return self._moved(node.object, schema, name=node.newname)
            case "AlterObjectSchemaStmt" if node.objectType.name == "OBJECT_TYPE":
                return self._moved(node.object, schema, schema_name=node.newschema)
            case "DropStmt" if node.removeType.name == "OBJECT_TYPE":
                gone = {self.find(dropped.names, schema) for dropped in node.objects}
                return Enums({name: labels for name, labels in self.labels.items() if name not in gone})
        return self

    def _altered(self, node: Any, schema: Schema) -> Enums:
        name = self.find(node.typeName, schema)
        if name is None:
            return self
        return Enums({**self.labels, name: labels_after(self.labels[name], node)})

    def _moved(self, object_: Any, schema: Schema, *, name: str | None = None, schema_name: str | None = None) -> Enums:
        old = self.find(object_, schema)
        if old is None:
            return self
        new = QualifiedName(schema_name or old.schema, name or old.name)
        return Enums({**{n: labels for n, labels in self.labels.items() if n != old}, new: self.labels[old]})
