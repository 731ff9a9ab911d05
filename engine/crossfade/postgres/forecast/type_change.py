"""What ALTER COLUMN … TYPE has to do: write the table anew, build indexes anew, only read it, or change the catalog.

A column keeps its rows where the conversion is a mere relabelling: the same type with modifiers that no value can
break, a pair of types that are stored alike, a domain that checks nothing. Everything else rewrites, and so does what
is not known here: a type of an extension, any expression in USING but a cast of the column. Measured on 15 and 18; no
version from 14 on differs. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.modifiers import no_value_breaks
from crossfade.postgres.forecast.trees import NotOneStatement, kind, names, one_statement
from crossfade.postgres.forecast.type_names import TypeName, find_domain, parse_type, read_type, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.postgres.catalog import Column, Domain, Index, Table

_OID_TYPE_TEXT = """
    oid regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole
    regtype
"""
_OID_TYPES = frozenset(_OID_TYPE_TEXT.split())
#: `pg_cast` with the method "binary", the same in 14 to 18; the oid types are among each other all alike.
_STORED_ALIKE = {
    "int4": _OID_TYPES,
    **dict.fromkeys(_OID_TYPES, _OID_TYPES | {"int4"}),
    "text": frozenset({"varchar", "bpchar"}),
    "varchar": frozenset({"text", "bpchar"}),
    "xml": frozenset({"text", "varchar", "bpchar"}),
    "bit": frozenset({"varbit"}),
    "varbit": frozenset({"bit"}),
    "cidr": frozenset({"inet"}),
}
#: The same of the extension citext, whose type no other one has the name of.
_CITEXT = "citext"
_AS_CITEXT = frozenset({"text", "varchar"})
#: Types that are indexed by another one's operators.
_INDEXED_AS = {"varchar": "text", "cidr": "inet", **dict.fromkeys(_OID_TYPES, "oid")}
#: A fixed offset of nothing: PostgreSQL then takes timestamp and timestamptz for the same bits.
_UTC_TEXT = """
    utc gmt uct zulu universal greenwich gmt0 gmt+0 gmt-0 etc/utc etc/gmt etc/uct etc/zulu etc/universal etc/greenwich
    etc/gmt0 etc/gmt+0 etc/gmt-0 0 +0 -0 00:00 +00:00 -00:00 <+00>+00 <+00>-00
"""
_UTC = frozenset(_UTC_TEXT.split())
_TIMESTAMPS = frozenset({"timestamp", "timestamptz"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeChange:
    """What PostgreSQL does to the table; `scans` is whether it reads every row, for whatever reason."""

    rewrites: bool
    rebuilds_indexes: bool
    scans: bool
    reason: str
    """For people: why, in a few words."""


def judge(
    column: Column,
    to: str,
    using: str | None,
    *,
    table: Table,
    server_version: int,
    time_zone: str,
    domains: Iterable[Domain] = (),
) -> TypeChange:
    """What `ALTER COLUMN … TYPE to USING using` does to this table in a session of this TimeZone.

    `to` may have a COLLATE behind the type. Raises NotOneStatement where the two are not readable as SQL.
    """
    del server_version  # 14 to 18 decide alike
    clause = f" USING {using}" if using is not None else ""
    statement = one_statement(f"ALTER TABLE t ALTER COLUMN c TYPE {to}{clause}")
    if len(statement.cmds) != 1:
        raise NotOneStatement(f"{to} is more than one type")
    command = statement.cmds[0]
    return judge_parsed(column, command.def_, table=table, time_zone=time_zone, domains=tuple(domains))


def judge_parsed(
    column: Column,
    definition: Any,
    *,
    table: Table,
    time_zone: str,
    domains: tuple[Domain, ...],
) -> TypeChange:
    """The same from the ColumnDef of a parse tree."""
    if column.generated == "virtual":
        return _in_place(column, table, set(), "a virtual column has no stored values")
    new = read_type(definition.typeName)
    hops = _hops(definition.raw_default, column.name)
    if hops is None:
        return _rewritten(table, "its USING computes every value")
    here = parse_type(column.type)
    session = _Session(time_zone=time_zone, domains=domains)
    for hop in (*hops, new):
        why = session.why_rewritten(here, hop)
        if why is not None:
            return _rewritten(table, why)
        here = hop
    before, after = resolve(parse_type(column.type), domains).base, resolve(new, domains).base
    rebuilt = {index.name for index in table.indexes_using(column.name) if _is_complicated(index)}
    if not _same_operators(parse_type(column.type), before, new, after) or _collation_changes(column, definition):
        rebuilt |= {i.name for i in table.indexes if column.name in i.columns[: i.key_count]}
    return _in_place(column, table, rebuilt, f"{column.type} is stored as {new.spelled} is")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    time_zone: str
    domains: tuple[Domain, ...]

    def why_rewritten(self, old: TypeName, new: TypeName) -> str | None:
        """Why values of the one type are not those of the other as they stand; None where they are."""
        if old.same_type(new) and find_domain(new, self.domains) is not None:
            return None
        target = resolve(new, self.domains)
        if target.constrained:
            return f"the domain {new.spelled} checks every value"
        source = resolve(old, self.domains).base
        if find_domain(old, self.domains) is not None:
            # A domain's modifiers are not looked at when it is cast.
            source = replace(source, modifiers=())
        return self._why_base_rewritten(source, target.base)

    def _why_base_rewritten(self, old: TypeName, new: TypeName) -> str | None:
        same = old.same_type(new)
        converted = not same and (self._is_relabelling(old, new) or self._is_utc_timestamp(old, new))
        if not same and not converted:
            return f"{old.spelled} is not stored as {new.spelled} is"
        before = () if converted else old.modifiers
        if new.modifiers in ((), before):
            return None
        if not new.array and new.built_in and no_value_breaks(new.built_in, before, new.modifiers):
            return None
        return f"every value has to be made fit for {new.spelled}"

    def _is_relabelling(self, old: TypeName, new: TypeName) -> bool:
        if old.array or new.array:
            return False
        if old.built_in is None and old.name.name == _CITEXT:
            return new.built_in in {*_AS_CITEXT, "bpchar"}
        if new.built_in is None and new.name.name == _CITEXT:
            return old.built_in in _AS_CITEXT
        return new.built_in in _STORED_ALIKE.get(old.built_in or "", ())

    def _is_utc_timestamp(self, old: TypeName, new: TypeName) -> bool:
        both = {old.built_in, new.built_in} == _TIMESTAMPS and not old.array and not new.array
        return both and self.time_zone.lower() in _UTC


def _hops(using: Any, column: str) -> tuple[TypeName, ...] | None:
    """The types that USING casts the column through; None where it is more than casts."""
    match kind(using):
        case "NoneType":
            return ()
        case "ColumnRef" if names(using.fields)[-1:] == (column,) and kind(using.fields[-1]) == "String":
            return ()
        case "CollateClause":
            return _hops(using.arg, column)
        case "TypeCast":
            inner = _hops(using.arg, column)
            return None if inner is None else (*inner, read_type(using.typeName))
        case _:
            return None


def _is_complicated(index: Index) -> bool:
    """One that PostgreSQL never takes over as it is."""
    return index.has_expressions or index.partial or not index.valid


def _same_operators(old: TypeName, old_base: TypeName, new: TypeName, new_base: TypeName) -> bool:
    if old_base.array or not old_base.built_in:
        # Operators of arrays, enums and ranges are for any such type: they stay only where the type is the very same.
        return old.same_type(new)
    before, after = old_base.built_in, new_base.built_in or ""
    return old_base.same_type(new_base) or _INDEXED_AS.get(before, before) == _INDEXED_AS.get(after, after)


def _collation_changes(column: Column, definition: Any) -> bool:
    if definition.collClause is None:
        return column.collation is not None
    wanted = names(definition.collClause.collname)
    if column.collation is None:
        return wanted[-1] != "default"
    return (column.collation.schema, column.collation.name)[-len(wanted) :] != wanted


def _rewritten(table: Table, reason: str) -> TypeChange:
    return TypeChange(rewrites=True, rebuilds_indexes=bool(table.indexes), scans=True, reason=reason)


def _in_place(column: Column, table: Table, rebuilt: set[Any], reason: str) -> TypeChange:
    checked = [
        c.name
        for c in table.constraints
        if c.kind == "check" and column.name in c.columns and c.validated and c.enforced
    ]
    if checked:
        reason += f"; the constraint {checked[0]} is checked again"
    if rebuilt:
        reason += f"; the index {min(rebuilt)} is built anew"
    return TypeChange(rewrites=False, rebuilds_indexes=bool(rebuilt), scans=bool(rebuilt or checked), reason=reason)
