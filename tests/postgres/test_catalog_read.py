"""Tables, trees and facts of the database come back whole, whoever asks, and reading leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from crossfade.postgres.catalog import QualifiedName, Rule
from crossfade.postgres.catalog_read import read_catalog

from .shop import LONG, ODD, Shop, named

pytestmark = pytest.mark.every_server


def test_database_facts_of_a_superuser(shop: Shop) -> None:
    catalog = read_catalog(shop.connection, [])

    assert catalog.server_version == shop.connection.info.server_version
    assert catalog.server_version_text.startswith(str(catalog.server_version // 10000))
    assert catalog.database == shop.connection.info.dbname
    assert catalog.current_user == shop.connection.info.user
    assert catalog.is_superuser
    assert catalog.can_create_in_database
    assert catalog.search_path == ("public",)
    assert catalog.statements_extension == named("pg_stat_statements")
    assert catalog.tables == ()
    assert {named("users"), named("active"), named("emails"), named("events"), ODD} <= set(catalog.all_table_names)
    assert {named("users_made"), named("users_id_seq")}.isdisjoint(catalog.all_table_names)
    assert {named("users"), named("users_made"), named("users_id_seq"), named("pair")} <= catalog.relation_names
    assert not any(name.schema.startswith("pg_") for name in catalog.relation_names)


def test_names_that_do_not_exist_are_left_out_and_asked_twice_is_read_once(shop: Shop) -> None:
    catalog = read_catalog(
        shop.connection, [("shop", "teams"), ("shop", "nothing"), ("shop", "teams"), (None, "nothing")]
    )

    assert [t.name for t in catalog.tables] == [named("teams")]


def test_a_bare_name_is_found_by_the_search_path_of_the_connection(shop: Shop) -> None:
    shop.connection.execute("CREATE TABLE public.users (a int)")
    shop.connection.execute("SET search_path = nowhere, shop, public")
    first = read_catalog(shop.connection, [(None, "users")])
    shop.connection.execute("SET search_path = public, pg_catalog, shop")
    second = read_catalog(shop.connection, [(None, "users"), (None, "teams")])

    assert first.search_path == ("shop", "public")
    assert [t.name for t in first.tables] == [named("users")]
    assert [t.name for t in second.tables] == [QualifiedName("public", "users"), named("teams")]
    assert second.resolve(None, "teams") == second.table(named("teams"))
    assert shop.connection.execute("SHOW search_path").fetchone() == ("public, pg_catalog, shop",)


def test_a_temporary_table_hides_the_one_of_the_same_name(shop: Shop) -> None:
    shop.connection.execute("SET search_path = shop")
    shop.connection.execute("CREATE TEMP TABLE users (a int)")

    found = read_catalog(shop.connection, [(None, "users")]).resolve(None, "users")

    assert found is not None
    assert found.is_temporary
    assert found.persistence == "temporary"


def test_table_facts(shop: Shop) -> None:
    users = shop.table("users")

    assert (users.kind, users.persistence, users.access_method) == ("table", "permanent", "heap")
    assert users.owner == shop.connection.info.user
    assert users.owned
    assert users.can_create_in_schema
    assert users.rules == (Rule(name="no_ghosts", event="delete", instead=True, conditional=True),)
    assert shop.table("active").rules == ()
    assert users.policies == ("anyone", "only_mine")
    assert users.row_security
    assert users.force_row_security
    assert (users.replica_identity, users.replica_identity_index) == ("index", "users_pkey")
    assert users.storage_parameters == ("fillfactor=70",)
    assert users.comment == "People."
    assert users.rows_estimate == -1
    assert users.total_bytes > users.size_bytes == 0
    assert users.oid > 0
    assert (users.partition_parent, users.partitions, users.inherits, users.children) == (None, (), (), ())
    assert shop.table("scratch").persistence == "unlogged"
    assert shop.table("pairs").typed_of == "shop.pair"
    assert shop.table("active").kind == "view"
    assert shop.table("emails").kind == "materialized view"


def test_table_privileges_are_told_as_stored(shop: Shop) -> None:
    shop.connection.execute(sql.SQL("GRANT INSERT ON shop.teams TO {}").format(sql.Identifier(shop.peer)))

    assert f'"{shop.peer}"=a/{shop.connection.info.user}' in shop.table("teams").acl


def test_a_partition_tree_is_read_whole(shop: Shop) -> None:
    shop.connection.execute("ANALYZE shop.events_a1")
    catalog = shop.read(named("events"))
    events, middle, leaf, rest = catalog.tables

    assert [t.name.name for t in catalog.tables] == ["events", "events_a", "events_a1", "events_b"]
    assert events.kind == middle.kind == "partitioned"
    assert events.partition_key == "RANGE (at, upper(kind))"
    assert events.partition_key_columns == ("at", "kind")
    assert events.partitions == (named("events_a"), named("events_b"))
    assert (middle.partition_parent, leaf.partition_parent) == (named("events"), named("events_a"))
    assert (middle.inherits, middle.children) == ((), ())
    assert catalog.leaves(events) == (rest, leaf)
    assert events.rows_estimate == 100
    assert rest.rows_estimate == -1
    assert events.size_bytes == leaf.size_bytes == 8192
    assert [i.parent for i in leaf.indexes] == [middle.indexes[0].name]
    assert middle.indexes[0].parent == named("events_kind")
    assert [t.parent_inherited for t in leaf.triggers] == [True]
    assert leaf.columns[0].inherited_count == 1
    assert not leaf.columns[0].is_local


def test_an_inheritance_tree_is_read_whole_from_where_it_is_asked(shop: Shop) -> None:
    catalog = shop.read(named("animals"))
    animals, dogs, pups = catalog.tables

    assert (animals.children, dogs.children, animals.partitions) == ((named("dogs"),), (named("pups"),), ())
    assert (dogs.inherits, dogs.partition_parent) == ((named("animals"),), None)
    assert catalog.leaves(animals) == (animals, dogs, pups)
    assert [t.name for t in shop.read(named("dogs")).tables] == [named("dogs"), named("pups")]
    assert [(c.inherited, c.is_local) for c in animals.constraints] == [(False, True)]
    assert [(c.inherited, c.is_local) for c in dogs.constraints] == [(True, False)]


def test_odd_names_come_back_as_they_are(shop: Shop) -> None:
    odd = shop.read(ODD).table(ODD)

    assert odd is not None
    assert [c.name for c in odd.columns] == ['Größe "x"', "select", LONG]
    assert [c.columns for c in odd.constraints] == [(LONG,)]
    assert [str(f) for f in odd.text_functions] == ["shop.odd()"]
    assert [d.name for d in odd.dependents] == ['"Odd ""Schema"""."View"']
    assert str(ODD) == '"Odd ""Schema"""."Ünï""code Select"'


def test_a_reader_without_rights_reads_the_same_and_knows_what_it_may_not(shop: Shop) -> None:
    shop.connection.execute("ANALYZE shop.users")
    by_owner = shop.table("users")
    shop.connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(shop.peer)))
    catalog = shop.read(named("users"))
    shop.connection.execute("RESET ROLE")
    (by_peer,) = catalog.tables

    assert catalog.current_user == shop.peer
    assert not catalog.is_superuser
    assert not catalog.can_create_in_database
    assert (by_peer.owned, by_peer.can_create_in_schema) == (False, False)
    assert by_peer.columns == by_owner.columns
    assert by_peer.constraints == by_owner.constraints
    assert by_peer.indexes == by_owner.indexes
    assert by_peer.triggers == by_owner.triggers
    assert by_peer.dependents == by_owner.dependents
    assert by_peer.publications == tuple(replace(p, owned=False) for p in by_owner.publications)
    assert by_peer.policies_over == tuple(replace(p, owned=False) for p in by_owner.policies_over)


def test_a_member_of_the_owner_owns(shop: Shop) -> None:
    shop.connection.execute("CREATE TABLE shop.theirs (a int)")
    shop.connection.execute(sql.SQL("ALTER TABLE shop.theirs OWNER TO {}").format(sql.Identifier(shop.peer)))

    theirs = shop.table("theirs")

    assert (theirs.owner, theirs.owned) == (shop.peer, True)


def test_logical_slots_of_this_database(shop: Shop) -> None:
    if shop.connection.execute("SHOW wal_level").fetchone() != ("logical",):
        pytest.skip("the server runs without wal_level = logical")
    slot = f"slot_of_{shop.connection.info.dbname}"
    shop.connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])

    assert read_catalog(shop.connection, []).logical_slots == (slot,)


def test_reading_leaves_no_transaction_lock_or_setting_behind(shop: Shop) -> None:
    path, jit = (
        shop.connection.execute("SELECT current_setting('search_path'), current_setting('jit')").fetchone() or ()
    )
    shop.read(named("users"), named("events"))

    assert shop.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert shop.connection.execute("SELECT current_setting('search_path'), current_setting('jit')").fetchone() == (
        path,
        jit,
    )
    assert shop.connection.execute("SHOW transaction_read_only").fetchone() == ("off",)


def test_reading_works_on_a_connection_that_does_not_autocommit(shop: Shop) -> None:
    shop.connection.autocommit = False

    assert shop.read(named("teams")).table(named("teams")) is not None
    assert shop.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_the_number_of_queries_does_not_grow_with_the_tables(shop: Shop) -> None:
    class Counting(psycopg.Cursor[Any]):
        seen = 0

        def execute(self, *args: Any, **kwargs: Any) -> Any:
            Counting.seen += 1
            return super().execute(*args, **kwargs)

    def queries(*names: QualifiedName) -> int:
        before = Counting.seen
        shop.read(*names)
        return Counting.seen - before

    everything = read_catalog(shop.connection, []).all_table_names
    shop.connection.cursor_factory = Counting

    # What is on top of tables costs one more, however much it is.
    assert 0 < queries(named("teams")) == queries(named("users")) - 1 == queries(*everything) - 1
