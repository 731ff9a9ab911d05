"""What speaks against a change of a whole table, and what a view that stands in for one can do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.errors import InvalidPlan, WouldDiscard
from crossfade.gates.phase_gates import gates_of
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.postgres.catalog import (
    Catalog,
    Column,
    Dependent,
    ForeignKey,
    Index,
    Privilege,
    Publication,
    QualifiedName,
    Rule,
    Table,
)
from crossfade.workflow.program import compile_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

USERS = Table(
    name=QualifiedName("public", "users"),
    oid=1,
    owner="alice",
    columns=(
        Column(name="id", number=1, type="bigint", not_null=True),
        Column(name="email", number=2, type="text"),
    ),
    indexes=(
        Index(name=QualifiedName("public", "users_pkey"), definition="", columns=("id",), unique=True, primary=True),
        Index(name=QualifiedName("public", "users_email"), definition="", columns=("email",), unique=True),
        Index(name=QualifiedName("public", "users_id"), definition="", columns=("id",)),
    ),
)
RENAME = "rename_table: {from: users, to: accounts}"
MOVE = "move_table: {table: users, to_schema: shop}"
DROP = "drop_table: {table: users}"
ALIAS = "rename_column: {table: users, from: email, to: address, strategy: alias}"
COPY = "rename_column: {table: accounts, from: email, to: address}"
ROW_SECURITY = "enable_row_security: {table: users}"


def plan(*changes: str) -> Plan:
    listed = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: tables\nchanges:\n{listed}", "tables.yaml")


def catalog(table: Table = USERS, *taken: QualifiedName, version: int = 180000) -> Catalog:
    names = frozenset({table.name, *taken})
    return Catalog(
        server_version=version,
        current_user="alice",
        tables=(table,),
        all_table_names=(table.name,),
        relation_names=names,
    )


def codes(found: Catalog, *changes: str) -> list[str]:
    return [refusal.code for refusal in compile_plan(plan(*changes), found).refusals]


def test_a_partitioned_table_has_no_storage_parameters() -> None:
    fill = "set_storage_parameters: {table: users, set: {fillfactor: 80}}"
    assert codes(catalog(replace(USERS, kind="partitioned")), fill) == ["unsupported_table"]
    assert codes(catalog(USERS), fill) == []


def cautions(found: Catalog, *changes: str) -> list[str]:
    return [caution.code for caution in compile_plan(plan(*changes), found).cautions]


def reader_of(*columns: str) -> Table:
    right = Privilege(grantee="reader", privilege="SELECT", grantable=False, grantor="alice")
    return replace(
        USERS, columns=tuple(replace(c, privileges=(right,)) if c.name in columns else c for c in USERS.columns)
    )


@pytest.mark.parametrize("change", [RENAME, MOVE, ALIAS])
def test_a_view_stands_in_for_a_plain_table(change: str) -> None:
    assert codes(catalog(), change) == []
    assert "view_in_between" in cautions(catalog(), change)


@pytest.mark.parametrize(
    ("table", "version", "change", "code"),
    [
        (replace(USERS, row_security=True), 140000, RENAME, "row_security"),
        (replace(reader_of("email"), row_security=True), 180000, RENAME, "column_rights"),
        (replace(USERS, rules=(Rule(name="r", event="insert"),)), 180000, RENAME, "rule"),
        (replace(USERS, owned=False), 180000, RENAME, "not_owner"),
        (replace(USERS, owned=False), 180000, ALIAS, "not_owner"),
        (replace(USERS, publications=(Publication(name="p"),)), 180000, MOVE, "logical_replication"),
        (replace(USERS, publications=(Publication(name="p"),)), 180000, ALIAS, "alias_replicated"),
        (replace(USERS, typed_of="public.t"), 180000, ALIAS, "unsupported_table"),
        (replace(USERS, children=(QualifiedName("public", "kids"),)), 180000, DROP, "table_dependent"),
        (replace(USERS, partition_parent=QualifiedName("public", "all")), 180000, DROP, "unsupported_table"),
        (
            replace(USERS, dependents=(Dependent(kind="view", name="public.v", columns=()),)),
            180000,
            DROP,
            "table_dependent",
        ),
    ],
)
def test_what_cannot_be_done_right_is_refused(table: Table, version: int, change: str, code: str) -> None:
    assert codes(catalog(table, version=version), change) == [code]


def test_rights_on_some_columns_are_no_hindrance_without_row_security() -> None:
    assert codes(catalog(reader_of("email")), RENAME) == []


def test_a_foreign_key_from_another_table_is_in_the_way_of_a_drop_and_one_of_its_own_is_not() -> None:
    def key(table: QualifiedName) -> ForeignKey:
        return ForeignKey(name="k", table=table, columns=("a",), referenced_columns=("id",), definition="")

    assert codes(catalog(replace(USERS, incoming_foreign_keys=(key(USERS.name),))), DROP) == []
    posts = key(QualifiedName("public", "posts"))
    assert codes(catalog(replace(USERS, incoming_foreign_keys=(posts,))), DROP) == ["table_dependent"]


def test_every_name_that_moves_has_to_be_free() -> None:
    assert codes(catalog(USERS, QualifiedName("public", "accounts")), RENAME) == ["name_taken"]
    assert codes(catalog(USERS, QualifiedName("shop", "users_pkey")), MOVE) == ["name_taken"]
    create = "create_table: {name: users, columns: {id: {type: bigint}}}"
    assert codes(catalog(), create) == ["name_taken"]


@pytest.mark.parametrize(
    ("index", "code"),
    [("users_pkey", None), ("users_email", "unfit_index"), ("users_id", "unfit_index"), ("nowhere", "no_such_index")],
)
def test_an_index_has_to_tell_rows_apart_for_a_subscriber(index: str, code: str | None) -> None:
    change = f"set_replica_identity: {{table: users, to: index, index: {index}}}"
    assert codes(catalog(), change) == ([] if code is None else [code])


def test_row_security_without_a_policy_is_said_and_enabled_twice_it_is_refused() -> None:
    assert cautions(catalog(), ROW_SECURITY) == ["no_policy"]
    assert codes(catalog(replace(USERS, row_security=True)), ROW_SECURITY) == ["nothing_to_do"]


@pytest.mark.parametrize(
    ("changes", "is_refused"),
    [
        ((RENAME, "set_replica_identity: {table: accounts, to: full}"), False),
        (("set_replica_identity: {table: users, to: full}", RENAME), False),
        ((RENAME, COPY), True),
        ((COPY.replace("accounts", "users"), RENAME), True),
        ((ROW_SECURITY, RENAME), True),
        ((RENAME, ROW_SECURITY.replace("users", "accounts")), False),
        ((ALIAS, ROW_SECURITY), True),
        ((ROW_SECURITY, ALIAS), True),
    ],
)
def test_what_works_on_a_table_comes_behind_its_rename_or_in_another_plan(
    changes: tuple[str, ...], is_refused: bool
) -> None:
    assert ("not_together" in codes(catalog(), *changes)) is is_refused


def test_statements_before_contract_use_the_old_name_and_later_ones_the_new_one() -> None:
    changes = (RENAME, "set_replica_identity: {table: accounts, to: full}", ROW_SECURITY.replace("users", "accounts"))
    texts = [s.text for step in compile_plan(plan(*changes), catalog()).program.steps for s in step.statements]
    assert [t for t in texts if "REPLICA" in t] == ['ALTER TABLE "public"."users" REPLICA IDENTITY FULL']
    assert [t for t in texts if "ROW LEVEL" in t] == ['ALTER TABLE "public"."accounts" ENABLE ROW LEVEL SECURITY']


WORKS = (
    "INSERT INTO accounts DEFAULT VALUES",
    "INSERT INTO accounts (id, email, loud) OVERRIDING SYSTEM VALUE VALUES (77, 'x', DEFAULT) RETURNING *",
    "INSERT INTO accounts (email) VALUES ('a') ON CONFLICT (email) DO UPDATE SET name = excluded.name",
    "UPDATE accounts SET name = 'x' FROM posts WHERE id = author",
    "DELETE FROM accounts USING posts WHERE id = author",
    "SELECT * FROM accounts FOR UPDATE SKIP LOCKED",
    "LOCK TABLE accounts",
    "COPY (SELECT * FROM accounts) TO STDOUT",
)
DOES_NOT = (
    "COPY accounts FROM STDIN",
    "COPY accounts TO STDOUT",
    "TRUNCATE accounts",
    "INSERT INTO accounts (email) VALUES ('a') ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING",
    "SELECT id, email FROM accounts GROUP BY id",
    "SELECT * FROM accounts TABLESAMPLE SYSTEM (100)",
    "SELECT ctid FROM accounts",
    "SELECT xmin FROM accounts",
    "SELECT tableoid FROM accounts",
    "SELECT of_row(accounts) FROM accounts",
    "ALTER TABLE accounts ADD COLUMN z int",
    "CREATE INDEX ON accounts (name)",
    "CREATE TABLE others (author bigint REFERENCES accounts)",
)
MERGE = "MERGE INTO accounts a USING (VALUES (1)) v (id) ON a.id = v.id WHEN MATCHED THEN UPDATE SET name = 'm'"


@pytest.mark.long
@pytest.mark.every_server
def test_what_works_through_the_view_is_what_the_documentation_says(database: Database) -> None:
    database.execute(
        """
        CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, name text,
            loud text GENERATED ALWAYS AS (upper(email)) STORED);
        CREATE TABLE posts (author bigint REFERENCES users ON DELETE CASCADE);
        CREATE FUNCTION of_row(users) RETURNS text LANGUAGE sql AS 'SELECT $1.name';
        INSERT INTO users (email) VALUES ('a'), ('b');
        """
    )
    with Engine(database.url) as engine:
        engine.advance(plan(RENAME), to=State.BACKFILLED)
    merges = int(database.server.version.split(".")[0]) >= 17
    with database.connect() as connection:
        for statement in (*WORKS, *((MERGE,) if merges else ())):
            taken_back(connection, statement)
        for statement in (*DOES_NOT, *(() if merges else (MERGE,))):
            with pytest.raises(psycopg.errors.DatabaseError):
                taken_back(connection, statement)


def taken_back(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> None:
    with connection.transaction(force_rollback=True):
        if not statement.startswith("COPY"):
            connection.execute(statement.encode())
            return
        with connection.cursor().copy(statement.encode()) as copy:
            if "STDOUT" in statement:
                list(copy)


def test_a_new_table_with_rows_is_not_dropped_without_a_word(database: Database) -> None:
    database.execute("CREATE TABLE users (id bigint PRIMARY KEY)")
    create = "create_table: {name: orders, columns: {id: {type: bigint}}}"
    with Engine(database.url) as engine:
        engine.advance(plan(create, DROP), to=State.BACKFILLED)
        database.execute("INSERT INTO orders VALUES (1)")
        with pytest.raises(WouldDiscard, match=r"the rows of public\.orders"):
            engine.rollback("tables")
        assert engine.rollback("tables", discard=True).state is State.ROLLED_BACK
    assert database.execute("SELECT to_regclass('orders')") == [(None,)]


def test_contract_of_a_drop_waits_until_the_table_is_at_rest() -> None:
    kinds = [gate.entry.kind for gate in gates_of(plan(DROP), Phase.CONTRACT)]
    assert kinds == ["approval", "table_activity"]
    assert "table_activity" not in [gate.entry.kind for gate in gates_of(plan(RENAME), Phase.CONTRACT)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("set_storage_parameters: {table: users}", "nothing to set"),
        ("set_storage_parameters: {table: users, set: {Fill: 1}}", "no storage parameter"),
        ("set_storage_parameters: {table: users, set: {fillfactor: 80}, reset: [fillfactor]}", "both set and reset"),
        ("set_replica_identity: {table: users, to: index}", "without an index"),
        ("set_replica_identity: {table: users, to: full, index: i}", "says nothing"),
        ("rename_table: {from: users, to: users}", "keep its name"),
        ("move_table: {table: shop.users, to_schema: shop}", "would stay"),
        ("create_table: {name: t, columns: {}}", "columns"),
        ("create_table: {name: t, columns: {a: {type: int}}, primary_key: [b]}", "no column `b`"),
        ("create_table: {name: t, columns: {a: {type: int, default: '1', identity: always}}}", "both `default`"),
        ("create_table: {name: t, columns: {a: {type: int}}, constraints: [{name: c}]}", "of one kind"),
        ("enable_row_security: {table: t, policies: [{name: p, for: insert, using: a > 0}]}", "sees no row"),
        ("enable_row_security: {table: t, policies: [{name: p, for: select, check: a > 0}]}", "writes no row"),
        ("enable_row_security: {table: t, policies: [{name: p}, {name: p}]}", "a second policy"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_when_it_is_read(change: str, says: str) -> None:
    with pytest.raises(InvalidPlan) as refused:
        plan(change)
    assert says in str(refused.value)
