"""SQL expressions over a row's columns, as a plan writes them: `lower(email)`, `paid_at < now() - interval '1 year'`.

An expression is parsed when the plan is read, and what is sent to a server is printed anew from its parse tree: the
text itself, with its comments, is never pasted. One that says something else once it is printed is refused. What only
a database knows, whether a function exists and what it gives, is for preflight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic_core import CoreSchema, core_schema

from crossfade.plan.faults import fault
from crossfade.plan.nodes import depth
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import PydanticCustomError

LONGEST = 10_000
"""Characters."""
DEEPEST = 300
"""Operators inside of each other: what prints them calls itself three times for each, of Python's thousand calls."""
_SELECT = "SELECT "

_ONE_ROW = "an expression is over the columns of one row"
_BEYOND_A_ROW = {
    "SubLink": ("a subquery", "copy what it looks up into the table first, or write a STABLE function for it"),
    "SelectStmt": ("a subquery", "copy what it looks up into the table first, or write a STABLE function for it"),
    "ParamRef": ("a parameter", "write the value itself"),
    "SetToDefault": ("DEFAULT", "write the default's own expression"),
    "A_Star": ("`*`", "name the columns"),
    "GroupingFunc": ("an aggregate", _ONE_ROW),
    "JsonArrayAgg": ("an aggregate", _ONE_ROW),
    "JsonObjectAgg": ("an aggregate", _ONE_ROW),
}
"""Kinds of nodes that no expression has, and what to do instead."""

#: The usual ones of PostgreSQL's own; preflight asks the database about all others.
_AGGREGATE_TEXT = """
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every json_agg
    json_object_agg jsonb_agg jsonb_object_agg max min range_agg stddev stddev_pop stddev_samp string_agg sum var_pop
    var_samp variance xmlagg
"""
_AGGREGATES = frozenset(_AGGREGATE_TEXT.split())
_SET_TEXT = """
    generate_series generate_subscripts json_array_elements json_array_elements_text json_each json_each_text
    json_object_keys jsonb_array_elements jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_object_keys
    jsonb_path_query regexp_matches regexp_split_to_table string_to_table unnest
"""
_SETS = frozenset(_SET_TEXT.split())


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression; two that are written alike are equal."""

    text: str
    """As the plan has it."""
    sql: str = field(compare=False)
    """As it is sent: printed from the parse tree."""
    columns: tuple[str, ...] = field(compare=False)
    """The columns that it names, as stored, each once."""
    functions: tuple[tuple[str | None, str], ...] = field(compare=False)
    """The schema, where one is written, and name of each function that it calls."""

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Read one expression; raises a plan's fault where it is none, or looks beyond the row."""
        return _parsed(text.strip())

    @classmethod
    def of_column(cls, name: str) -> Expression:
        """The value of a column."""
        return cls.parse('"' + name.replace('"', '""') + '"')

    @property
    def is_constant(self) -> bool:
        """Whether it is one literal that is not NULL, perhaps with a cast: the same value for every row."""
        literal = self._literal
        return literal is not None and not literal.isnull

    @property
    def is_null(self) -> bool:
        """Whether it is NULL and nothing else, perhaps with a cast."""
        literal = self._literal
        return literal is not None and bool(literal.isnull)

    @property
    def _literal(self) -> Any:
        node = _tree(self.sql)
        while type(node).__name__ == "TypeCast":
            node = node.arg
        return node if type(node).__name__ == "A_Const" else None

    def tree(self) -> Any:
        """Its parse tree, the reader's own: pglast's node."""
        return _tree(self.sql)

    def over(self, names: Mapping[str, str]) -> Expression:
        """The same over columns of other names."""
        from pglast.ast import String

        tree = _tree(self.sql)
        for node in _nodes(tree):
            if type(node).__name__ == "ColumnRef":
                name = node.fields[0].sval
                node.fields = (String(sval=names.get(name, name)),)
        from pglast.stream import RawStream

        return Expression.parse(RawStream()(tree))

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text in the file, this value in the model, a text again in JSON."""
        return core_schema.chain_schema(
            [core_schema.str_schema(strict=True), core_schema.no_info_plain_validator_function(cls.parse)],
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A string."""
        return {"type": "string", "minLength": 1, "maxLength": LONGEST}


def _too_deep() -> PydanticCustomError:
    return fault("an expression that is nested too deeply", "put what it does into a function")


@lru_cache(maxsize=256)
def _parsed(text: str) -> Expression:
    if not text:
        raise fault("an empty expression", "write an SQL expression over the row's columns, such as `lower(email)`")
    if len(text) > LONGEST:
        raise fault(f"an expression of more than {LONGEST} characters", "put what it does into a function")
    try:
        tree = _tree(text)
        if depth(tree) > DEEPEST:
            raise _too_deep()
        nodes = tuple(_nodes(tree))
        for node in nodes:
            _check(node)
        printed = _printed(text, tree)
    except RecursionError:
        raise _too_deep() from None
    columns = (node.fields[0].sval for node in nodes if type(node).__name__ == "ColumnRef")
    functions = (_function_name(node) for node in nodes if type(node).__name__ == "FuncCall")
    return Expression(
        text=text, sql=printed, columns=tuple(dict.fromkeys(columns)), functions=tuple(dict.fromkeys(functions))
    )


def _tree(text: str) -> Any:
    """The expression's node. Text that ends it and goes on with something else is no expression, nor is `a) || (b`."""
    value = _only_value(_statements(text, _SELECT + text))
    if value is None or _only_value(_statements(text, f"{_SELECT}(\n{text}\n)")) != value:
        raise _no_expression(text)
    return value


def _statements(text: str, statement: str) -> Any:
    from pglast.parser import ParseError, parse_sql

    try:
        return parse_sql(statement)
    except UnicodeError:
        raise _no_expression(text, ": a character that PostgreSQL cannot store") from None
    except ParseError as error:
        said = str(error.args[0]).rpartition(", at index")[0] or str(error.args[0])
        raise _no_expression(text, f": {said}") from None


def _only_value(statements: Any) -> Any:
    """What a SELECT of one value without a name and without any other clause gives; None for anything else."""
    if len(statements) != 1:
        return None
    select: Any = statements[0].stmt
    targets: Any = select.targetList or ()
    if len(targets) != 1 or targets[0].name or any(getattr(select, slot) for slot in select if slot != "targetList"):
        return None
    return targets[0].val


def _no_expression(text: str, why: str = "") -> PydanticCustomError:
    return fault(
        f"{shown(text)} is not one SQL expression{why}",
        "write one expression over the row's columns, such as `lower(email)` or `status = 'new'`",
    )


def _nodes(root: Any) -> Iterator[Any]:
    """A node and all below it, in the order of the text as far as the tree has it."""
    from pglast.ast import Node

    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting += reversed(node)
        elif isinstance(node, Node):
            yield node
            waiting += [getattr(node, slot) for slot in reversed([*node])]


def _check(node: Any) -> None:
    kind = type(node).__name__
    if kind in _BEYOND_A_ROW:
        what, instead = _BEYOND_A_ROW[kind]
        raise fault(f"{what} in an expression: {_ONE_ROW}", instead)
    if kind == "ColumnRef" and len(node.fields) > 1:
        if type(node.fields[-1]).__name__ == "A_Star":
            return  # said of the star itself
        names = [part.sval for part in node.fields]
        raise fault(
            f"{shown('.'.join(names))} names a column with its table",
            f"write {shown(names[-1])}: every column is the row's own; a field of a composite one is `(column).field`",
        )
    if kind == "FuncCall":
        _check_call(node)


def _check_call(call: Any) -> None:
    schema, name = _function_name(call)
    builtin = schema in (None, "pg_catalog")
    if call.over:
        raise fault(f"the window function {shown(name)} in an expression: {_ONE_ROW}", "leave OVER out")
    over_rows = call.agg_star or call.agg_distinct or call.agg_filter or call.agg_order or call.agg_within_group
    if over_rows or (builtin and name in _AGGREGATES):
        raise fault(f"the aggregate {shown(name)} in an expression: {_ONE_ROW}", "write what it gives for one row")
    if builtin and name in _SETS:
        raise fault(f"{shown(name)} gives a set of rows; {_ONE_ROW}", "write something that gives one value")


def _function_name(call: Any) -> tuple[str | None, str]:
    *schema, name = (part.sval for part in call.funcname)
    return (schema[-1] if schema else None), name


def _printed(text: str, tree: Any) -> str:
    """The expression from its tree; one that reads as another tree would be another expression."""
    from pglast.parser import ParseError, deparse_protobuf, parse_sql, parse_sql_protobuf

    try:
        statement = str(deparse_protobuf(parse_sql_protobuf(_SELECT + text)))
        unchanged = statement.startswith(_SELECT) and _only_value(parse_sql(statement)) == tree
    except ParseError:
        unchanged = False
    if not unchanged:
        raise fault(f"{shown(text)} cannot be printed from what it means", "write it another way, or as a function")
    return statement.removeprefix(_SELECT)
