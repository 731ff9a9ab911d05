"""What hangs on a table comes back with the columns that it needs: constraints, indexes, triggers, dependents."""

from __future__ import annotations

from importlib import resources

import psycopg
import pytest

from crossfade.postgres.catalog import Constraint, Dependent, ForeignKey, Publication

from .shop import Shop, named

pytestmark = pytest.mark.every_server


def test_constraints(shop: Shop) -> None:
    users = shop.table("users")
    of = {c.name: c for c in users.constraints}

    assert (of["users_pkey"].kind, of["users_pkey"].columns, of["users_pkey"].index) == (
        "primary",
        ("id",),
        "users_pkey",
    )
    check = of["Email at"]
    assert (check.kind, check.columns, check.no_inherit, check.validated) == ("check", ("email",), True, True)
    assert check.definition == "CHECK (((email)::text ~~ '%@%'::text)) NO INHERIT"
    assert (of["sane_team"].validated, of["sane_team"].comment) == (False, "Teams count from one.")
    assert set(of["whole_row"].columns) == {c.name for c in users.columns}
    reference = of["users_team_fkey"]
    assert (reference.kind, reference.referenced, reference.referenced_columns) == ("foreign", named("teams"), ("id",))
    assert (reference.deferrable, reference.deferred, reference.index) == (True, True, None)
    assert (of["no_overlap"].kind, of["no_overlap"].columns) == ("exclusion", ("period",))
    assert of["no_overlap"] in users.constraints_using("boss")
    assert of["Email at"] in users.constraints_using("email")
    assert of["users_team_fkey"] not in users.constraints_using("email")


def test_not_null_constraints_of_postgresql_18(shop: Shop) -> None:
    if shop.connection.info.server_version < 180000:
        pytest.skip("PostgreSQL 18 has them")
    shop.connection.execute("CREATE TABLE shop.late (a int NOT NULL, b int GENERATED ALWAYS AS (a + 1) VIRTUAL)")
    shop.connection.execute("ALTER TABLE shop.late ADD CONSTRAINT unsure CHECK (a > 0) NOT ENFORCED")
    late = shop.table("late")

    kept = Constraint(name="late_a_not_null", kind="not_null", columns=("a",), definition="NOT NULL a")
    assert kept in late.constraints
    assert [c.enforced for c in late.constraints if c.name == "unsure"] == [False]
    assert late.columns[1].generated == "virtual"
    assert late.columns[1].generation_expression == "(a + 1)"
    assert Dependent(kind="generated column", name="shop.late.b", columns=("a",)) in late.dependents


def test_an_index_tells_every_column_that_it_uses(shop: Shop) -> None:
    users = shop.table("users")
    index = users.index("users_email_lower")

    assert index is not None
    assert index.columns == (None, "status", "tags")
    assert index.key_count == 2
    assert index.references == {"email", "status", "tags", "nickname"}
    assert (index.unique, index.primary, index.partial, index.has_expressions) == (True, False, True, True)
    assert index.nulls_not_distinct
    assert (index.valid, index.ready, index.method) == (True, True, "btree")
    assert index.statistics_targets == ((1, 77),)
    assert index.comment == "For the login."
    assert index.definition.startswith("CREATE UNIQUE INDEX users_email_lower ON shop.users USING btree")
    assert index.size_bytes == 8192
    assert {i.name.name for i in users.indexes_using("email")} == {"users_email_lower", "users_whole"}
    assert {i.name.name for i in users.indexes_using("boss")} == {"no_overlap", "users_whole"}


def test_roles_of_indexes(shop: Shop) -> None:
    of = {i.name.name: i for i in shop.table("users").indexes}

    assert (of["users_pkey"].primary, of["users_pkey"].replica_identity) == (True, True)
    assert of["users_pkey"].constraint == "users_pkey"
    assert (of["no_overlap"].exclusion, of["no_overlap"].method) == (True, "gist")
    assert [name for name, index in of.items() if index.clustered] == ["users_status"]
    assert of["users_made"].method == "brin"
    assert of["users_made"].constraint is None


def test_an_invalid_index_is_told(shop: Shop) -> None:
    shop.connection.execute("INSERT INTO shop.scratch VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        shop.connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON shop.scratch (a)")

    assert [i.valid for i in shop.table("scratch").indexes] == [False]


def test_triggers(shop: Shop) -> None:
    audit, touch = shop.table("users").triggers

    assert (audit.name, audit.timing, audit.row, audit.enabled) == ("audit", "after", False, "A")
    assert audit.events == {"delete", "truncate"}
    assert (audit.when, audit.columns, audit.comment) == (None, (), "Who did it.")
    assert (touch.name, touch.timing, touch.row) == ('touch "FOR EACH ROW WHEN (', "before", True)
    assert touch.events == {"insert", "update"}
    assert touch.columns == ("email", "team")
    assert touch.when == "((new.email)::text <> ') EXECUTE '::text)"
    assert touch.function == named("touch")
    assert touch.function_language == "plpgsql"
    assert "NEW.made := now()" in touch.function_body
    assert touch.definition.startswith("CREATE TRIGGER ")
    assert not touch.parent_inherited


def test_everything_outside_that_depends_on_a_column(shop: Shop) -> None:
    users = shop.table("users")
    touch = '"touch ""FOR EACH ROW WHEN (" on shop.users'

    assert set(users.dependents_on("email")) == {
        Dependent(kind="view", name="shop.active", columns=("id", "email", "status")),
        Dependent(kind="materialized view", name="shop.emails", columns=("email",)),
        Dependent(kind="rule", name="no_ghosts on shop.users", columns=("email",)),
        Dependent(kind="policy", name="only_mine on shop.users", columns=("email",)),
        Dependent(kind="policy", name="by_user on shop.teams", columns=("email",)),
        Dependent(kind="function", name="shop.address_of(bigint)", columns=("id", "email")),
        Dependent(kind="publication", name="listed", columns=("id", "email")),
        Dependent(kind="statistics", name="shop.users_pair", columns=("email", "token")),
        Dependent(kind="trigger", name=touch, columns=("email", "team")),
    }
    assert set(users.dependents) - set(users.dependents_on("email")) == {
        Dependent(kind="view", name="shop.counted", columns=()),
        Dependent(kind="generated column", name="shop.users.doubled", columns=("serial_no",)),
        Dependent(kind="foreign key", name="buyer_known on shop.orders", columns=("id",)),
        Dependent(kind="foreign key", name="users_boss_fkey on shop.users", columns=("id",)),
    }
    assert [d.name for d in shop.table("active").dependents] == ['"Odd ""Schema""".above']


def test_foreign_keys_that_point_here(shop: Shop) -> None:
    incoming = {key.name: key for key in shop.table("users").incoming_foreign_keys}

    assert set(incoming) == {"buyer_known", "users_boss_fkey"}
    assert incoming["buyer_known"] == ForeignKey(
        name="buyer_known",
        table=named("orders"),
        columns=("buyer",),
        referenced_columns=("id",),
        definition="FOREIGN KEY (buyer) REFERENCES shop.users(id)",
    )


def test_a_foreign_key_on_a_partitioned_table_is_told_once(shop: Shop) -> None:
    shop.connection.execute(
        "CREATE TABLE shop.logs (team int CONSTRAINT team_known REFERENCES shop.teams) PARTITION BY LIST (team)"
    )
    shop.connection.execute("CREATE TABLE shop.logs_1 PARTITION OF shop.logs FOR VALUES IN (1)")
    teams = shop.table("teams")

    assert [k.table for k in teams.incoming_foreign_keys] == [named("logs"), named("users")]
    assert [c.inherited for c in shop.table("logs_1").constraints] == [True]


def test_functions_whose_text_names_the_table(shop: Shop) -> None:
    functions = {str(f): f for f in shop.table("users").text_functions}

    assert set(functions) == {"shop.rename_me()", "shop.touch()"}
    assert functions["shop.rename_me()"].language == "sql"
    assert functions["shop.rename_me()"].body == "SELECT count(*)::int FROM shop.USERS"


def test_publications(shop: Shop) -> None:
    assert shop.table("users").publications == (
        Publication(name="everything", all_tables=True),
        Publication(name="listed", columns=("id", "email"), row_filter="(id > 5)"),
        Publication(name="whole_schema"),
    )
    assert shop.table("scratch").publications == ()
    assert shop.table("active").publications == ()


def test_a_partition_is_published_with_its_ancestors(shop: Shop) -> None:
    shop.connection.execute(
        "CREATE PUBLICATION rooted FOR TABLE shop.events WHERE (id > 0) WITH (publish_via_partition_root)"
    )

    assert Publication(name="rooted", row_filter="(id > 0)") in shop.table("events_a1").publications


def test_extended_statistics(shop: Shop) -> None:
    (pair,) = shop.table("users").extended_statistics

    assert (pair.name, pair.columns) == (named("users_pair"), ("email", "token"))
    assert pair.definition.startswith("CREATE STATISTICS shop.users_pair (ndistinct) ON email")


def test_the_query_for_postgresql_14_names_the_same_publications(shop: Shop) -> None:
    connection = shop.connection
    connection.execute("DROP PUBLICATION whole_schema")
    users = shop.table("users")
    query = resources.files("crossfade.postgres").joinpath("sql", "catalog_publications_14.sql").read_bytes()
    rows = connection.execute(query, {"oids": [users.oid, shop.table("scratch").oid]}).fetchall()

    assert [(oid, name, everything) for oid, name, everything, *_ in rows] == [
        (users.oid, p.name, p.all_tables) for p in users.publications
    ]


def test_definitions_of_what_looks_at_a_column_from_outside(shop: Shop) -> None:
    users = shop.table("users")

    by_name = {(str(p.table), p.name): p for p in users.policies_over}
    own, other = by_name["shop.users", "only_mine"], by_name["shop.teams", "by_user"]
    assert (own.columns, own.check, own.owned) == (("email",), None, True)
    assert own.using is not None
    assert "email" in own.using
    assert other.using is not None
    assert "shop.users u" in other.using
    assert ("shop.users", "anyone") not in by_name

    (function,) = (f for f in users.sql_functions if "email" in f.columns)
    assert function.definition.startswith("CREATE OR REPLACE FUNCTION shop.")
    assert "BEGIN ATOMIC" in function.definition
