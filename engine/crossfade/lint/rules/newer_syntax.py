"""A statement that the server's version does not know yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind, option

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _is_command(name: str) -> Callable[[Any], bool]:
    return lambda node: node.subtype.name == f"AT_{name}"


def _is_constraint(*kinds: str) -> Callable[[Any], bool]:
    return lambda node: node.contype.name.removeprefix("CONSTR_") in kinds


def _adds_not_null(node: Any) -> bool:
    return _is_command("AddConstraint")(node) and node.def_.contype.name == "CONSTR_NOTNULL"


def _alters_enforced(node: Any) -> bool:
    return _is_command("AlterConstraint")(node) and bool(getattr(node.def_, "alterEnforceability", False))


def _is_not_enforced(node: Any) -> bool:
    return _is_constraint("CHECK", "FOREIGN")(node) and not node.is_enforced


def _is_by_source(node: Any) -> bool:
    return bool(node.matchKind.name == "MERGE_WHEN_NOT_MATCHED_BY_SOURCE")


def _always(_: Any) -> bool:
    return True


_Since = tuple[int, str, Callable[[Any], bool]]
_FIRST: Mapping[str, Sequence[_Since]] = {
    "AlterTableCmd": (
        (18, "ADD CONSTRAINT … NOT NULL", _adds_not_null),
        (18, "a constraint that is NOT ENFORCED", _alters_enforced),
        (17, "SET EXPRESSION", _is_command("SetExpression")),
        (15, "SET ACCESS METHOD", _is_command("SetAccessMethod")),
    ),
    "Constraint": (
        (18, "a VIRTUAL generated column", lambda n: _is_constraint("GENERATED")(n) and n.generated_kind == "v"),
        (18, "a constraint that is NOT ENFORCED", _is_not_enforced),
        (18, "WITHOUT OVERLAPS", lambda n: _is_constraint("PRIMARY", "UNIQUE")(n) and bool(n.without_overlaps)),
        (18, "a foreign key with PERIOD", lambda n: _is_constraint("FOREIGN")(n) and bool(n.fk_with_period)),
        (15, "NULLS NOT DISTINCT", lambda n: bool(n.nulls_not_distinct)),
        (15, "ON DELETE SET … with columns", lambda n: _is_constraint("FOREIGN")(n) and bool(n.fk_del_set_cols)),
    ),
    "ReturningClause": ((18, "RETURNING WITH (OLD AS …, NEW AS …)", lambda n: bool(n.options)),),
    "MergeWhenClause": ((17, "WHEN NOT MATCHED BY SOURCE", _is_by_source),),
    "MergeStmt": (
        (17, "MERGE … RETURNING", lambda n: n.returningClause is not None),
        (15, "MERGE", _always),
    ),
    "JsonTable": ((17, "JSON_TABLE", _always),),
    "JsonFuncExpr": ((17, "JSON_EXISTS, JSON_QUERY or JSON_VALUE", _always),),
    "JsonIsPredicate": ((16, "IS JSON", _always),),
    "ColumnDef": ((16, "STORAGE in CREATE TABLE", lambda n: n.storage_name is not None),),
    "IndexStmt": ((15, "NULLS NOT DISTINCT", lambda n: bool(n.nulls_not_distinct)),),
    "ViewStmt": ((15, "a view with security_invoker", lambda n: option(n.options, "security_invoker") is not None),),
}
"""By the kind of node: the major version that knows it first, its name, and how it is told; the newest first."""


def _statement(seen: SeenStatement) -> Iterator[Said]:
    major = seen.before.server_version // 10_000
    for node in seen.nodes:
        for first, what, is_it in _FIRST.get(kind(node), ()):
            if first > major and is_it(node):
                yield Said(
                    message=f"fails on PostgreSQL {major}: {what} is known from {first} on.",
                    instead="`--pg-version`, or `pg_version` in the settings, where the server is a newer one.",
                    at=seen.statement.at(getattr(node, "location", None)),
                )
                return


RULE = Rule(
    id="newer-syntax",
    severity=Severity.ERROR,
    summary="the server's version does not know the statement yet",
    explanation="""
Files are read with the grammar of PostgreSQL 18. What came after the version that the migrations are for cannot work
there at all: NOT ENFORCED, VIRTUAL generated columns, ADD CONSTRAINT … NOT NULL, WITHOUT OVERLAPS and RETURNING WITH
(18); SET EXPRESSION, MERGE … RETURNING, NOT MATCHED BY SOURCE and JSON_TABLE with its likes (17); IS JSON and STORAGE
in CREATE TABLE (16); MERGE, NULLS NOT DISTINCT, SET ACCESS METHOD, ON DELETE SET NULL (…) and security_invoker (15).

The version is that of `--pg-version`, of `pg_version` in the settings, or of the database; without any of them 14, the
oldest that there is.
""",
    statement=_statement,
)
