"""A column that ADD COLUMN or CREATE TABLE declares, and what it makes of the rows that are there.

PostgreSQL writes the table anew where each row needs its own value, or a domain has to look at each: a volatile
default, a sequence, a stored expression, a constrained domain even without a default. It reads the rows where NOT NULL
has no default to stand on. Measured on 15 and 18. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from crossfade.postgres.catalog import Column, Default, Identity, QualifiedName, Table
from crossfade.postgres.forecast.chosen_names import object_name
from crossfade.postgres.forecast.trees import NotOneStatement, expression, kind, text_constant
from crossfade.postgres.forecast.type_names import SYSTEM, TypeName, find_domain, is_serial, read_type, resolve
from crossfade.postgres.forecast.volatility import is_volatile
from crossfade.postgres.names import literal

if TYPE_CHECKING:
    from crossfade.postgres.forecast.schema import Schema

_NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric", "money", "oid"})
_DATES = frozenset({"date", "time", "timetz", "timestamp", "timestamptz"})
_NOT_NULL = frozenset({"CONSTR_NOTNULL", "CONSTR_PRIMARY"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The column as the model keeps it, and the work it makes."""

    column: Column
    rewrites: bool
    scans: bool
    """It reads every row without writing it."""
    has_default: bool
    """A foreign key of it is checked against the rows that are there."""

    @property
    def alters_rows(self) -> bool:
        """Whether rows of before have more than NULL in it."""
        return self.rewrites or self.has_default or self.column.generated is not None


def added_column(schema: Schema, table: Table, definition: Any, *, behind: int = 0) -> Added:
    """Read a ColumnDef of the parse tree for this table, or behind so many new ones of it."""
    wanted = read_type(definition.typeName)
    constraints = {c.contype.name: c for c in definition.constraints or ()}
    serial = is_serial(definition.typeName)
    resolved = resolve(wanted, schema.domains)
    default = _default(constraints, resolved.default)
    generated = _generated(constraints.get("CONSTR_GENERATED"))
    identity = constraints.get("CONSTR_IDENTITY")
    not_null = serial or identity is not None or not constraints.keys().isdisjoint(_NOT_NULL)
    volatile = default is not None and is_volatile(default, schema.volatile_functions, schema.search_path)
    rewrites = serial or identity is not None or volatile or generated == "stored" or resolved.constrained
    column = Column(
        name=definition.colname,
        number=table.last_number + behind + 1,
        **typed(schema, wanted, resolved.base),
        domain_constrained=resolved.constrained,
        collation=_collation(definition),
        not_null=not_null,
        default=default_of(default, volatile=serial or volatile) if serial or default is not None else None,
        identity=_identity(table, definition.colname, identity),
        owned_sequences=(_sequence(table, definition.colname),) if serial else (),
        generated=generated,
    )
    unfounded = not_null and not rewrites and default is None
    return Added(column=column, rewrites=rewrites, scans=unfounded, has_default=default is not None or serial)


def typed(schema: Schema, wanted: TypeName, base: TypeName) -> dict[str, Any]:
    """The fields of a Column that say its type; one without a schema is taken to lie where new ones do."""
    domain = find_domain(wanted, schema.domains)
    placed = wanted.name if wanted.name.schema else QualifiedName(schema.creation_schema, wanted.name.name)
    name = base.name.name
    category = "A" if base.array else "N" if name in _NUMBERS else "D" if name in _DATES else "S"
    return {
        "type": wanted.spelled,
        "type_name": domain.name if domain is not None else placed,
        "type_category": category if base.name.schema == SYSTEM else "U",
        "base_type": base.name,
        "element_type": base.name if base.array else None,
    }


def _default(constraints: dict[str, Any], of_domain: str | None) -> Any:
    """The tree of the default that rows get; None for none, and for NULL."""
    own = constraints.get("CONSTR_DEFAULT")
    if own is not None:
        is_null = kind(own.raw_expr) == "A_Const" and own.raw_expr.isnull
        return None if is_null else own.raw_expr
    try:
        return expression(of_domain) if of_domain is not None else None
    except NotOneStatement:
        return None


def _generated(clause: Any) -> Literal["stored", "virtual"] | None:
    if clause is None:
        return None
    return "virtual" if clause.generated_kind == "v" else "stored"


def default_of(node: Any, *, volatile: bool) -> Default:
    """A default in the model, which keeps the text of a constant alone."""
    text = text_constant(node)
    return Default(expression="" if text is None else literal(text), volatile=volatile)


def _identity(table: Table, column: str, clause: Any) -> Identity | None:
    if clause is None:
        return None
    return Identity(always=clause.generated_when == "a", sequence=_sequence(table, column))


def _sequence(table: Table, column: str) -> QualifiedName:
    return QualifiedName(table.name.schema, object_name(table.name.name, column, "seq"))


def _collation(definition: Any) -> QualifiedName | None:
    if definition.collClause is None:
        return None
    *above, name = (part.sval for part in definition.collClause.collname)
    return QualifiedName(above[-1] if above else SYSTEM, name)
