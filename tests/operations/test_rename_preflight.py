"""What speaks against a rename: each refusal on a real catalog, with the object it names and what accepts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from crossfade.errors import PlanChanged, PreflightRefused
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.step import Caution
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

USERS = "CREATE TABLE users (id int PRIMARY KEY, email text, name text)"
TRIGGER_FUNCTION = (
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'x'; RETURN NEW; END $$"
)


def plan(*, table: str = "users", old: str = "email", new: str = "email_address", name: str = "a-rename") -> Plan:
    change = f"{{table: {table}, from: {old}, to: {new}}}"
    return parse_plan(f"crossfade: 1\nname: {name}\nchanges:\n  - rename_column: {change}\n", "plan.yaml")


def refusals(database: Database, asked: Plan, *acks: str) -> list[Refusal]:
    with Engine(database.url) as engine:
        return list(engine.check(asked, acks).refusals)


def cautions(database: Database, asked: Plan) -> list[Caution]:
    with Engine(database.url) as engine:
        return list(engine.check(asked).cautions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A schema, the one refusal that it earns, and words of its text."""

    setup: str
    code: str
    names: str
    """What the refusal has to be about."""
    says: str
    ack: str | None = None
    asked: Plan | None = None


CASES = {
    "no such table": Case(
        setup=USERS, asked=plan(table="usres"), code="no_such_table", names="usres", says="Did you mean users?"
    ),
    "no such schema": Case(
        setup=USERS, asked=plan(table="shop.users"), code="no_such_table", names="shop.users", says="users"
    ),
    "no such column": Case(
        setup=USERS, asked=plan(old="emial"), code="no_such_column", names="public.users.emial", says="mean email?"
    ),
    "a view in place of the table": Case(
        setup=f"{USERS}; CREATE VIEW people AS SELECT * FROM users",
        asked=plan(table="people"),
        code="not_a_table",
        names="public.people",
        says="it is a view",
    ),
    "the new name is taken": Case(
        setup=f"{USERS}; ALTER TABLE users ADD email_address text",
        code="name_taken",
        names="public.users.email_address",
        says="already has",
    ),
    "the new name is a system column's": Case(
        setup=USERS, asked=plan(new="xmin"), code="name_taken", names="public.users.xmin", says="system column"
    ),
    "a child has the new name already": Case(
        setup="CREATE TABLE users (id int, email text); CREATE TABLE child (email_address text) INHERITS (users)",
        code="name_taken",
        names="public.child.email_address",
        says="already has",
    ),
    "an inherited column": Case(
        setup=f"{USERS}; CREATE TABLE staff (rank int) INHERITS (users)",
        asked=plan(table="staff"),
        code="inherited_column",
        names="public.staff.email",
        says="public.users",
    ),
    "a generated column": Case(
        setup="CREATE TABLE users (id int PRIMARY KEY, email text GENERATED ALWAYS AS (id::text) STORED)",
        code="generated_column",
        names="public.users.email",
        says="second generated column",
    ),
    "part of the partition key": Case(
        setup="CREATE TABLE users (id int, email text) PARTITION BY LIST (email)",
        code="partition_key",
        names="public.users.email",
        says="partition key",
    ),
    "a partition that is foreign": Case(
        setup="CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;"
        "CREATE TABLE users (id int, email text) PARTITION BY LIST (id);"
        "CREATE FOREIGN TABLE far PARTITION OF users FOR VALUES IN (1) SERVER files OPTIONS (filename '/dev/null')",
        code="foreign_partition",
        names="public.far",
        says="Detach",
    ),
    "a typed table": Case(
        setup="CREATE TYPE person AS (id int, email text); CREATE TABLE users OF person",
        code="unsupported_table",
        names="public.users",
        says="person",
    ),
    "a trigger that fires after ours": Case(
        setup=f"{USERS}; {TRIGGER_FUNCTION};"
        'CREATE TRIGGER "~zz" BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()',
        code="trigger_order",
        names="trigger ~zz on public.users",
        says="RENAME TO",
    ),
    "a trigger on UPDATE OF the column": Case(
        setup=f"{USERS}; {TRIGGER_FUNCTION};"
        "CREATE TRIGGER audit AFTER UPDATE OF email ON users FOR EACH ROW EXECUTE FUNCTION touch()",
        code="trigger_columns",
        names="trigger audit on public.users",
        says="UPDATE OF email",
        ack="triggers",
    ),
    "a trigger with the column in its WHEN": Case(
        setup=f"{USERS}; {TRIGGER_FUNCTION}; CREATE TRIGGER stamp BEFORE UPDATE ON users FOR EACH ROW"
        " WHEN (NEW.email IS DISTINCT FROM OLD.email) EXECUTE FUNCTION touch()",
        code="trigger_when",
        names="trigger stamp on public.users",
        says="names email",
        ack="triggers",
    ),
    "a trigger whose function names the column": Case(
        setup=f"{USERS}; CREATE FUNCTION lower_it() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.email := lower(NEW.email); RETURN NEW; END $$;"
        "CREATE TRIGGER lower_it BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION lower_it()",
        code="trigger_function",
        names="trigger lower_it on public.users",
        says="names email",
        ack="triggers",
    ),
    "a view": Case(
        setup=f"{USERS}; CREATE VIEW addresses AS SELECT email FROM users",
        code="dependent",
        names="view public.addresses",
        says="public.users.email",
        ack="dependents",
    ),
    "a policy": Case(
        setup=f"{USERS}; CREATE POLICY own ON users USING (email = current_user)",
        code="dependent",
        names="policy own",
        says="public.users.email",
        ack="dependents",
    ),
    "a rule": Case(
        setup=f"{USERS}; CREATE RULE quiet AS ON UPDATE TO users WHERE NEW.email = '' DO INSTEAD NOTHING",
        code="dependent",
        names="rule quiet",
        says="public.users.email",
        ack="dependents",
    ),
    "a generated column over it": Case(
        setup="CREATE TABLE users (id int, email text, domain text GENERATED ALWAYS AS (lower(email)) STORED)",
        code="dependent",
        names="generated column",
        says="public.users.email",
        ack="dependents",
    ),
    "a function with a parsed body": Case(
        setup=f"{USERS}; CREATE FUNCTION first_address() RETURNS text LANGUAGE sql BEGIN ATOMIC"
        " SELECT email FROM users ORDER BY id LIMIT 1; END",
        code="dependent",
        names="function public.first_address",
        says="public.users.email",
        ack="dependents",
    ),
    "a foreign key from another table": Case(
        setup="CREATE TABLE users (id int, email text UNIQUE);"
        "CREATE TABLE logins (email text CONSTRAINT of_user REFERENCES users (email))",
        code="dependent",
        names="foreign key of_user",
        says="public.users.email",
        ack="dependents",
    ),
    "a logical publication": Case(
        setup=f"{USERS}; CREATE PUBLICATION feed FOR TABLE users",
        code="logical_replication",
        names="public.users",
        says="publication feed",
        ack="cdc",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_is_refused_by_name(database: Database, case: Case) -> None:
    """Refused with the object's name and what to do, in `check` and in `start`; where that is allowed, accepted."""
    database.execute(sql.SQL(case.setup))
    asked = case.asked or plan()
    [found] = refusals(database, asked)
    assert (found.code, found.ack) == (case.code, case.ack)
    assert case.names in found.object
    assert case.says in f"{found.message} {found.instead}"
    assert found.instead
    with Engine(database.url) as engine, pytest.raises(PreflightRefused) as refused:
        engine.start(asked)
    assert found.object in refused.value.message
    if case.ack is not None:
        assert refusals(database, asked, case.ack) == []


def test_a_publication_with_a_column_list_depends_on_the_column(database: Database) -> None:
    """Both the list and the subscriber are named."""
    if database.server.major < 15:
        pytest.skip("column lists came with PostgreSQL 15")
    database.execute(f"{USERS}; CREATE PUBLICATION feed FOR TABLE users (id, email)")
    found = {(r.code, r.object) for r in refusals(database, plan())}
    assert ("dependent", "publication feed") in found


def test_all_that_speaks_against_it_comes_at_once(database: Database) -> None:
    database.execute(f"{USERS}; ALTER TABLE users ADD email_address text; CREATE VIEW v AS SELECT email FROM users")
    assert [r.code for r in refusals(database, plan())] == ["name_taken", "dependent"]


def test_a_role_that_does_not_own_the_table_is_refused(database: Database) -> None:
    database.execute(f"{USERS}; CREATE ROLE guest LOGIN; CREATE ROLE boss; ALTER TABLE users OWNER TO boss")
    with Engine(database.server.url(database.name, user="guest")) as engine:
        [found] = engine.check(plan()).refusals
    assert (found.code, found.object) == ("not_owner", "public.users")
    assert "boss" in found.message
    database.execute("DROP TABLE users")


@pytest.mark.long
def test_two_runs_on_one_column_are_refused_and_on_two_columns_are_not(database: Database) -> None:
    """Neither the column that another run renames, nor its twin, nor its hidden twin."""
    database.execute(USERS)
    with Engine(database.url) as engine:
        engine.expand(plan())
        for old, new in (("email", "mail"), ("email_address", "mail")):
            [found] = refusals(database, plan(old=old, new=new, name="another"))
            assert (found.code, found.object) == ("in_another_run", f"public.users.{old}")
            assert "run a-rename" in found.message
        assert refusals(database, plan(old="name", new="full_name", name="another")) == []
        assert engine.expand(plan(old="name", new="full_name", name="another")).state is State.EXPANDED
        engine.rollback("a-rename")
        assert [r.code for r in refusals(database, plan(old="email", new="mail", name="third"))] == []


def test_a_plan_names_a_column_once(database: Database) -> None:
    database.execute(USERS)
    chained = parse_plan(
        "crossfade: 1\nname: chained\nchanges:\n"
        "  - rename_column: {table: users, from: email, to: mail}\n"
        "  - rename_column: {table: users, from: mail, to: email_address}\n",
        "plan.yaml",
    )
    [found] = refusals(database, chained)
    assert (found.code, found.object) == ("in_another_run", "public.users.mail")


def test_cautions_name_what_may_fail(database: Database) -> None:
    """A volatile default, the text of a function, triggers that the backfill fires, and two arbiters of upserts."""
    database.execute(
        "CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE DEFAULT gen_random_uuid()::text, name text);"
        f"{TRIGGER_FUNCTION}; CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();"
        "CREATE FUNCTION find(text) RETURNS int LANGUAGE sql AS 'SELECT id FROM users WHERE email = $1'"
    )
    found = {c.code: c for c in cautions(database, plan())}
    assert set(found) == {"volatile_default", "function_text", "triggers_fire", "two_arbiters"}
    assert "public.find" in found["function_text"].object
    assert "touch" in found["triggers_fire"].message


def test_what_a_person_accepts_later_is_added(database: Database) -> None:
    """A view that came after the start is accepted with the command that meets it."""
    database.execute(USERS)
    with Engine(database.url) as engine:
        engine.start(plan())
        database.execute("CREATE VIEW addresses AS SELECT email FROM users")
        with pytest.raises(PreflightRefused):
            engine.expand("a-rename")
        assert engine.expand("a-rename", acks=["dependents"]).state is State.EXPANDED
        assert ("acknowledged", {"acks": ["dependents"]}) in [(e.kind, e.data) for e in engine.history("a-rename")]


def test_our_own_objects_of_another_run_are_no_reason_for_caution(database: Database) -> None:
    database.execute(USERS)
    with Engine(database.url) as engine:
        engine.expand(plan())
    assert cautions(database, plan(old="name", new="full_name", name="another")) == []


def test_a_plan_whose_run_is_under_way_has_nothing_left_to_meet(database: Database) -> None:
    """CI checks every plan file of a repository, whatever has become of its run."""
    database.execute(USERS)
    with Engine(database.url) as engine:
        before = engine.explain(plan())
        engine.expand(plan())
        found = engine.check(plan())
        assert (found.refusals, found.cautions, found.state) == ((), (), State.EXPANDED)
        assert engine.explain(plan()).program == before.program
        with pytest.raises(PlanChanged):
            engine.check(plan(new="mail"))
