"""Types that a plan makes: where they go, what takes them back, and what later changes of the plan know of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.step import Compiled, Part, Step
from crossfade.operations.trial import Trial
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.names import TableName
    from crossfade.plan.types import SqlType
    from crossfade.postgres.catalog import Catalog, DataType


def no_such_type(asked: SqlType, catalog: Catalog) -> Refusal:
    """A type that the plan names is not there."""
    return Refusal(
        code="no_such_type",
        object=asked.text,
        message=f"there is no type {asked.text} in database {catalog.database}.",
        instead=f"Names are looked up on the search_path ({', '.join(catalog.search_path)}); write others with their "
        "schema. A modifier has to be one that the type takes.",
    )


def enum_refusals(enum: DataType) -> Iterator[Refusal]:
    """Why the values of a type cannot be changed, whatever becomes of them."""
    if not enum.labels:
        yield Refusal(
            code="not_an_enum",
            object=str(enum.name),
            message="it is no enum, so it has no values of its own.",
            instead="Name an enum; for a domain there is `add_domain_check`.",
        )
    elif not enum.owned:
        yield Refusal(
            code="not_owner",
            object=str(enum.name),
            message=f"this role is not (a member of) its owner {enum.owner}.",
            instead=f"Connect as {enum.owner}, or run: GRANT {enum.owner} TO the role crossfade uses.",
        )


def no_such_value(enum: DataType, value: str) -> Refusal:
    """The enum does not have a value that the plan names."""
    return Refusal(
        code="no_such_value",
        object=f"{enum.name}.{value}",
        message="the enum has no such value.",
        instead=f"It has: {', '.join(enum.labels)}.",
    )


def has_value(name: QualifiedName, value: str) -> str:
    """A query: has the enum of this name this value?"""
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_enum WHERE enumtypid = pg_catalog.to_regtype({}) "
            "AND enumlabel = {})"
        ).format(sql.Literal(render(sql.Identifier(name.schema, name.name))), sql.Literal(value))
    )


def resolve(name: TableName, catalog: Catalog) -> QualifiedName | Refusal:
    """The new type's name with its schema: the first one of the search path where the plan gives none."""
    if name.schema is not None:
        return QualifiedName(name.schema, name.name)
    if not catalog.search_path:
        return Refusal(
            code="no_schema",
            object=str(name),
            message="the role's search_path has no schema that exists, so there is no place for it.",
            instead="Write the name with its schema.",
        )
    return QualifiedName(catalog.search_path[0], name.name)


def compile_type(
    place: Place, made: DataType, words: str, definition: tuple[Statement, ...], catalog: Catalog
) -> Compiled:
    """One step that makes the type; taken back, it is dropped, which fails while anything is of it."""
    kind = sql.SQL("TYPE" if made.labels else "DOMAIN")
    identifier = sql.Identifier(made.name.schema, made.name.name)
    create = next(s.text for s in definition if s.text.startswith("CREATE "))
    step = Step(
        id=place.id("create"),
        part=Part.EXPAND,
        title=f"make {words} {made.name}",
        statements=definition,
        undo=(Statement(text=render(sql.SQL("DROP {} IF EXISTS {}").format(kind, identifier))),),
        done=exists(made.name),
    )
    trial = Trial(where=f"{place.kind} {made.name}", shown=str(made.name), columns=(), statement=create)
    return Compiled(steps=(step,), trials=(trial,), makes=(create,), catalog=catalog.with_type(made))


def exists(name: QualifiedName) -> str:
    """A query: is there a type of this name?"""
    return render(
        sql.SQL("SELECT pg_catalog.to_regtype({}) IS NOT NULL").format(
            sql.Literal(render(sql.Identifier(name.schema, name.name)))
        )
    )


def comment_on(kind: str, name: QualifiedName, comment: str | None) -> tuple[Statement, ...]:
    """The comment of a type or domain, where there is one."""
    if comment is None:
        return ()
    text = sql.SQL("COMMENT ON {} {} IS {}").format(
        sql.SQL(kind), sql.Identifier(name.schema, name.name), sql.Literal(comment)
    )
    return (Statement(text=render(text)),)
