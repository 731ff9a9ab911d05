"""What a model of the schema has under a name that RENAME or SET SCHEMA changes, besides tables and their columns:
functions, sequences, types and all else that CASCADE and owners lead to, and whatever is in a schema.

What statements lock does not hang on it, so that a forecast does not follow these names. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from crossfade.postgres.cascades import without_method
from crossfade.postgres.catalog import Column, Domain, Need, QualifiedName, Table
from crossfade.postgres.forecast.schema import Schema
from crossfade.postgres.forecast.trees import NotOneStatement, kind, names, one_statement
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Value = TypeVar("_Value", bound="DataclassInstance")
_OF_RELATIONS = frozenset(
    {"table", "view", "materialized view", "foreign table", "index", "sequence", "type", "composite type"}
)
_ON_RELATIONS = (" column", " constraint")
_PARTS = frozenset({"OBJECT_TABCONSTRAINT", "OBJECT_DOMCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"})
"""What has a name on something else only; nothing that is looked for here is known by it."""


def foreseen(schema: Schema, text: str) -> Schema:
    """The model as a statement leaves it, by its text."""
    _, after = schema.foresee(text)
    try:
        return with_new_names(schema, after, one_statement(text))
    except NotOneStatement:
        return after


def with_new_names(before: Schema, after: Schema, node: Any) -> Schema:
    """The model as a forecast leaves it, with all else under its new name too."""
    found = _renamed(before, node) if kind(node) in {"RenameStmt", "AlterObjectSchemaStmt"} else None
    return after if found is None else found.applied(after)


def _renamed(schema: Schema, node: Any) -> _Renamed | None:
    moves = kind(node) == "AlterObjectSchemaStmt"
    what = (node.objectType if moves else node.renameType).name
    if what == "OBJECT_SCHEMA":
        return _Renamed(old=(node.subname,), new=(node.newname,))
    if what in _PARTS:
        return None
    if node.relation is not None:
        found = schema.qualify(node.relation.schemaname, node.relation.relname)
        if what in {"OBJECT_COLUMN", "OBJECT_ATTRIBUTE"}:
            above = (found.schema, found.name)
            return _Renamed(old=(*above, node.subname), new=(*above, node.newname), of_relations=True)
    elif isinstance(node.object, tuple) or hasattr(node.object, "objname"):
        parts = names(getattr(node.object, "objname", None) or without_method(what, node.object))
        found = QualifiedName(parts[-2] if len(parts) > 1 else schema.creation_schema, parts[-1])
    else:
        # What is in no schema.
        return None
    return _Renamed(
        old=(found.schema, found.name),
        new=(node.newschema, found.name) if moves else (found.schema, node.newname),
        of_relations=node.relation is not None or what in {"OBJECT_TYPE", "OBJECT_DOMAIN"},
        arguments=_arguments(node.object),
    )


def _arguments(node: Any) -> tuple[str | None, ...] | None:
    """The types of a function's or operator's arguments, as needs have them; None without any."""
    if getattr(node, "args_unspecified", True):
        return None
    return tuple(None if a is None else "_" * bool(a.arrayBounds) + names(a.names)[-1] for a in node.objargs or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Renamed:
    """One thing, or a schema, with what is in it."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    of_relations: bool | None = None
    """It has its name beside tables and types; None for a schema, which has things of all kinds."""
    arguments: tuple[str | None, ...] | None = None

    def applied(self, schema: Schema) -> Schema:
        """With the new name for the old one."""
        return _with(
            schema,
            tables={name: self._table(table) for name, table in schema.tables.items()},
            domains=tuple(map(self._domain, schema.domains)),
            needs={self._name(name): self._needs(needs) for name, needs in schema.needs.items()},
            sequence_owners={self._name(name): owner for name, owner in schema.sequence_owners.items()},
        )

    def _parts(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        begins = len(parts) > 1 and parts[: len(self.old)] == self.old
        return self.new + parts[len(self.old) :] if begins else parts

    def _name(self, name: QualifiedName) -> QualifiedName:
        parts = (name.schema, name.name)
        found = self._parts(parts)
        return name if found == parts else QualifiedName(*found)

    def _text(self, name: str) -> str:
        was, now = quoted(self.old[0]), quoted(self.new[0])
        is_inside = len(self.old) == 1 and name.startswith(f"{was}.")
        return f"{now}{name.removeprefix(was)}" if is_inside else name

    def _needs(self, needs: Iterable[Need]) -> tuple[Need, ...]:
        return tuple(_with(need, name=self._parts(need.name)) if self._is_of(need) else need for need in needs)

    def _is_of(self, need: Need) -> bool:
        is_of_relations = need.what in _OF_RELATIONS or need.what.endswith(_ON_RELATIONS)
        return self.of_relations in {None, is_of_relations} and self.arguments in {None, need.arguments}

    def _table(self, table: Table) -> Table:
        if len(self.old) > 2:
            # A column is known by its name to needs alone.
            return _with(table, needs=self._needs(table.needs))
        return _with(
            table,
            needs=self._needs(table.needs),
            typed_of=table.typed_of and self._text(table.typed_of),
            columns=tuple(map(self._column, table.columns)),
            triggers=tuple(_with(t, function=self._name(t.function)) for t in table.triggers),
            extended_statistics=tuple(_with(s, name=self._name(s.name)) for s in table.extended_statistics),
        )

    def _column(self, column: Column) -> Column:
        identity, default = column.identity, column.default
        return _with(
            column,
            type_name=self._name(column.type_name),
            element_type=column.element_type and self._name(column.element_type),
            collation=column.collation and self._name(column.collation),
            owned_sequences=tuple(map(self._name, column.owned_sequences)),
            identity=identity and _with(identity, sequence=self._name(identity.sequence)),
            default=default and _with(default, expression=self._expression(default.expression)),
        )

    def _expression(self, expression: str) -> str:
        """A default that draws from a sequence names it in a string."""
        end = "'" if len(self.old) > 1 else "."
        was, now = (f"'{'.'.join(map(quoted, each))}{end}" for each in (self.old, self.new))
        return expression.replace(was, now)

    def _domain(self, domain: Domain) -> Domain:
        return _with(domain, name=self._name(domain.name), type_name=self._name(domain.type_name))


def _with(value: _Value, **fields: object) -> _Value:
    """The value with these fields; the same one where it has them, as nearly all of a model has."""
    return value if all(getattr(value, key) == new for key, new in fields.items()) else replace(value, **fields)
