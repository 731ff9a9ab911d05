"""Statements as the smallest parts that do one thing: a subcommand of an ALTER TABLE is one, any other statement is.

Each knows the schema that it finds. Parts of several statements can be one change, and parts of one statement several.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.entry import name_text, printed
from crossfade.postgres.forecast.trees import below, kind, names

if TYPE_CHECKING:
    from crossfade.migrations.typed.enums import Enums
    from crossfade.migrations.typed.touched import Touched
    from crossfade.postgres.catalog import QualifiedName, Table
    from crossfade.postgres.forecast import Schema


@dataclass(frozen=True, kw_only=True, eq=False)
class Command:
    """One part; two are equal only if they are the same one."""

    node: Any
    """A tree of its own: of an ALTER TABLE with one subcommand."""
    before: Schema
    enums: Enums
    """The labels of enums before it, as far as they are known."""
    number: int
    """Its place among all commands."""
    of: int
    """The number of its statement."""
    text: str | None = None
    """The statement's own text, where it does nothing else."""

    @cached_property
    def after(self) -> Schema:
        """The schema as it leaves it."""
        return self.before.foresee_tree(self.node)[1]

    @cached_property
    def touched(self) -> Touched:
        """The names in it, and what it does to them."""
        from crossfade.migrations.typed.touched import touched

        return touched(self)

    @cached_property
    def assigned(self) -> Mapping[str, str]:
        """What it gives each column, as an UPDATE. Raises NotTyped where that is no expression over the row."""
        from crossfade.migrations.typed.rows import assigned

        return assigned(self.node)

    @property
    def sql(self) -> str:
        """It as a statement."""
        return printed(self.node) if self.text is None else self.text

    @cached_property
    def does(self) -> str:
        """What tells its kind: `AddColumn` of an ALTER TABLE, else the class of the node."""
        if self.is_alter_table:
            return str(self.node.cmds[0].subtype.name).removeprefix("AT_")
        return kind(self.node)

    @property
    def is_alter_table(self) -> bool:
        """Whether it is a subcommand of an ALTER TABLE, of a table."""
        return kind(self.node) == "AlterTableStmt" and self.node.objtype.name == "OBJECT_TABLE"

    @property
    def action(self) -> Any:
        """The AlterTableCmd."""
        return self.node.cmds[0]

    @property
    def relation(self) -> Any:
        """The RangeVar of its table; None where it is about none, or about several."""
        return getattr(self.node, "table" if kind(self.node) == "CreatePolicyStmt" else "relation", None)

    @cached_property
    def table(self) -> Table | None:
        """Its table as it is before, if the model knows it."""
        relation = self.relation
        return self.before.find(relation.schemaname, relation.relname) if relation is not None else None

    @cached_property
    def table_name(self) -> QualifiedName:
        """The table's name, whether it is known or not."""
        return self.before.qualify(self.relation.schemaname, self.relation.relname)

    @cached_property
    def referenced(self) -> frozenset[QualifiedName]:
        """The tables that its foreign keys point at."""
        keys = (n.pktable for n in below(self.node) if kind(n) == "Constraint" and n.pktable is not None)
        return frozenset(self.before.qualify(key.schemaname, key.relname) for key in keys)

    @property
    def table_text(self) -> str:
        """As a plan names it."""
        return self.text_of(self.relation)

    def text_of(self, relation: Any) -> str:
        """A RangeVar as a plan names it: as the statement does, unless a SET search_path gives that another sense."""
        return name_text(relation.schemaname or self._set_schema(relation.relname), relation.relname)

    def text_of_name(self, strings: Any) -> str:
        """The same of a name that the tree has as a list of strings."""
        parts = strings if isinstance(strings, list) else list(names(strings))
        return name_text(parts[-2] if len(parts) > 1 else self._set_schema(parts[-1]), parts[-1])

    def text_of_known(self, name: QualifiedName) -> str:
        """The same of one that no statement spells."""
        is_found = self.before.find(None, name.name) == self.before.tables.get(name)
        return name_text(self._set_schema(name.name) if is_found else name.schema, name.name)

    def _set_schema(self, name: str) -> str | None:
        is_usual = self.before.search_path == self.before.default_path
        return None if is_usual else self.before.qualify(None, name).schema


def commands(
    nodes: Sequence[Any], schemas: Sequence[Schema], enums: Enums, texts: Sequence[str] = ()
) -> tuple[Command, ...]:
    """The parts of these statements in order; `schemas` are those that each of them finds, `texts` their own."""
    found: list[Command] = []
    for number, (node, schema) in enumerate(zip(nodes, schemas, strict=True)):
        parts, before = tuple(_parts(node)), schema
        for part in parts:
            found.append(
                Command(
                    node=part,
                    before=before,
                    enums=enums,
                    number=len(found),
                    of=number,
                    text=texts[number] if len(parts) == 1 and texts else None,
                )
            )
            enums = enums.after(part, before)
            if part is not parts[-1]:
                before = found[-1].after
    return tuple(found)


def _parts(node: Any) -> Iterator[Any]:
    from pglast.ast import AlterTableStmt, DropStmt

    if kind(node) == "AlterTableStmt" and len(node.cmds) > 1:
        for command in node.cmds:
            yield AlterTableStmt(
                relation=node.relation, cmds=(command,), objtype=node.objtype, missing_ok=node.missing_ok
            )
    elif kind(node) == "DropStmt" and len(node.objects) > 1:
        for dropped in node.objects:
            yield DropStmt(
                objects=(dropped,),
                removeType=node.removeType,
                behavior=node.behavior,
                missing_ok=node.missing_ok,
                concurrent=node.concurrent,
            )
    else:
        yield node


def dropped(command: Command, what: str) -> QualifiedName | None:
    """The table or index that a DROP of this kind names; None for any other command."""
    if command.does != "DropStmt" or command.node.removeType.name != f"OBJECT_{what.upper()}":
        return None
    *above, name = names(command.node.objects[0])
    return command.before.qualify(above[-1] if above else None, name)
