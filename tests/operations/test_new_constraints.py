"""Constraints that come, go or change their name: what is refused, and what they do beside other changes of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.errors import GateBlocked, InvalidPlan, RowsInTheWay
from crossfade.operations.step import Part, Phase
from crossfade.plan.load import parse_plan
from crossfade.postgres.catalog_read import read_with_partners
from crossfade.postgres.connect import connect
from crossfade.workflow.program import compile_plan
from crossfade.workflow.states import State

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.plan.model import Plan
    from crossfade.postgres.catalog import Catalog

    from ..fixtures.database import Database
    from ..fixtures.servers import Server

SCHEMA = """
    CREATE DOMAIN email AS text CONSTRAINT not_empty CHECK (value <> '');
    CREATE TABLE customers (id int PRIMARY KEY, number int UNIQUE, loose int);
    CREATE TABLE orders (id int CONSTRAINT orders_key PRIMARY KEY, amount int CONSTRAINT worth CHECK (amount > 0),
        customer int NOT NULL CONSTRAINT orders_of REFERENCES customers (number), mail email,
        twice int GENERATED ALWAYS AS (amount * 2) STORED);
    CREATE INDEX taken ON orders (customer);
    CREATE TABLE parted (id int, customer int, CONSTRAINT low CHECK (id > 0)) PARTITION BY RANGE (id);
    CREATE TABLE parted_all PARTITION OF parted DEFAULT;
    CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY);
    CREATE TABLE keyed (id int PRIMARY KEY, name text);
    CREATE PUBLICATION everything FOR TABLE keyed;
"""
TABLES = [(None, name) for name in ("customers", "orders", "parted", "parted_all", "fleeting", "keyed")]


def plan(*changes: str, more: str = "") -> Plan:
    listed = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: the-change\nhold: 0s\n{more}changes:\n{listed}", "plan.yaml")


@pytest.fixture(scope="module")
def catalog(server: Server) -> Iterator[Catalog]:
    with fresh_database(server) as database:
        database.execute(SCHEMA)
        with connect(database.url) as connection:
            connection.execute("RESET search_path")
            yield read_with_partners(connection, TABLES)


FOREIGN = "add_foreign_key: {table: orders, name: k, columns: [amount], references: "
REFUSED = {
    "a check's name that is taken": (
        "add_check: {table: orders, name: worth, expression: amount > 1}",
        ("constraint_exists", "constraint worth on public.orders"),
    ),
    "a column that is not there": (
        "add_check: {table: orders, name: c, expression: amuont > 1}",
        ("no_such_column", "public.orders.amuont"),
    ),
    "a fix of a column that is not there": (
        "add_check: {table: orders, name: c, expression: amount > 1, fix: {amuont: '1'}}",
        ("no_such_column", "public.orders.amuont"),
    ),
    "NO INHERIT on a partitioned table": (
        "add_check: {table: parted, name: c, expression: id > 1, no_inherit: true}",
        ("no_inherit_on_partitioned", "public.parted"),
    ),
    "what is no key": (f"{FOREIGN}{{table: customers, columns: [loose]}}}}", ("no_referenced_key", "public.customers")),
    "no primary key": (f"{FOREIGN}{{table: parted}}}}", ("no_referenced_key", "public.parted")),
    "an unlogged table": (f"{FOREIGN}{{table: fleeting}}}}", ("references_unlogged", "public.fleeting")),
    "a column that is NOT NULL": (
        "set_not_null: {table: orders, column: customer}",
        ("already_not_null", "public.orders.customer"),
    ),
    "a fill of a generated column": (
        "set_not_null: {table: orders, column: twice, fill: '1'}",
        ("generated_column", "public.orders.twice"),
    ),
    "no such constraint": (
        "drop_constraint: {table: orders, name: wroth}",
        ("no_such_constraint", "public.orders.wroth"),
    ),
    "a partition's constraint": (
        "drop_constraint: {table: parted_all, name: low}",
        ("inherited_constraint", "constraint low on public.parted_all"),
    ),
    "a key that is referred to": (
        "drop_constraint: {table: customers, name: customers_number_key}",
        ("referenced_by_foreign_key", "constraint orders_of on public.orders"),
    ),
    "a published table's key": (
        "drop_constraint: {table: keyed, name: keyed_pkey}",
        ("replica_identity", "constraint keyed_pkey on public.keyed"),
    ),
    "a new name that a constraint has": (
        "rename_constraint: {table: orders, from: worth, to: orders_of}",
        ("constraint_exists", "constraint orders_of on public.orders"),
    ),
    "a new name that a relation has": (
        "rename_constraint: {table: orders, from: orders_key, to: taken}",
        ("name_taken", "public.taken"),
    ),
    "no such domain": (
        "add_domain_check: {domain: mail, name: c, expression: value > 'a'}",
        ("no_such_type", "mail"),
    ),
    "a check's name that the domain has": (
        "add_domain_check: {domain: email, name: not_empty, expression: value > 'a'}",
        ("constraint_exists", "constraint not_empty on public.email"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_by_name(catalog: Catalog, case: str) -> None:
    change, expected = REFUSED[case]
    compiled = compile_plan(plan(change), catalog)
    assert [(r.code, r.object) for r in compiled.refusals] == [expected]
    assert compiled.program.steps == ()


@pytest.mark.parametrize(
    "change",
    [
        "set_not_null: {table: notes, column: number}",
        "add_primary_key: {table: notes, columns: [number], name: notes_key}",
        "set_identity: {table: notes, column: number, generated: always}",
    ],
)
def test_nothing_is_built_upon_a_not_null_that_is_not_valid(database: Database, server: Server, change: str) -> None:
    if server.major < 18:
        pytest.skip("PostgreSQL 18 brings NOT NULL that is NOT VALID")
    database.execute("CREATE TABLE notes (number int UNIQUE); ALTER TABLE notes ADD NOT NULL number NOT VALID")
    with connect(database.url) as connection:
        connection.execute("RESET search_path")
        compiled = compile_plan(plan(change), read_with_partners(connection, [(None, "notes")]))
    assert [(r.code, r.object) for r in compiled.refusals] == [("not_validated", "public.notes.number")]


FAULTS = {
    "add_check: {table: t, name: c, expression: '1 > 0'}": "a condition that names no column",
    f"{FOREIGN}{{table: t, columns: [a, b]}}}}": "1 columns cannot refer to 2",
    "add_foreign_key: {table: t, name: k, columns: [a, a], references: {table: t}}": "a column that refers twice",
    f"{FOREIGN}{{table: t}}, initially_deferred: true}}": "`initially_deferred` without `deferrable`",
    "add_domain_check: {domain: d, name: c, expression: email > ''}": "it names email",
    "add_domain_check: {domain: d, name: c, expression: value > '', fix: lower(email)}": "it names email",
    "rename_constraint: {table: t, from: a, to: a}": "named `a` already",
}


@pytest.mark.parametrize("change", FAULTS)
def test_a_mistake_in_a_field_is_named(change: str) -> None:
    with pytest.raises(InvalidPlan, match=FAULTS[change]):
        plan(change)


def test_the_primary_key_is_referred_to_where_the_plan_names_no_columns(catalog: Catalog) -> None:
    (add,) = (
        s
        for s in compile_plan(plan(f"{FOREIGN}{{table: customers}}, on_delete: cascade}}"), catalog).program.steps
        if s.id.endswith("/add")
    )
    assert [s.text for s in add.statements[1:-1]] == [
        (
            'ALTER TABLE "public"."orders" ADD CONSTRAINT "k" FOREIGN KEY ("amount") '
            'REFERENCES "public"."customers" ("id") ON DELETE CASCADE NOT VALID'
        )
    ]


def test_a_foreign_key_without_an_index_is_a_caution(catalog: Catalog) -> None:
    cautions = compile_plan(plan(f"{FOREIGN}{{table: customers}}}}"), catalog).cautions
    assert [c.code for c in cautions] == ["foreign_key_without_index"]


def test_a_check_that_is_enforced_at_once_leaves_nothing_for_contract(catalog: Catalog) -> None:
    program = compile_plan(
        plan("add_check: {table: orders, name: c, expression: amount > 1, fix: {amount: '2'}, enforce: now}"), catalog
    ).program
    assert program.watches == ()
    assert program.is_empty(Phase.CONTRACT)
    assert [s.part for s in program.steps] == [Part.EXPAND, Part.EXPAND, Part.SEAL, Part.SEAL]


@pytest.mark.parametrize(
    ("fill", "counted"), [("'de'", False), ("'de'::text", False), ("NULL", True), ("lower(a)", True)]
)
def test_only_a_constant_is_sure_to_fill(fill: str, counted: bool) -> None:
    (change,) = plan(f'set_not_null: {{table: t, column: c, fill: "{fill}"}}').changes
    assert change.watches_writes is counted


# On a database

ORDERS = """
    CREATE TABLE orders (id int PRIMARY KEY, amount int, name text COLLATE "C");
    INSERT INTO orders SELECT g, g, 'n' || g FROM generate_series(1, 20) g;
"""


def contracted(engine: Engine, asked: Plan) -> None:
    engine.approve(asked.name, Phase.CONTRACT, "alice")
    assert engine.contract(asked.name).state is State.CONTRACTED


@pytest.mark.long
@pytest.mark.every_server
def test_a_check_over_a_column_of_another_type_and_a_new_one(database: Database) -> None:
    """Both are of the same plan, and one has another name until contract."""
    database.execute(ORDERS)
    asked = plan(
        "change_type: {table: orders, column: amount, to: bigint}",
        "add_column: {table: orders, name: discount, type: int}",
        'add_check: {table: orders, name: "fair", expression: "amount > coalesce(discount, 0)"}',
    )
    with Engine(database.url) as engine:
        engine.start(asked)
        engine.advance(asked.name, to=State.BACKFILLED)
        database.execute("INSERT INTO orders (id, amount, discount) VALUES (21, 5, 6)")
        assert database.execute("SELECT column_name, example FROM crossfade.legacy_writes") == [("fair", {"id": 21})]
        database.execute("DELETE FROM orders WHERE id = 21")
        contracted(engine, asked)
    with pytest.raises(psycopg.errors.CheckViolation, match="fair"):
        database.execute("INSERT INTO orders (id, amount, discount) VALUES (21, 5, 6)")


def test_a_column_is_compared_by_its_own_collation(database: Database) -> None:
    """In the collation C capitals come first; by that of the database they may not."""
    database.execute(ORDERS)
    asked = plan("add_check: {table: orders, name: late, expression: name > 'a'}")
    with Engine(database.url) as engine:
        engine.start(asked)
        engine.advance(asked.name, to=State.EXPANDED)
        database.execute("INSERT INTO orders VALUES (21, 1, 'Z'), (22, 1, 'b')")
        (watch,) = engine.explain(asked).program.watches
        found = database.execute(f"SELECT id FROM orders WHERE {watch.violated}(orders)")
        assert found == [(21,)]


@pytest.mark.long
def test_a_drop_that_comes_back_names_the_rows_that_broke_it(database: Database) -> None:
    """Nothing is done, and after a repair the same command goes on."""
    database.execute("CREATE TABLE orders (id int PRIMARY KEY, amount int CONSTRAINT worth CHECK (amount > 0))")
    asked = plan("drop_constraint: {table: orders, name: worth}", more="retain: 7d\n")
    with Engine(database.url) as engine:
        engine.start(asked)
        engine.approve(asked.name, Phase.CONTRACT, "alice")
        assert engine.advance(asked.name).state is State.RETAINED
        database.execute("INSERT INTO orders VALUES (1, -1)")
        with pytest.raises(RowsInTheWay, match=r"constraint worth refuses, which comes back \(1 row: id = 1\)"):
            engine.revert(asked.name)
        assert engine.status(asked.name).state is State.RETAINED
        database.execute("UPDATE orders SET amount = 1")
        assert engine.revert(asked.name).state is State.BACKFILLED
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute("INSERT INTO orders VALUES (2, -1)")


@pytest.mark.long
def test_a_fill_that_gives_null_is_counted(database: Database) -> None:
    """Nobody is refused for it before contract, and contract waits until there is none."""
    database.execute(ORDERS)
    asked = plan("set_not_null: {table: orders, column: amount, fill: length(name)}")
    with Engine(database.url) as engine:
        engine.start(asked)
        engine.advance(asked.name, to=State.BACKFILLED)
        database.execute("INSERT INTO orders (id, name) VALUES (21, 'four'), (22, NULL)")
        assert database.execute("SELECT amount FROM orders WHERE id > 20 ORDER BY id") == [(4,), (None,)]
        assert database.execute("SELECT example FROM crossfade.legacy_writes") == [({"id": 22},)]
        database.execute("UPDATE orders SET name = 'x' WHERE id = 22")
        contracted(engine, asked)
    assert database.execute("SELECT amount FROM orders WHERE id = 22") == [(1,)]


@pytest.mark.long
def test_a_check_that_is_enforced_at_once_refuses_and_repairs(database: Database) -> None:
    """And is contracted once it is validated."""
    database.execute(ORDERS + "UPDATE orders SET amount = -amount WHERE id > 10")
    asked = plan("add_check: {table: orders, name: worth, expression: amount > 0, fix: {amount: '1'}, enforce: now}")
    with Engine(database.url) as engine:
        engine.start(asked)
        assert engine.advance(asked.name, to=State.EXPANDED).state is State.EXPANDED
        with pytest.raises(psycopg.errors.CheckViolation):
            database.execute("INSERT INTO orders VALUES (21, -1)")
        assert engine.advance(asked.name).state is State.CONTRACTED
    assert database.execute("SELECT convalidated FROM pg_constraint WHERE conname = 'worth'") == [(True,)]
    assert database.execute("SELECT sum(amount) FROM orders") == [(65,)]


@pytest.mark.long
def test_a_row_that_the_fix_does_not_repair_holds_contract_back(database: Database) -> None:
    """Such rows may come at any time until contract, so the backfill ends, and the gate counts them."""
    database.execute(ORDERS + "UPDATE orders SET amount = -1 WHERE id = 7")
    asked = plan("add_check: {table: orders, name: worth, expression: amount > 0, fix: {amount: amount}}")
    with Engine(database.url) as engine:
        engine.start(asked)
        assert engine.advance(asked.name, to=State.BACKFILLED).state is State.BACKFILLED
        engine.approve(asked.name, Phase.CONTRACT, "alice")
        with pytest.raises(GateBlocked, match=r"1 row of public\.orders violates worth"):
            engine.contract(asked.name)
        database.execute("UPDATE orders SET amount = 7 WHERE id = 7")
        contracted(engine, asked)


def test_a_check_of_a_domain_that_no_column_has_is_there_after_expand(database: Database) -> None:
    database.execute("CREATE DOMAIN email AS text")
    asked = plan("add_domain_check: {domain: email, name: small, expression: value = lower(value)}")
    with Engine(database.url) as engine:
        engine.start(asked)
        assert engine.advance(asked.name).state is State.CONTRACTED
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute("SELECT 'A'::email")


@pytest.mark.long
def test_a_check_that_no_write_can_violate_holds_up_nothing(database: Database) -> None:
    database.execute("CREATE DOMAIN email AS text")
    check = "add_domain_check: {domain: email, name: small, expression: value = lower(value)}"
    other = "sql: {contract: [ALTER DOMAIN email SET DEFAULT 'a'], irreversible: true, reason: x}"
    asked = plan(check, other)
    with Engine(database.url) as engine:
        engine.start(asked)
        engine.approve(asked.name, Phase.CONTRACT, "alice")
        assert engine.advance(asked.name).state is State.CONTRACTED
