"""Types as SQL spells them, read into one form: `int8` and `bigint`, `decimal(12,2)` and `numeric(12,2)` are the same.

Domains are followed down to what they are over. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import Domain, QualifiedName
from crossfade.postgres.forecast.modifiers import interval_fields
from crossfade.postgres.forecast.trees import constant, names, one_statement

if TYPE_CHECKING:
    from collections.abc import Iterable

SYSTEM = "pg_catalog"
_BUILT_IN_TEXT = """
    aclitem bit bool box bpchar bytea char cid cidr circle date datemultirange daterange float4 float8 gtsvector inet
    int2 int4 int4multirange int4range int8 int8multirange int8range interval json jsonb jsonpath line lseg macaddr
    macaddr8 money name numeric nummultirange numrange oid path pg_lsn pg_snapshot point polygon refcursor regclass
    regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole regtype text tid
    time timestamp timestamptz timetz tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot uuid
    varbit varchar xid xid8 xml
"""
_BUILT_IN = frozenset(_BUILT_IN_TEXT.split())
#: How `format_type` spells what has another name in the catalog; modifiers follow, or stand at the `{}`.
_SPELLED = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "varchar": "character varying",
    "bpchar": "character",
    "varbit": "bit varying",
    "time": "time{} without time zone",
    "timetz": "time{} with time zone",
    "timestamp": "timestamp{} without time zone",
    "timestamptz": "timestamp{} with time zone",
    "char": '"char"',
}
_SERIALS = {
    "smallserial": "int2",
    "serial2": "int2",
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeName:
    """A type with its modifiers."""

    name: QualifiedName
    """In `pg_catalog` for PostgreSQL's own; with an empty schema where the text has none for a user's type."""
    modifiers: tuple[int, ...] = ()
    """As written: `(12, 2)`; of `numeric(12)` both, and of an interval its fields come first."""
    array: bool = False

    @property
    def built_in(self) -> str | None:
        """PostgreSQL's own name, such as `int4`; None for a user's type."""
        return self.name.name if self.name.schema == SYSTEM else None

    def same_type(self, other: TypeName) -> bool:
        """The same type, whatever the modifiers; a name without a schema is taken for the other one's."""
        schemas = {self.name.schema, other.name.schema} - {""}
        return self.name.name == other.name.name and self.array == other.array and len(schemas) <= 1

    @property
    def spelled(self) -> str:
        """As the catalog has it: `character varying(20)`, `public.status[]`."""
        fields, numbers = "", self.modifiers
        if self.built_in == "interval" and numbers:
            fields, numbers = interval_fields(numbers[0]), numbers[1:]
        given = fields + (f"({','.join(str(m) for m in numbers)})" if numbers else "")
        base = _SPELLED.get(self.built_in, self.built_in) if self.built_in else str(self.name).removeprefix('"".')
        if self.built_in == "bpchar" and not numbers:
            base = "bpchar"
        text = base.format(given) if "{}" in base else base + given
        return text + "[]" if self.array else text


def read_type(node: Any) -> TypeName:
    """A TypeName of the parse tree."""
    parts = names(node.names)
    own = parts[-1] if len(parts) == 1 or parts[-2] == SYSTEM else None
    schema = SYSTEM if own in _BUILT_IN or own in _SERIALS else (parts[-2] if len(parts) > 1 else "")
    name = _SERIALS.get(parts[-1], parts[-1]) if schema == SYSTEM else parts[-1]
    modifiers = tuple(int(str(m)) for m in (constant(n) for n in node.typmods or ()) if m is not None)
    if name == "numeric" and len(modifiers) == 1:
        modifiers = (*modifiers, 0)
    return TypeName(name=QualifiedName(schema, name), modifiers=modifiers, array=bool(node.arrayBounds))


def is_serial(node: Any) -> bool:
    """A TypeName of the parse tree that stands for a sequence of the column's own: `bigserial`."""
    return len(parts := names(node.names)) == 1 and parts[0] in _SERIALS


def parse_type(text: str) -> TypeName:
    """A type as text, `varchar(50)` or `character varying(50)`. Raises NotOneStatement."""
    return read_type(one_statement(f"SELECT NULL::{text}").targetList[0].val.typeName)


def find_domain(wanted: TypeName, domains: Iterable[Domain]) -> Domain | None:
    """The domain of that name; of two in different schemas, where the text has none, one that checks something."""
    if wanted.array or wanted.built_in:
        return None
    same = [d for d in domains if d.name.name == wanted.name.name and wanted.name.schema in ("", d.name.schema)]
    return max(same, key=lambda d: d.not_null or bool(d.constraints), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A type without the domains around it."""

    base: TypeName
    constrained: bool
    """One of the domains checks something."""
    default: str | None = None
    """The outermost domain's that has one."""


def resolve(wanted: TypeName, domains: Iterable[Domain]) -> Resolved:
    """Follow domains down to the type they are over."""
    known = tuple(domains)
    found = Resolved(base=wanted, constrained=False)
    while (domain := find_domain(found.base, known)) is not None:
        found = replace(
            found,
            base=parse_type(domain.type),
            constrained=found.constrained or domain.not_null or bool(domain.constraints),
            default=found.default if found.default is not None else domain.default,
        )
    return found
