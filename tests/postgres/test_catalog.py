"""The catalog answers questions about itself without a database, and prints names as the server does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.postgres.catalog import Catalog, Column, Constraint, Index, QualifiedName, Table, quoted

if TYPE_CHECKING:
    from ..fixtures.database import Database


def column_named(name: str, number: int = 1) -> Column:
    return Column(name=name, number=number, type="text")


def catalog_of(*tables: Table, path: tuple[str, ...] = ("public",)) -> Catalog:
    return Catalog(
        server_version=180000,
        tables=tables,
        search_path=path,
        all_table_names=(*(t.name for t in tables), QualifiedName("audit", "users")),
    )


USERS = Table(
    name=QualifiedName("public", "users"),
    oid=7,
    columns=(column_named("id"), column_named("email", 2)),
    indexes=(Index(name=QualifiedName("public", "i"), definition="", references=frozenset({"email"}), constraint="u"),),
    constraints=(Constraint(name="u", kind="unique", columns=(), definition=""),),
)


def test_resolve_stops_at_the_first_schema_that_has_the_name() -> None:
    catalog = catalog_of(USERS)

    assert catalog.resolve(None, "users") == USERS
    assert catalog.resolve("public", "users") == USERS
    assert catalog.resolve("audit", "users") is None
    assert catalog_of(USERS, path=("audit", "public")).resolve(None, "users") is None
    assert catalog.resolve(None, "nobody") is None


def test_nearest_tables_names_them_as_one_would_write_them() -> None:
    assert catalog_of(USERS).nearest_tables("user") == ("users",)
    assert catalog_of(USERS).nearest_tables("audit.user")[0] == "audit.users"
    assert catalog_of(USERS).nearest_tables("zebra") == ()


def test_with_table_replaces_by_oid_and_forgets_the_old_name() -> None:
    renamed = Table(name=QualifiedName("public", "people"), oid=7)
    catalog = catalog_of(USERS).with_table(renamed)

    assert catalog.tables == (renamed,)
    assert QualifiedName("public", "users") not in catalog.all_table_names
    assert catalog.resolve(None, "people") == renamed
    assert catalog_of(USERS).table(USERS.name) == USERS


def test_with_table_adds_a_new_one() -> None:
    added = Table(name=QualifiedName("public", "orders"))

    assert catalog_of(USERS).with_table(added).tables == (USERS, added)


def test_a_constraint_is_used_by_the_columns_of_its_index() -> None:
    assert [c.name for c in USERS.constraints_using("email")] == ["u"]
    assert USERS.constraints_using("id") == ()
    assert USERS.indexes_using("id") == ()
    assert USERS.column("nothing") is None


def test_leaves_of_a_plain_table_is_the_table() -> None:
    assert catalog_of(USERS).leaves(USERS) == (USERS,)


@pytest.mark.every_server
def test_quoting_agrees_with_the_server(database: Database) -> None:
    words = database.execute("SELECT word FROM pg_get_keywords()")
    names = [str(word) for (word,) in words] + ["users", "Users", "a b", 'a"b', "1a", "_a1", "ünï", "a$b", "A", ""]
    unquoted_here = {"merge_action", "system_user"} | {n for n in names if n.startswith("json")}
    rows = database.execute("SELECT n, quote_ident(n) FROM unnest(%s::text[]) AS n", [names])

    # A word that only a newer server reserves is quoted for every server.
    assert [(n, quoted(str(n))) for n, _ in rows if n not in unquoted_here] == [
        (n, q) for n, q in rows if n not in unquoted_here
    ]
    assert all(quoted(str(n)) in (q, f'"{n}"') for n, q in rows)
