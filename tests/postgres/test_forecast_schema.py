"""The model between statements: names from before, relations that nobody else sees, and what cannot be foreseen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crossfade.postgres.catalog import Catalog, Column, Constraint, Dependent, ForeignKey, QualifiedName, Table
from crossfade.postgres.forecast import Schema
from crossfade.postgres.forecast.bounds import lies_outside, lies_within, read_bound
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.forecast.proof import proves_not_null
from crossfade.postgres.forecast.trees import expression, one_statement
from crossfade.postgres.forecast.type_names import parse_type
from crossfade.postgres.forecast.volatility import is_volatile
from crossfade.postgres.statement import Lock, LockMode

if TYPE_CHECKING:
    from ..fixtures.database import Database

AX, SRX, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE


def public(name: str) -> QualifiedName:
    return QualifiedName("public", name)


def column(name: str, type_name: str = "integer", category: str = "N") -> Column:
    return Column(
        name=name, number=1, type=type_name, type_category=category, base_type=QualifiedName("pg_catalog", "int4")
    )


TEAMS = Table(name=public("teams"), oid=1, columns=(column("id"),))
USERS = Table(
    name=public("Users"),
    oid=2,
    columns=(column("id"), column("team")),
    constraints=(
        Constraint(
            name="in_team",
            kind="foreign",
            columns=("team",),
            definition="",
            referenced=public("teams"),
            referenced_columns=("id",),
        ),
    ),
)
SCHEMA = Schema.of(
    Catalog(
        server_version=180000,
        tables=(TEAMS, USERS),
        all_table_names=(public("Users"), public("far"), public("teams")),
        relation_names=frozenset({public("numbers")}),
    )
)


def after(*statements: str, schema: Schema = SCHEMA) -> Schema:
    for statement in statements:
        forecast, schema = schema.foresee(statement)
        assert forecast.unknown is None
    return schema


def locks(statement: str, schema: Schema = SCHEMA) -> dict[str, LockMode]:
    forecast, _ = schema.foresee(statement)
    assert forecast.unknown is None
    return {lock.relation: lock.mode for lock in forecast.locks}


def test_a_table_that_goes_leaves_those_alone_that_it_has_nothing_to_do_with() -> None:
    schema = after("DROP TABLE far")
    assert schema.tables[public("Users")] is USERS
    assert after("DROP TABLE teams CASCADE").tables[public("Users")].constraints == ()


def test_a_view_goes_as_a_whole_with_the_type_of_one_of_its_columns() -> None:
    mood = replace(column("m"), type="mood", type_name=public("mood"))
    people = Table(name=public("people"), columns=(column("id"), mood))
    shown = Table(name=public("shown"), kind="view", columns=(column("id"), mood))
    people = replace(people, dependents=(Dependent(kind="view", name="public.shown", columns=("m",)),))
    schema = Schema.of(
        Catalog(server_version=180000, tables=(people, shown), all_table_names=(people.name, shown.name))
    )
    left = after("DROP TYPE mood CASCADE", schema=schema).tables
    assert {name: [c.name for c in table.columns] for name, table in left.items()} == {people.name: ["id"]}


def test_a_name_is_printed_as_sql_spells_it() -> None:
    forecast, _ = SCHEMA.foresee('ALTER TABLE "Users" ADD COLUMN x int DEFAULT random()')

    assert forecast.locks == (Lock(relation='public."Users"', mode=AX),)
    assert forecast.rewrites == forecast.scans == ('public."Users"',)
    assert forecast.transactional


def test_a_renamed_table_is_told_by_its_name_from_before() -> None:
    schema = after('ALTER TABLE "Users" RENAME TO people', "ALTER TABLE people SET SCHEMA other", schema=SCHEMA)

    assert locks("ALTER TABLE other.people DROP CONSTRAINT in_team", schema) == {
        'public."Users"': AX,
        "public.teams": AX,
    }
    assert SCHEMA.foresee("ALTER TABLE other.people ADD COLUMN x int")[0].unknown


def test_two_tables_may_swap_their_names() -> None:
    schema = after(
        'ALTER TABLE "Users" RENAME TO old', 'ALTER TABLE teams RENAME TO "Users"', "ALTER TABLE old RENAME TO teams"
    )

    assert locks("ALTER TABLE teams ADD COLUMN x int", schema) == {'public."Users"': AX}
    assert locks('ALTER TABLE "Users" ADD COLUMN x int', schema) == {"public.teams": AX}


def test_a_table_that_the_program_made_is_nobody_elses() -> None:
    schema = after("CREATE TABLE fresh (id int PRIMARY KEY, team int)")

    assert locks("ALTER TABLE fresh ADD COLUMN x int DEFAULT random()", schema) == {}
    assert locks("ALTER TABLE fresh ADD FOREIGN KEY (team) REFERENCES teams", schema) == {"public.teams": SRX}
    assert locks("ALTER TABLE teams ADD FOREIGN KEY (id) REFERENCES fresh", schema) == {"public.teams": SRX}


def test_one_that_takes_the_name_of_a_dropped_one_is_new() -> None:
    schema = after('DROP TABLE "Users"', 'CREATE TABLE "Users" (id int)')

    assert locks('ALTER TABLE "Users" ADD COLUMN x int', schema) == {}


def test_what_statements_leave_is_what_later_ones_find() -> None:
    schema = after(
        'ALTER TABLE "Users" ADD COLUMN boss int',
        'ALTER TABLE "Users" ADD FOREIGN KEY (boss) REFERENCES teams NOT VALID',
        'ALTER TABLE "Users" ADD CHECK (boss IS NOT NULL) NOT VALID',
    )
    unproved, _ = schema.foresee('ALTER TABLE "Users" ALTER boss SET NOT NULL')
    key, schema = schema.foresee('ALTER TABLE "Users" VALIDATE CONSTRAINT "Users_boss_fkey"')
    check, schema = schema.foresee('ALTER TABLE "Users" VALIDATE CONSTRAINT "Users_boss_check"')
    proved, _ = schema.foresee('ALTER TABLE "Users" ALTER boss SET NOT NULL')
    both, _ = schema.foresee('ALTER TABLE "Users" ALTER boss SET NOT NULL, DROP CONSTRAINT "Users_boss_check"')

    assert key.locks == (
        Lock(relation='public."Users"', mode=SUE),
        Lock(relation="public.teams", mode=LockMode.ROW_SHARE),
    )
    assert check.scans == unproved.scans == both.scans == ('public."Users"',)
    assert proved.scans == ()


def test_a_table_that_was_not_read_is_a_plain_one() -> None:
    forecast, _ = SCHEMA.foresee("ALTER TABLE far ADD COLUMN x int")

    assert forecast.locks == (Lock(relation="public.far", mode=AX),)


def test_a_foreign_key_of_a_table_that_was_not_read_is_known_from_the_other_end() -> None:
    key = ForeignKey(name="k", table=public("far"), columns=("team",), referenced_columns=("id",), definition="")
    teams = Table(name=public("teams"), oid=1, columns=(column("id"),), incoming_foreign_keys=(key,))
    schema = Schema.of(Catalog(server_version=180000, tables=(teams,), all_table_names=(public("far"), teams.name)))

    assert locks("ALTER TABLE far DROP CONSTRAINT k", schema) == {"public.far": AX, "public.teams": AX}
    assert locks("DROP TABLE teams CASCADE", schema) == {"public.far": AX, "public.teams": AX}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DO $$ BEGIN END $$", "a DO block may do anything"),
        ("CALL tidy()", "a procedure may do anything"),
        ("CREATE EXTENSION hstore", "an extension's script may do anything"),
        ("COMMIT", "it begins or ends a transaction"),
        ("ALTER TABEL users", "it is not readable as SQL"),
        ("", "it is 0 statements, not one"),
        ("SELECT 1; SELECT 2", "it is 2 statements, not one"),
        ("ALTER TABLE missing ADD COLUMN x int", "there is no table public.missing in the catalog"),
        ("DROP TABLE missing", "there is no table missing in the catalog"),
        ("DROP INDEX missing", "the index missing is on none of the tables that were read"),
        ("CREATE INDEX ON missing (id)", "there is no table missing in the catalog"),
    ],
)
def test_what_cannot_be_foreseen_says_why_and_changes_nothing(statement: str, why: str) -> None:
    forecast, schema = SCHEMA.foresee(statement)

    assert why in (forecast.unknown or "")
    assert (forecast.locks, forecast.rewrites, forecast.scans) == ((), (), ())
    assert schema is SCHEMA


def test_a_select_that_calls_a_function_of_the_users_is_unknown() -> None:
    schema = after("CREATE FUNCTION tidy() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'")

    assert schema.foresee("SELECT tidy()")[0].unknown == "it calls tidy, which may do anything"
    assert schema.foresee("SELECT setval('numbers', 1)")[0].unknown is None


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY ON teams (id)",
        "DROP INDEX CONCURRENTLY IF EXISTS i",
        "REINDEX (CONCURRENTLY) TABLE teams",
        "REINDEX SCHEMA public",
        "VACUUM teams",
        "VACUUM (FULL) teams",
        "VACUUM",
        "CLUSTER",
        "CREATE DATABASE d",
        "DROP DATABASE d",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "CREATE TABLESPACE s LOCATION '/s'",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
    ],
)
def test_refused_inside_a_transaction(statement: str) -> None:
    assert not SCHEMA.foresee(statement)[0].transactional


@pytest.mark.parametrize(
    "statement", ["REINDEX (CONCURRENTLY FALSE) TABLE teams", "ANALYZE teams", "CREATE INDEX ON teams (id)"]
)
def test_fit_for_a_transaction(statement: str) -> None:
    assert SCHEMA.foresee(statement)[0].transactional


@pytest.mark.parametrize(
    ("check", "proved"),
    [
        ("CHECK ((a IS NOT NULL))", True),
        ("CHECK (((b > 0) AND (a IS NOT NULL)))", True),
        ("CHECK ((NOT (a IS NULL)))", True),
        ("CHECK (((a IS NOT NULL) OR (a IS NOT NULL)))", True),
        ("CHECK (((a IS NOT NULL) OR (b IS NOT NULL)))", False),
        ("CHECK ((a IS NULL))", False),
        ("CHECK ((a > 0))", False),
        ("CHECK ((b IS NOT NULL))", False),
        ("CHECK ((NOT (a IS NOT NULL)))", False),
    ],
)
def test_proof_of_not_null(check: str, proved: bool) -> None:
    constraint = Constraint(name="c", kind="check", columns=("a",), definition=check)
    table = Table(name=public("t"), columns=(column("a"), column("b")), constraints=(constraint,))

    assert proves_not_null(table, "a") is proved


@pytest.mark.parametrize(
    ("check", "bound", "within", "outside"),
    [
        ("k >= 1 AND k < 9", "FROM (1) TO (9)", True, False),
        ("k >= 2 AND k <= 8", "FROM (1) TO (9)", True, False),
        ("k >= 1 AND k <= 9", "FROM (1) TO (9)", False, False),
        ("k > 0 AND k < 9", "FROM (1) TO (9)", False, False),
        ("9 > k AND 1 <= k", "FROM ('1') TO ('9')", True, False),
        ("k >= (0 + 2)", "FROM (1) TO (MAXVALUE)", True, False),
        ("k < 1", "FROM (1) TO (9)", False, True),
        ("k <= 1", "FROM (1) TO (9)", False, False),
        ("k < 1 OR k >= 9", "FROM (1) TO (9)", False, True),
        ("k < 1 OR k > 7", "FROM (1) TO (9)", False, False),
        ("k IN (2, 3)", "FROM (1) TO (9)", True, False),
        ("k IN (2, 3)", "IN (1, 2, 3)", True, False),
        ("k = 2", "IN (1, 2, 3)", True, False),
        ("k IN (2, 4)", "IN (1, 2, 3)", False, False),
        ("k = 10000000000::bigint", "IN ('10000000000')", True, False),
        ("k IN (4, 5)", "IN (1, 2, 3)", False, True),
        ("k IN (4, 5)", "IN (1, NULL)", False, False),
        ("other >= 1 AND other < 9", "FROM (1) TO (9)", False, False),
        ("k >= 1 AND k < 9", "WITH (MODULUS 2, REMAINDER 0)", False, False),
        ("k >= 1", "FROM (1, 2) TO (9, 2)", False, False),
    ],
)
def test_proof_of_a_bound(check: str, bound: str, within: bool, outside: bool) -> None:
    constraints = (Constraint(name="c", kind="check", columns=("k",), definition=f"CHECK ({check})"),)
    key = Column(
        name="k",
        number=1,
        type="bigint",
        type_category="N",
        base_type=QualifiedName("pg_catalog", "int8"),
        not_null=True,
    )
    table = Table(name=public("t"), columns=(key,), constraints=constraints)
    node = one_statement(f"ALTER TABLE p ATTACH PARTITION t FOR VALUES {bound}").cmds[0].def_.bound

    assert (lies_within(table, "k", read_bound(node)), lies_outside(table, "k", read_bound(node))) == (within, outside)


@pytest.mark.parametrize("nullable", [True, False])
def test_a_text_has_an_order_of_its_own_and_null_no_place(nullable: bool) -> None:
    key = Column(name="k", number=1, type="text", not_null=not nullable)
    constraint = Constraint(name="c", kind="check", columns=("k",), definition="CHECK ((k >= 'b') AND (k = 'c'))")
    table = Table(name=public("t"), columns=(key,), constraints=(constraint,))

    def proved(bound: str) -> bool:
        node = one_statement(f"ALTER TABLE p ATTACH PARTITION t FOR VALUES {bound}").cmds[0].def_.bound
        return lies_within(table, "k", read_bound(node))

    assert not proved("FROM ('a') TO (MAXVALUE)")
    assert not proved("FROM (MINVALUE) TO (MAXVALUE)")
    assert proved("IN ('c', 'd')") is not nullable


@pytest.mark.every_server
def test_every_volatile_function_of_the_server_is_taken_for_one(database: Database) -> None:
    rows = database.execute(
        "SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v' AND prokind = 'f' AND NOT proretset"
        " AND pronamespace = 'pg_catalog'::regnamespace AND prorettype NOT IN"
        " ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype, 'void'::regtype)"
    )

    assert [name for (name,) in rows if not is_volatile(expression(f"{name}()"), {}, ("public",))] == []
    assert not is_volatile(expression("now() + interval '1 day' * length(upper('x'))"), {}, ("public",))


@pytest.mark.every_server
def test_names_are_chosen_as_the_server_chooses_them(database: Database) -> None:
    long, wide = "t" * 50, "ü" * 30
    with database.connect(autocommit=True) as connection:
        connection.execute(
            f"CREATE TABLE {long} ({wide} int UNIQUE, b int, UNIQUE (b, {wide}), CHECK (b > 0), CHECK (b > 1))".encode()
        )
        rows = connection.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass", [long]).fetchall()

    columns = [((wide,), "key"), (("b", wide), "key"), (("b",), "check"), (("b",), "check")]
    chosen: list[str] = []
    for names, label in columns:
        chosen.append(chosen_name(long, names, label, chosen))
    assert {name for (name,) in rows} == set(chosen)


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("int8", "bigint"),
        ("decimal(12,2)", "numeric(12,2)"),
        ("numeric(5)", "numeric(5,0)"),
        ("timestamptz(3)", "timestamp(3) with time zone"),
        ("varchar(50)", "character varying(50)"),
        ("char", "character(1)"),
        ("bpchar", "bpchar"),
        ("bit varying(4)", "bit varying(4)"),
        ("interval day to second(3)", "interval day to second(3)"),
        ("float(10)[]", "real[]"),
        ('public."Status"', 'public."Status"'),
        ("status", "status"),
    ],
)
def test_a_type_is_spelled_as_the_catalog_spells_it(written: str, spelled: str) -> None:
    assert parse_type(written).spelled == spelled
