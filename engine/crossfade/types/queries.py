"""The columns of a query with their types, as far as its text and what is known of the schema tell them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, TypeAlias

from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.forecast.column_names import column_name
from crossfade.postgres.forecast.trees import below, kind, names
from crossfade.postgres.forecast.type_names import SYSTEM, TypeName
from crossfade.postgres.type_facts import TypeField
from crossfade.types.known import Known, NotFollowed
from crossfade.types.named_types import field_of, fields_of

Fields: TypeAlias = tuple[TypeField, ...]


def _built_in(name: str) -> TypeField:
    type_name = QualifiedName(SYSTEM, name)
    return TypeField(name="", type=TypeName(name=type_name).spelled, type_name=type_name)


UNKNOWN = _built_in("unknown")
"""A type that the text does not tell."""
_BOOLEAN, _TEXT, _TIME = map(_built_in, ("bool", "text", "timestamptz"))
_NUMBERS = ("int2", "int4", "int8", "numeric", "float4", "float8")
"""Of two of them the later one holds both."""
_FUNCTIONS = {
    **dict.fromkeys(("count", "dense_rank", "rank", "row_number"), _built_in("int8")),
    "now": _TIME,
}
_CONSTANTS = {"Boolean": _BOOLEAN, "Float": _built_in("numeric"), "Integer": _built_in("int4"), "String": _TEXT}
_NOW = {"SVFOP_CURRENT_DATE": _built_in("date"), "SVFOP_CURRENT_TIMESTAMP": _TIME}
_CONDITIONS = frozenset({"BoolExpr", "BooleanTest", "NullTest"})


def outputs(query: Any, known: Known, aliases: Sequence[str] = ()) -> Fields:
    """The columns of a query; `aliases` are the names of the first ones. Raises NotFollowed where not even their
    names can be told.
    """
    return _renamed(_Scope(known=known).outputs(query), aliases)


@dataclass(frozen=True, slots=True)
class _Columns:
    fields: Fields
    are_all: bool = True
    """There are no more than these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One entry of a FROM clause."""

    tables: Mapping[str, _Columns]
    """What can be named in it."""
    star: _Columns
    """What `*` gives of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    known: Known
    ctes: Mapping[str, Fields] = field(default_factory=dict)

    def outputs(self, query: Any) -> Fields:
        if kind(query) != "SelectStmt":
            raise NotFollowed("what a statement other than a SELECT gives is not foreseen")
        here = self._with_ctes(query.withClause)
        if query.larg is not None:
            return tuple(map(_common, here.outputs(query.larg), here.outputs(query.rarg)))
        if query.valuesLists:
            rows = ([here.typed(value, ()) for value in row] for row in query.valuesLists)
            columns = reduce(lambda one, other: list(map(_common, one, other)), rows)
            return tuple(replace(column, name=f"column{place}") for place, column in enumerate(columns, 1))
        sources = tuple(here.source(entry) for entry in query.fromClause or ())
        return tuple(found for target in query.targetList or () for found in here.targets(target, sources))

    def _with_ctes(self, clause: Any) -> _Scope:
        here = self
        for cte in clause.ctes if clause is not None else ():
            query = cte.ctequery
            if any(kind(n) == "RangeVar" and n.relname == cte.ctename for n in below(query)) and clause.recursive:
                # The types are those of the part that does not need itself.
                query = query.larg
            made = _renamed(here.outputs(query), names(cte.aliascolnames))
            here = replace(here, ctes={**here.ctes, cte.ctename: made})
        return here

    def source(self, entry: Any) -> _Source:
        match kind(entry):
            case "RangeVar":
                return _named(self._relation(entry), entry.alias, entry.relname)
            case "RangeSubselect":
                return _named(_Columns(self.outputs(entry.subquery)), entry.alias)
            case "RangeTableSample":
                return self.source(entry.relation)
            case "JoinExpr":
                return self._join(entry)
            case _:
                return _named(_Columns((), are_all=False), getattr(entry, "alias", None))

    def _relation(self, entry: Any) -> _Columns:
        if entry.schemaname is None and entry.relname in self.ctes:
            return _Columns(self.ctes[entry.relname])
        table = self.known.schema.find(entry.schemaname, entry.relname)
        fields = fields_of(table) if table is not None else ()
        return _Columns(fields, are_all=bool(fields))

    def _join(self, entry: Any) -> _Source:
        left, right = self.source(entry.larg), self.source(entry.rarg)
        others = {f.name: f for f in right.star.fields}
        shared = names(entry.usingClause)
        if entry.isNatural:
            shared = tuple(f.name for f in left.star.fields if f.name in others)
        mine = {f.name: f for f in left.star.fields}
        merged = (_common(mine[name], others[name]) for name in shared if name in mine and name in others)
        rest = (f for f in (*left.star.fields, *right.star.fields) if f.name not in shared)
        star = _Columns((*merged, *rest), are_all=left.star.are_all and right.star.are_all)
        if entry.alias is not None:
            return _named(star, entry.alias)
        return _Source(tables={**left.tables, **right.tables}, star=star)

    def targets(self, target: Any, sources: Sequence[_Source]) -> Iterator[TypeField]:
        """The columns that an entry of a query's list gives."""
        value = target.val
        last = value.fields if kind(value) == "ColumnRef" else getattr(value, "indirection", None)
        if last and kind(last[-1]) == "A_Star":
            yield from self._all(value, sources)
        else:
            yield replace(self.typed(value, sources), name=target.name or column_name(value))

    def _all(self, value: Any, sources: Sequence[_Source]) -> Iterator[TypeField]:
        if kind(value) != "ColumnRef":
            raise NotFollowed("which columns a row of a composite type has in a query is not foreseen")
        qualifier = names(value.fields)[-1:]
        found = [source.star for source in sources]
        if qualifier:
            found = [source.tables[qualifier[0]] for source in sources if qualifier[0] in source.tables]
        if not found or not all(columns.are_all for columns in found):
            raise NotFollowed("which columns * stands for is not foreseen")
        for columns in found:
            yield from columns.fields

    def typed(self, value: Any, sources: Sequence[_Source]) -> TypeField:
        """An expression's type; UNKNOWN where the text does not tell it."""
        match kind(value):
            case "ColumnRef":
                return _column(names(value.fields), sources)
            case "A_Const" if not value.isnull:
                return _constant(value.val)
            case "SQLValueFunction":
                return _NOW.get(value.op.name, UNKNOWN)
            case "TypeCast":
                return field_of(self.known, "", value.typeName)
            case "CollateClause":
                return self.typed(value.arg, sources)
            case "CoalesceExpr":
                return reduce(_common, (self.typed(argument, sources) for argument in value.args))
            case "FuncCall" if len(value.funcname) == 1 or names(value.funcname)[0] == SYSTEM:
                return _FUNCTIONS.get(names(value.funcname)[-1], UNKNOWN)
            case "SubLink":
                return self._subquery(value)
            case condition if condition in _CONDITIONS:
                return _BOOLEAN
            case _:
                return UNKNOWN

    def _subquery(self, value: Any) -> TypeField:
        match value.subLinkType.name:
            case "EXPR_SUBLINK":
                return self.outputs(value.subselect)[0]
            case "ARRAY_SUBLINK":
                return UNKNOWN
            case _:
                return _BOOLEAN


def _constant(value: Any) -> TypeField:
    if kind(value) == "Float" and value.fval.isdecimal() and int(value.fval) < 1 << 63:
        return _built_in("int8")
    return _CONSTANTS.get(kind(value), UNKNOWN)


def _named(columns: _Columns, alias: Any, name: str | None = None) -> _Source:
    if alias is None:
        return _Source(tables={name: columns} if name is not None else {}, star=columns)
    columns = replace(columns, fields=_renamed(columns.fields, names(alias.colnames)))
    return _Source(tables={alias.aliasname: columns}, star=columns)


def _renamed(fields: Fields, aliases: Sequence[str]) -> Fields:
    return tuple(replace(f, name=aliases[place]) if place < len(aliases) else f for place, f in enumerate(fields))


def _column(parts: Sequence[str], sources: Sequence[_Source]) -> TypeField:
    if len(parts) > 1:
        tables = [source.tables[parts[-2]] for source in sources if parts[-2] in source.tables]
    else:
        tables = [source.star for source in sources]
    found = [f for table in tables for f in table.fields if f.name == parts[-1]]
    return found[0] if len(found) == 1 else UNKNOWN


def _common(one: TypeField, other: TypeField) -> TypeField:
    """What a UNION of both has, under the name of the first."""
    if one.type_name == other.type_name:
        return one
    both = (one.type_name, other.type_name)
    if all(name.schema == SYSTEM and name.name in _NUMBERS for name in both):
        wider = max(one, other, key=lambda f: _NUMBERS.index(f.type_name.name))
        return replace(wider, name=one.name)
    return replace(UNKNOWN, name=one.name)
