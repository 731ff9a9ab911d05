"""A second name for a table: an updatable view over it, which everybody may use as they may use the table.

The view's own rights are what counts, column by column: they are those that the table has. Below it the owner's rights
are asked for, except where the table has row security: there the view is a security_invoker one (PostgreSQL 15), which
asks for the rights of whoever uses it, on every column that it shows (measured on 15 and 18), so that a role that may
read some of them only would see none. Rows that are written through the view get the table's defaults, and set off its
triggers and constraints.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.step import Caution
from crossfade.operations.sync.plan_defaults import readable
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Catalog, Privilege, QualifiedName, Table

_INVOKER = 150000
_MERGES = 170000
_WORDS = {
    "SELECT": sql.SQL("SELECT"),
    "INSERT": sql.SQL("INSERT"),
    "UPDATE": sql.SQL("UPDATE"),
    "DELETE": sql.SQL("DELETE"),
}
"""The rights that a view has a use for."""


def identifier(name: QualifiedName) -> sql.Identifier:
    """The name, for SQL."""
    return sql.Identifier(name.schema, name.name)


def create(
    view: QualifiedName, table: Table, over: QualifiedName, columns: sql.Composable, catalog: Catalog, comment: str
) -> tuple[Statement, ...]:
    """Make the view, over a table that has the name `over` at this moment; `columns` are its SELECT list."""
    invoker = sql.SQL("WITH (security_invoker = true) " if table.row_security else "")
    made = sql.SQL("CREATE VIEW {} {}AS SELECT {} FROM {}").format(identifier(view), invoker, columns, identifier(over))
    mark = sql.SQL("COMMENT ON VIEW {} IS {}").format(identifier(view), sql.Literal(comment))
    rights = (Statement(text=render(right)) for right in _rights(view, table, catalog))
    return (Statement(text=render(made)), Statement(text=render(mark)), *_defaults(view, table), *rights)


def _defaults(view: QualifiedName, table: Table) -> Iterator[Statement]:
    """Without its own a view takes `SET column = DEFAULT` for NULL.

    None for a column that the plan works on, which may have another default by then.
    """
    for column in table.columns:
        if column.default is not None and column.generated is None and column.work is None:
            text = sql.SQL("ALTER VIEW {} ALTER COLUMN {} SET DEFAULT {}").format(
                identifier(view), sql.Identifier(column.name), sql.SQL(column.default.expression)
            )
            yield from readable((Statement(text=render(text)),), column.default)


def drop(view: QualifiedName) -> Statement:
    """Without CASCADE: what somebody has put on it meanwhile stops it."""
    return Statement(text=render(sql.SQL("DROP VIEW IF EXISTS {}").format(identifier(view))))


def rename_view(view: QualifiedName, to: str) -> Statement:
    """Give the view another name in its schema."""
    return Statement(text=render(sql.SQL("ALTER VIEW {} RENAME TO {}").format(identifier(view), sql.Identifier(to))))


def is_view(name: QualifiedName) -> str:
    """A query for one boolean: is there a view of that name?"""
    return _is(name, "'v'")


def is_table(name: QualifiedName) -> str:
    """A query for one boolean: is there a table of that name?"""
    return _is(name, "'r', 'p'")


def _is(name: QualifiedName, kinds: str) -> str:
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass({}) AND relkind IN ({}))"
        ).format(sql.Literal(render(identifier(name))), sql.SQL(kinds))
    )


def _rights(view: QualifiedName, table: Table, catalog: Catalog) -> Iterator[sql.Composable]:
    others = tuple(role for role in table.default_grantees if role != catalog.current_user)
    if others:
        roles = sql.SQL(", ").join(_role(role) for role in others)
        yield sql.SQL("REVOKE ALL ON TABLE {} FROM {}").format(identifier(view), roles)
    if table.privileges is None and table.owner != catalog.current_user:
        yield sql.SQL("GRANT ALL ON TABLE {} TO {}").format(identifier(view), sql.Identifier(table.owner))
    yield from _grants(view, table.privileges or (), None, catalog)
    for column in table.columns:
        yield from _grants(view, column.privileges, column.name, catalog)


def _grants(
    view: QualifiedName, privileges: tuple[Privilege, ...], column: str | None, catalog: Catalog
) -> Iterator[sql.Composable]:
    given = sorted({(p.grantee or "", p.grantee is None, p.privilege) for p in privileges if p.privilege in _WORDS})
    where = sql.SQL("") if column is None else sql.SQL(" ({})").format(sql.Identifier(column))
    for (grantee, is_public), entry in groupby(given, key=lambda g: g[:2]):
        if grantee != catalog.current_user or is_public:
            words = sql.SQL(", ").join(sql.SQL("{}{}").format(_WORDS[word], where) for _, _, word in entry)
            role = _role(None if is_public else grantee)
            yield sql.SQL("GRANT {} ON TABLE {} TO {}").format(words, identifier(view), role)


def _role(name: str | None) -> sql.Composable:
    return sql.SQL("PUBLIC") if name is None else sql.Identifier(name)


def refusals(table: Table, catalog: Catalog) -> Iterator[Refusal]:
    """Why a view could not stand in for this table."""
    if catalog.server_version < _INVOKER and table.row_security:
        yield Refusal(
            code="row_security",
            object=str(table.name),
            message="it has row security, and a view on this server shows the rows that its owner may see, whoever "
            "reads it.",
            instead="Upgrade to PostgreSQL 15, where a view asks for its reader's rights; or change it in a "
            "maintenance window.",
        )
    partly = sorted({_named(p.grantee) for p in _of_columns(table) if not _reads_all(table, p.grantee)})
    if table.row_security and partly:
        yield Refusal(
            code="column_rights",
            object=str(table.name),
            message=f"it has row security, and {', '.join(partly)} may read some of its columns only: a view that asks "
            "for its reader's rights asks for all of them.",
            instead="Grant SELECT on the whole table meanwhile, or change it in a maintenance window.",
        )
    for rule in table.rules:
        yield Refusal(
            code="rule",
            object=f"rule {rule.name} on {table.name}",
            message="a rule of yours changes what a statement on the table does, and would see one through a view "
            "otherwise.",
            instead="Drop it, or make a trigger of it.",
        )


def _of_columns(table: Table) -> Iterator[Privilege]:
    return (p for column in table.columns for p in column.privileges if p.privilege == "SELECT")


def _reads_all(table: Table, grantee: str | None) -> bool:
    return any(p.privilege == "SELECT" and p.grantee in (grantee, None) for p in table.privileges or ())


def _named(grantee: str | None) -> str:
    return "PUBLIC" if grantee is None else grantee


def caution(view: QualifiedName, table: Table, catalog: Catalog) -> Caution:
    """What does not work through the view, measured on 15 and 18."""
    merge = "" if catalog.server_version >= _MERGES else "MERGE, "
    return Caution(
        code="view_in_between",
        object=str(view),
        message=f"until contract it is a view over {table.name}. SELECT, INSERT, UPDATE, DELETE, ON CONFLICT (column) "
        f"and FOR UPDATE work through it. These do not: {merge}COPY, TRUNCATE, ON CONFLICT ON CONSTRAINT, GROUP BY the "
        "primary key alone, WHERE CURRENT OF, TABLESAMPLE, ctid, xmin and tableoid, a function that takes the table's "
        "row, and DDL by this name; DEFAULT for a column is NULL in an UPDATE where the column is an identity, or the "
        "plan works on it; ANALYZE and VACUUM pass over it, and ONLY says nothing.",
    )
