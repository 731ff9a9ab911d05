"""The values of enums, followed through the statements of migrations; the model of tables does not have them. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.forecast import Schema


@dataclass(slots=True)
class Enums:
    """The enums that the migrations so far have made."""

    values: dict[QualifiedName, tuple[str, ...]] = field(default_factory=dict)
    born: dict[QualifiedName, SeenStatement] = field(default_factory=dict)
    """Those made since `a_migration_begins`, under the names that they have now, each with its CREATE TYPE."""

    def a_migration_begins(self) -> dict[QualifiedName, tuple[str, ...]]:
        """The values as they are now; from here on others count as born."""
        self.born.clear()
        return dict(self.values)

    def follow(self, seen: SeenStatement) -> None:
        """Take up what one statement does."""
        node = seen.tree
        match kind(node):
            case "CreateEnumStmt":
                name = type_name(seen.before, names(node.typeName), ())
                self.values[name] = names(node.vals)
                self.born[name] = seen
            case "AlterEnumStmt":
                self._alter(self.find(seen.before, names(node.typeName)), node)
            case "RenameStmt" if node.renameType.name == "OBJECT_TYPE":
                old = self.find(seen.before, names(node.object))
                self._move(old, QualifiedName(old.schema, node.newname))
            case "AlterObjectSchemaStmt" if node.objectType.name == "OBJECT_TYPE":
                old = self.find(seen.before, names(node.object))
                self._move(old, QualifiedName(node.newschema, old.name))
            case "DropStmt" if node.removeType.name == "OBJECT_TYPE":
                for dropped in node.objects:
                    name = self.find(seen.before, names(dropped.names))
                    self.values.pop(name, None)
                    self.born.pop(name, None)

    def find(self, schema: Schema, parts: tuple[str, ...]) -> QualifiedName:
        """The enum that a name in a statement means."""
        return type_name(schema, parts, self.values)

    def _alter(self, name: QualifiedName, node: Any) -> None:
        known = self.values.get(name)
        if known is None:
            return
        if node.oldVal is not None:
            self.values[name] = tuple(node.newVal if value == node.oldVal else value for value in known)
        elif node.newVal not in known:
            place = len(known)
            if node.newValNeighbor in known:
                place = known.index(node.newValNeighbor) + bool(node.newValIsAfter)
            self.values[name] = (*known[:place], node.newVal, *known[place:])

    def _move(self, old: QualifiedName, new: QualifiedName) -> None:
        if old in self.values:
            self.values[new] = self.values.pop(old)
        if old in self.born:
            self.born[new] = self.born.pop(old)


def type_name(schema: Schema, parts: tuple[str, ...], known: Collection[QualifiedName]) -> QualifiedName:
    """A type's name with its schema; without one, the first of the search path that has it, or takes a new one."""
    if len(parts) > 1:
        return QualifiedName(parts[-2], parts[-1])
    found = next((s for s in schema.search_path if QualifiedName(s, parts[-1]) in known), None)
    return QualifiedName(found or schema.creation_schema, parts[-1])
