"""What a statement does to names: which it gives, needs, brings and lets go, by the parser of SQL. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from crossfade.postgres.forecast.trees import NotOneStatement, below, columns_of, expression, kind, names, parse
from crossfade.postgres.names import QualifiedName, quoted

Kind = Literal["relation", "column", "constraint", "type", "trigger", "function", "statistics"]

_RENAMED: dict[str, tuple[Kind, str]] = {
    "OBJECT_TABLE": ("relation", "table"),
    "OBJECT_VIEW": ("relation", "view"),
    "OBJECT_MATVIEW": ("relation", "materialized view"),
    "OBJECT_INDEX": ("relation", "index"),
    "OBJECT_SEQUENCE": ("relation", "sequence"),
    "OBJECT_COLUMN": ("column", "column"),
    "OBJECT_TABCONSTRAINT": ("constraint", "constraint"),
    "OBJECT_TYPE": ("type", "type"),
    "OBJECT_STATISTIC_EXT": ("statistics", "statistics"),
}
"""What is renamed, by PostgreSQL's word for it: how it is looked up, and what people call it."""

_DROPPED: dict[str, tuple[Kind, str]] = {
    "OBJECT_TABLE": ("relation", "table"),
    "OBJECT_VIEW": ("relation", "view"),
    "OBJECT_MATVIEW": ("relation", "materialized view"),
    "OBJECT_TRIGGER": ("trigger", "trigger"),
}
"""What is dropped by its name, likewise."""

_OF_A_COLUMN = frozenset(
    {"AT_ColumnDefault", "AT_SetNotNull", "AT_DropNotNull", "AT_AlterColumnType", "AT_SetStatistics", "AT_SetStorage"}
    | {"AT_SetCompression", "AT_AddIdentity", "AT_SetIdentity", "AT_SetOptions", "AT_ResetOptions"}
)
"""What an ALTER TABLE does to a column that has to be there."""

_LOSING = frozenset({"AT_DropColumn", "AT_DropIdentity"})
"""What an ALTER TABLE drops with something else: indexes and constraints, a sequence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name as it is looked up."""

    kind: Kind
    what: str
    schema: str
    name: str
    table: str = ""
    """Of a column or constraint."""

    @property
    def shown(self) -> str:
        """In words."""
        if self.table:
            return f"{self.what} {quoted(self.name)} of {QualifiedName(self.schema, self.table)}"
        return f"{self.what} {QualifiedName(self.schema, self.name)}"


@dataclass(frozen=True, slots=True)
class Given:
    """A statement that gives something a name: what it has been called, where it was there, and the name."""

    source: Name | None
    target: Name


def parsed(text: str) -> tuple[Any, ...]:
    """The statements of a text; none where it is beyond the parser."""
    try:
        return parse(text)
    except NotOneStatement:
        return ()


def given_by(node: Any) -> Iterator[Given]:
    """What a statement gives names, with what had to be there for that."""
    match kind(node):
        case "RenameStmt" if node.renameType.name in _RENAMED:
            yield from _renamed(node)
        case "AlterObjectSchemaStmt" if node.objectType.name in _RENAMED and node.relation and node.relation.schemaname:
            yield _moved(node)
        case "IndexStmt" if node.idxname and node.relation.schemaname and not node.if_not_exists:
            name = Name(kind="relation", what="relation", schema=node.relation.schemaname, name=node.idxname)
            yield Given(None, name)
        case "AlterTableStmt" if node.relation.schemaname:
            yield from _added(node)


def _renamed(node: Any) -> Iterator[Given]:
    looked_up, what = _RENAMED[node.renameType.name]
    if looked_up in ("type", "statistics"):
        path = tuple(part.sval for part in node.object)
        if len(path) == 2:
            schema, name = path
            source = Name(kind=looked_up, what=what, schema=schema, name=name)
            yield Given(source, Name(kind=looked_up, what=what, schema=schema, name=node.newname))
    elif node.relation is not None and node.relation.schemaname:
        schema, table = node.relation.schemaname, node.relation.relname
        if looked_up == "relation":
            source = Name(kind=looked_up, what=what, schema=schema, name=table)
            target = Name(kind=looked_up, what="relation", schema=schema, name=node.newname)
        else:
            source = Name(kind=looked_up, what=what, schema=schema, table=table, name=node.subname)
            target = Name(kind=looked_up, what=what, schema=schema, table=table, name=node.newname)
        if not node.missing_ok:
            yield Given(source, target)


def _moved(node: Any) -> Given:
    what, name = _RENAMED[node.objectType.name][1], node.relation.relname
    source = Name(kind="relation", what=what, schema=node.relation.schemaname, name=name)
    return Given(source, Name(kind="relation", what="relation", schema=node.newschema, name=name))


def _added(node: Any) -> Iterator[Given]:
    schema, table = node.relation.schemaname, node.relation.relname
    for command in node.cmds:
        if command.subtype.name == "AT_AddConstraint" and command.def_.conname:
            name = command.def_.conname
            yield Given(None, Name(kind="constraint", what="constraint", schema=schema, table=table, name=name))
        elif command.subtype.name == "AT_AddColumn" and not command.missing_ok:
            name = command.def_.colname
            yield Given(None, Name(kind="column", what="column", schema=schema, table=table, name=name))


def dropped(node: Any) -> Iterator[Name]:
    """What a DROP has to find."""
    if kind(node) != "DropStmt" or node.missing_ok or node.removeType.name not in _DROPPED:
        return
    looked_up, what = _DROPPED[node.removeType.name]
    for parts in node.objects:
        path = [part.sval for part in parts]
        if len(path) == (3 if looked_up == "trigger" else 2):
            table = path[1] if looked_up == "trigger" else ""
            yield Name(kind=looked_up, what=what, schema=path[0], table=table, name=path[-1])


def goes(node: Any) -> Iterator[Name]:
    """The columns, relations and types that a statement drops, whether it has to find them or not."""
    match kind(node):
        case "AlterTableStmt" if node.relation.schemaname:
            dropped_columns = tuple(c.name for c in node.cmds if c.subtype.name == "AT_DropColumn")
            yield from _columns(node.relation, dropped_columns)
        case "DropStmt" if node.removeType.name == "OBJECT_TYPE":
            for typed in node.objects:
                yield from _with_schema("type", "type", names(typed.names))
        case "DropStmt" if node.removeType.name in _DROPPED and node.removeType.name != "OBJECT_TRIGGER":
            what = _DROPPED[node.removeType.name][1]
            for path in node.objects:
                yield from _with_schema("relation", what, names(path))


def replaced(node: Any) -> Iterator[str]:
    """What a statement gives another definition, so that it no longer depends on what it did."""
    match kind(node):
        case "AlterPolicyStmt":
            yield node.policy_name
        case "AlterPublicationStmt":
            yield node.pubname


def needed(node: Any) -> Iterator[Name]:
    """What a constraint, an index, a default or another setting of a column has to find: columns, and functions, types
    and relations that are written with their schema."""
    match kind(node):
        case "IndexStmt" if node.relation.schemaname:
            own = _of_elements((*node.indexParams, *(node.indexIncludingParams or ())))
            yield from _columns(node.relation, own, columns_of(node.whereClause))
            yield from _called((node.indexParams, node.whereClause))
        case "AlterTableStmt" if node.relation.schemaname and not node.missing_ok:
            for command in node.cmds:
                if command.subtype.name in _OF_A_COLUMN:
                    yield from _columns(node.relation, (command.name,))
                    if command.subtype.name == "AT_ColumnDefault":
                        yield from _called(command.def_)
                elif command.subtype.name == "AT_AddConstraint":
                    yield from _of_constraint(node.relation, command.def_)


def _of_constraint(table: Any, constraint: Any) -> Iterator[Name]:
    own = names((*(constraint.keys or ()), *(constraint.including or ()), *(constraint.fk_attrs or ())))
    excluded = tuple(element for element, _ in constraint.exclusions or ())
    where = constraint.where_clause
    yield from _columns(table, own, columns_of(constraint.raw_expr), _of_elements(excluded), columns_of(where))
    yield from _called((constraint.raw_expr, excluded, where))
    if constraint.pktable is not None and constraint.pktable.schemaname:
        yield from _columns(constraint.pktable, names(constraint.pk_attrs))


def _of_elements(elements: Any) -> tuple[str, ...]:
    plain = tuple(element.name for element in elements or () if element.name)
    return (*plain, *columns_of(elements or ()))


def _columns(table: Any, *given: tuple[str, ...]) -> Iterator[Name]:
    for name in dict.fromkeys(name for some in given for name in some):
        yield Name(kind="column", what="column", schema=table.schemaname, table=table.relname, name=name)


def _called(node: Any) -> Iterator[Name]:
    """Functions and types of an expression, and what is written as a `regclass`."""
    for inner in below(node):
        match kind(inner):
            case "FuncCall":
                yield from _with_schema("function", "function", names(inner.funcname))
            case "TypeName":
                yield from _with_schema("type", "type", names(inner.names))
            case "TypeCast" if names(inner.typeName.names)[-1] == "regclass" and kind(inner.arg) == "A_Const":
                text = getattr(inner.arg.val, "sval", None)
                tree: Any = None if text is None else expression(text)
                if kind(tree) == "ColumnRef":
                    yield from _with_schema("relation", "relation", names(tree.fields))


def _with_schema(looked_up: Kind, what: str, path: tuple[str, ...]) -> Iterator[Name]:
    if len(path) == 2 and path[0] != "pg_catalog":
        yield Name(kind=looked_up, what=what, schema=path[0], name=path[1])


def made(node: Any) -> Iterator[str]:
    """What is there once a statement has made it, and which a later one may drop or rename."""
    match kind(node):
        case "CreateTrigStmt":
            yield node.trigname
        case "ViewStmt":
            yield node.view.relname
        case "CreateTableAsStmt":
            yield node.into.rel.relname
        case "CreateStmt":
            yield node.relation.relname
        case "CreateFunctionStmt":
            yield node.funcname[-1].sval
        case "CreateSeqStmt":
            yield node.sequence.relname
        case "CreateEnumStmt" | "CompositeTypeStmt" | "CreateDomainStmt":
            yield from _type_made(node)


def _type_made(node: Any) -> Iterator[str]:
    if kind(node) == "CompositeTypeStmt":
        yield node.typevar.relname
    else:
        yield names(node.typeName if kind(node) == "CreateEnumStmt" else node.domainname)[-1]


def keyed(node: Any) -> Iterator[tuple[str, str]]:
    """The table that a statement gives something unique."""
    if kind(node) == "IndexStmt" and node.unique and node.relation.schemaname:
        yield node.relation.schemaname, node.relation.relname
    elif kind(node) == "AlterTableStmt" and node.relation.schemaname:
        added = (c.def_.contype.name for c in node.cmds if c.subtype.name == "AT_AddConstraint")
        if {"CONSTR_UNIQUE", "CONSTR_PRIMARY"} & {*added}:
            yield node.relation.schemaname, node.relation.relname


def takes_along(node: Any) -> bool:
    """Whether a statement drops what other things are on."""
    if kind(node) == "DropStmt":
        return bool(node.removeType.name == "OBJECT_TABLE")
    return kind(node) == "AlterTableStmt" and any(c.subtype.name in _LOSING for c in node.cmds)


def index_let_go(node: Any) -> Iterator[str]:
    """Names of indexes that are free after a statement: of a constraint the name is not, since it keeps its index."""
    if kind(node) == "DropStmt" and node.removeType.name == "OBJECT_INDEX":
        yield from (names(path)[-1] for path in node.objects)


def let_go(node: Any) -> Iterator[str]:
    """Names that are free after a statement, whatever had them."""
    match kind(node):
        case "DropStmt" if node.removeType.name != "OBJECT_INDEX":
            for path in node.objects or ():
                parts = getattr(path, "names", path)
                if isinstance(parts, list | tuple):
                    yield parts[-1].sval
        case "AlterTableStmt":
            yield from (c.name for c in node.cmds if c.subtype.name in {"AT_DropColumn", "AT_DropConstraint"})
