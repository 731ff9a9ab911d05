"""What could not be made again is told before anything is dropped: each thing by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest
from psycopg import sql

from crossfade.operations.views import recreate
from crossfade.operations.views.recreate_preflight import refusals
from crossfade.postgres.catalog_read import read_catalog

if TYPE_CHECKING:
    from ..fixtures.database import Database

    Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]

pytestmark = pytest.mark.every_server


@pytest.fixture
def admin(database: Database) -> Connection:
    """A superuser on a database with a table, a view on it, and a materialised view on that."""
    connection = database.connect(autocommit=True)
    connection.execute("CREATE TABLE t (a int, b text); CREATE TABLE other (a int)")
    connection.execute("CREATE VIEW v AS SELECT a FROM t; CREATE MATERIALIZED VIEW m AS SELECT a FROM v")
    return connection


def role(database: Database, name: str) -> sql.Identifier:
    return sql.Identifier(f"{name} of {database.name}")


def told(connection: Connection) -> list[tuple[str, str]]:
    """Code and object of each refusal about what stands on column `a`, sorted."""
    catalog = read_catalog(connection, [("public", "t")])
    found = list(refusals(recreate.over(catalog, catalog.tables[0], ["a"])))
    assert all(r.message.endswith(".") and r.instead.endswith(".") for r in found)
    return sorted((r.code, r.object) for r in found)


def test_what_belongs_to_a_view_is_no_refusal(admin: Connection) -> None:
    admin.execute("CREATE INDEX i ON m (a); CREATE STATISTICS s ON a, (a + 1) FROM m")
    admin.execute("CREATE RULE own AS ON INSERT TO v DO INSTEAD INSERT INTO t SELECT v.a FROM v WHERE v.a = new.a")
    admin.execute("ALTER VIEW v ALTER a SET DEFAULT 5")
    admin.execute("CREATE VIEW of_rows AS SELECT v AS row, ARRAY[v] AS rows FROM v")
    admin.execute("CREATE VIEW type_only AS SELECT NULL::v[] AS nothing")

    assert told(admin) == []
    catalog = read_catalog(admin, [("public", "t")])
    assert [view.name.name for view in catalog.views] == ["v", "m", "of_rows", "type_only"]


def test_every_dependent_that_is_no_view_is_named(admin: Connection) -> None:
    for statement in (
        "CREATE FUNCTION body() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM v; END",
        "CREATE FUNCTION takes(v) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION gives() RETURNS SETOF m LANGUAGE sql AS 'SELECT * FROM m'",
        "CREATE POLICY few ON other USING (EXISTS (SELECT FROM v WHERE v.a = other.a))",
        "CREATE RULE also AS ON DELETE TO other DO ALSO DELETE FROM v",
        'CREATE TABLE holder (one v, "More" v[])',
        "CREATE DOMAIN narrowed AS v",
        "CREATE TYPE pair AS (l v, r int)",
    ):
        admin.execute(statement.encode())

    found = told(admin)

    assert {code for code, _ in found} == {"view_dependent"}
    assert [name for _, name in found] == [
        "composite type column public.pair.l",
        "function public.body()",
        "function public.gives()",
        "function public.takes(public.v)",
        "policy few on public.other",
        "rule also on public.other",
        'table column public.holder."More"',
        "table column public.holder.one",
        "type public.narrowed",
    ]


def test_two_views_that_need_each_other(admin: Connection) -> None:
    admin.execute("CREATE RULE circle AS ON DELETE TO v DO INSTEAD DELETE FROM other WHERE a IN (SELECT a FROM m)")

    assert [code for code, _ in told(admin)] == ["view_circle"]


def test_a_rule_of_a_view_that_needs_another_is_no_circle(admin: Connection) -> None:
    admin.execute("CREATE VIEW w AS SELECT 1 AS one")
    admin.execute("CREATE RULE fine AS ON DELETE TO w DO INSTEAD DELETE FROM other WHERE a IN (SELECT a FROM m)")

    assert told(admin) == []
    assert [v.name.name for v in read_catalog(admin, [("public", "t")]).views] == ["v", "m", "w"]


def test_what_is_bound_to_a_session_an_extension_or_a_label(admin: Connection, database: Database) -> None:
    database.connect(autocommit=True).execute("CREATE TEMP VIEW passing AS SELECT a FROM t")
    admin.execute("ALTER EXTENSION plpgsql ADD VIEW v")
    admin.execute("CREATE INDEX i ON m (a)")
    admin.execute("ALTER INDEX i DEPENDS ON EXTENSION plpgsql")
    # No provider is at hand that would take a label.
    admin.execute("INSERT INTO pg_seclabel VALUES ('m'::regclass, 'pg_class'::regclass, 1, 'selinux', 'secret')")

    found = told(admin)

    assert [code for code, _ in found] == ["extension_member", "extension_member", "security_label", "temporary_view"]
    assert [name for _, name in found[:3]] == ["public.m", "public.v", "public.m"]
    assert found[3][1].endswith(".passing")


def test_rights_that_making_a_view_again_needs(admin: Connection, database: Database) -> None:
    me, alice, bob = (role(database, name) for name in ("Me", "Alice", "Bob"))
    for statement in (
        sql.SQL("CREATE ROLE {} LOGIN; CREATE ROLE {}; CREATE ROLE {}").format(me, alice, bob),
        sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
        sql.SQL("GRANT {} TO {}").format(alice, me),
        sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(alice),
        sql.SQL("ALTER VIEW v OWNER TO {}").format(alice),
        sql.SQL("REVOKE CREATE ON SCHEMA public FROM {}").format(alice),
        sql.SQL("GRANT SELECT ON v TO {} WITH GRANT OPTION").format(bob),
        sql.SQL("SET ROLE {}; GRANT SELECT (a) ON v TO PUBLIC; RESET ROLE").format(bob),
    ):
        admin.execute(statement)

    assert told(database.connect(user=f"Me of {database.name}", autocommit=True)) == [
        ("grantor", "public.v"),
        ("no_create_right", "public"),
        ("no_create_right", "public"),
        ("no_create_right", "public"),
        ("not_owner", "public.m"),
    ]
    assert told(admin) == [("no_create_right", "public")]
