"""The names that PostgreSQL gives columns of queries and indexes that are expressions (`FigureColname`). Pure."""

from __future__ import annotations

from typing import Any

from crossfade.postgres.forecast.trees import kind, names

_FIXED = {
    "A_ArrayExpr": "array",
    "CoalesceExpr": "coalesce",
    "GroupingFunc": "grouping",
    "JsonArrayAgg": "json_arrayagg",
    "JsonArrayConstructor": "json_array",
    "JsonArrayQueryConstructor": "json_array",
    "JsonObjectAgg": "json_objectagg",
    "JsonObjectConstructor": "json_object",
    "JsonParseExpr": "json",
    "JsonScalarExpr": "json_scalar",
    "JsonSerializeExpr": "json_serialize",
    "RowExpr": "row",
    "XmlSerialize": "xmlserialize",
}


def column_name(value: Any) -> str:
    """The name of an expression that stands in a query's list without one."""
    return _certain(value) or _weak(value) or "?column?"


def index_column_name(value: Any) -> str:
    """The name of an index's column that is an expression."""
    return _certain(value) or _weak(value) or "expr"


def _certain(value: Any) -> str | None:
    """What it is called wherever it stands."""
    match kind(value):
        case "ColumnRef":
            return names(value.fields)[-1]
        case "FuncCall":
            return names(value.funcname)[-1]
        case "A_Indirection":
            return next(iter(names(value.indirection)[-1:]), None) or _certain(value.arg)
        case "TypeCast" | "CollateClause":
            return _certain(value.arg)
        case "CaseExpr":
            return _certain(value.defresult)
        case "SubLink":
            return _of_subquery(value)
        case "A_Expr":
            return "nullif" if value.kind.name == "AEXPR_NULLIF" else None
        case "JsonFuncExpr":
            return _operator(value).removesuffix("_op")
        case "SQLValueFunction":
            return _operator(value).removeprefix("svfop_").removesuffix("_n")
        case "MinMaxExpr" | "XmlExpr":
            return _operator(value).removeprefix("is_")
        case other:
            return _FIXED.get(other)


def _weak(value: Any) -> str | None:
    """What it is called where nothing inside of it has a name."""
    match kind(value):
        case "TypeCast":
            return names(value.typeName.names)[-1]
        case "CaseExpr":
            return "case"
        case "CollateClause":
            return _weak(value.arg)
        case _:
            return None


def _operator(value: Any) -> str:
    return str(value.op.name).lower()


def _of_subquery(value: Any) -> str | None:
    match value.subLinkType.name:
        case "EXISTS_SUBLINK":
            return "exists"
        case "ARRAY_SUBLINK":
            return "array"
        case "EXPR_SUBLINK":
            query = value.subselect
            while query.larg is not None:
                query = query.larg
            if query.valuesLists:
                return "column1"
            first = query.targetList[0]
            return first.name or column_name(first.val)
        case _:
            return None
