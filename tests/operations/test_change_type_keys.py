"""A key with its references: what is refused by name, what is told, and how a key beyond its old type is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import InvalidPlan, WouldDiscard
from crossfade.operations.step import Phase
from crossfade.operations.twins.carry.sequences import widened
from crossfade.plan.load import parse_plan
from crossfade.postgres.catalog import QualifiedName, Sequence
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..fixtures.database import fresh_database
from .life.canonical import canonical

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

KEY = "CREATE TABLE a (id int PRIMARY KEY);"
TREE = """
CREATE TABLE a (id int, part int, CHECK (id > 0), PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE a1 PARTITION OF a FOR VALUES IN (1);
"""


def plan(*more: str, follow: str = "follow_references: true", to: str = "bigint") -> Plan:
    change = ", ".join(("table: a", "column: id", f"to: {to}", *([follow] if follow else []), *more))
    return parse_plan(
        f"crossfade: 1\nname: keys\nretain: 7d\nhold: 0s\nchanges:\n  - change_type: {{{change}}}\n", "p.yaml"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A schema, the one refusal that it earns, and words of its text."""

    setup: str
    code: str
    names: str
    says: str
    follow: str = "follow_references: true"
    to: str = "bigint"


CASES = {
    "a key that is referenced, alone": Case(
        setup=f"{KEY} CREATE TABLE b (a int CONSTRAINT of_a REFERENCES a)",
        follow="",
        code="referenced_key",
        names="public.a.id",
        says="public.b references it (a, constraint of_a)",
    ),
    "a reference of another type": Case(
        setup=f"{KEY} CREATE DOMAIN ref AS int; CREATE TABLE b (a ref REFERENCES a)",
        code="reference_type",
        names="public.b.a",
        says="is public.ref where that is integer",
    ),
    "a reference to a partition": Case(
        setup=f"{TREE} CREATE TABLE b (a int, part int, CONSTRAINT of_a1 FOREIGN KEY (a, part) REFERENCES a1);"
        "CREATE TABLE c (a int, part int, FOREIGN KEY (a, part) REFERENCES a)",
        code="partition_reference",
        names="constraint of_a1 on public.b",
        says="references public.a1, a partition",
    ),
    "a constraint of one partition": Case(
        setup=f"{TREE} CREATE TABLE d (id int PRIMARY KEY);"
        "ALTER TABLE a1 ADD CONSTRAINT of_d FOREIGN KEY (id) REFERENCES d;"
        "CREATE TABLE c (a int, part int, FOREIGN KEY (a, part) REFERENCES a)",
        code="partition_constraint",
        names="constraint of_d on public.a1",
        says="belongs to this partition",
    ),
    "a referencing column that routes its rows": Case(
        setup=f"{KEY} CREATE TABLE b (a int REFERENCES a) PARTITION BY LIST (a)",
        code="partition_key",
        names="public.b.a",
        says="part of the partition key",
    ),
    "an identity of a type that is none": Case(
        setup="CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY); CREATE TABLE b (a int REFERENCES a)",
        to="numeric",
        code="identity_type",
        names="public.a.id",
        says="cannot be numeric",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_reason_is_named(case: Case, database: Database) -> None:
    database.execute(case.setup)
    with Engine(database.url) as engine:
        (refusal, *others) = engine.check(plan(follow=case.follow, to=case.to)).refusals
    assert not others
    assert (refusal.code, refusal.object) == (case.code, case.names)
    assert case.says in refusal.message


@pytest.mark.parametrize("data_type", ["int", "bigint"])
def test_a_referencing_table_of_another_owner_is_refused(data_type: str, database: Database) -> None:
    database.execute(
        f"{KEY} CREATE TABLE b (a {data_type} REFERENCES a); CREATE ROLE other; ALTER TABLE b OWNER TO other"
    )
    database.execute("CREATE ROLE owner LOGIN; ALTER TABLE a OWNER TO owner; GRANT CREATE ON SCHEMA public TO owner")
    database.execute("GRANT CREATE ON DATABASE " + database.name + " TO owner")
    with Engine(database.server.url(database.name, user="owner")) as engine:
        (refusal,) = engine.check(plan()).refusals
    assert (refusal.code, refusal.object) == ("not_owner", "public.b")


def test_every_column_that_follows_is_told_of(database: Database) -> None:
    database.execute(
        f"{KEY} CREATE TABLE b (a int PRIMARY KEY REFERENCES a); CREATE TABLE c (b int REFERENCES b);"
        "CREATE TABLE wide (a bigint REFERENCES a)"
    )
    with Engine(database.url) as engine:
        found = engine.check(plan())
    assert not found.refusals
    assert [c.object for c in found.cautions if c.code == "followed"] == ["public.b.a", "public.c.b"]


@pytest.mark.parametrize("key", ["using: id + 1", "reverse: id - 1", "into: new_id"])
def test_following_takes_the_type_and_nothing_else(key: str) -> None:
    with pytest.raises(InvalidPlan, match="does not go with `follow_references`"):
        plan(key)


@pytest.mark.long
def test_a_revert_stops_at_a_key_beyond_the_old_type_and_no_write_fails_for_it(database: Database) -> None:
    database.execute(f"{KEY} INSERT INTO a VALUES (1); CREATE TABLE b (a int REFERENCES a); INSERT INTO b VALUES (1)")
    with Engine(database.url) as engine:
        engine.start(plan())
        engine.approve("keys", Phase.CONTRACT, "alice")
        assert engine.advance("keys").state is State.RETAINED
        database.execute("INSERT INTO a (id) VALUES (3000000000)")
        with pytest.raises(WouldDiscard) as stopped:
            engine.revert("keys")
        assert stopped.value.message == (
            "reverting run keys would destroy what exists nowhere else: values of id in public.a that integer does not "
            "hold (1 row: id = 3000000000)"
        )
        assert engine.status("keys").state is State.RETAINED
        assert stopped.value.hint == "Copy it elsewhere first, or change it, and do it again: crossfade revert keys"
        database.execute("INSERT INTO a (id) VALUES (3000000001); INSERT INTO b (a) VALUES (3000000001)")
        database.execute("DELETE FROM b WHERE a > 3; DELETE FROM a WHERE id > 3")
        assert engine.revert("keys").state is State.BACKFILLED
        assert engine.rollback("keys").state is State.ROLLED_BACK
    assert database.execute("SELECT a.id, b.a FROM a JOIN b ON b.a = a.id") == [(1, 1)]


SERIAL = """
CREATE TABLE a (id serial, name text, CONSTRAINT k PRIMARY KEY (id) INCLUDE (name) DEFERRABLE);
ALTER TABLE a REPLICA IDENTITY FULL, CLUSTER ON k;
CREATE TABLE b (id smallint GENERATED BY DEFAULT AS IDENTITY (MINVALUE -32768 INCREMENT -1 CYCLE));
INSERT INTO a (name) VALUES ('x'), ('y');
INSERT INTO b DEFAULT VALUES;
"""


@pytest.mark.long
@pytest.mark.alike
def test_numbers_go_on_where_they_were_there_and_back(database: Database) -> None:
    database.execute(SERIAL)
    before = database.dump()
    changes = "".join(f"  - change_type: {{table: {t}, column: id, to: bigint}}\n" for t in ("a", "b"))
    asked = parse_plan(f"crossfade: 1\nname: keys\nretain: 7d\nhold: 0s\nchanges:\n{changes}", "p.yaml")
    with Engine(database.url) as engine:
        for ways in (("back",), ()):
            engine.start(asked)
            engine.approve("keys", Phase.CONTRACT, "alice")
            assert engine.advance("keys").state is State.RETAINED
            database.execute("INSERT INTO a (name) VALUES ('z'); INSERT INTO b DEFAULT VALUES")
            for _ in ways:
                assert engine.revert("keys").state is State.BACKFILLED
                database.execute("INSERT INTO a (name) VALUES ('z'); INSERT INTO b DEFAULT VALUES")
                assert engine.rollback("keys").state is State.ROLLED_BACK
                assert database.dump() == before
        database.execute("UPDATE crossfade.runs SET retain_until = clock_timestamp()")
        assert engine.contract("keys").state is State.CONTRACTED
    assert database.execute("SELECT id FROM a ORDER BY id") == [(n,) for n in range(1, 6)]
    assert database.execute("SELECT id FROM b ORDER BY id DESC") == [(n,) for n in (-1, -2, -3, -4)]
    with fresh_database(database.server) as plain:
        plain.execute(f"{SERIAL} ALTER TABLE a ALTER id TYPE bigint; ALTER SEQUENCE a_id_seq AS bigint")
        plain.execute("ALTER TABLE b ALTER id TYPE bigint")
        assert canonical(database.dump()) == canonical(plain.dump())


@pytest.mark.parametrize(
    ("minimum", "maximum", "expected"),
    [
        (1, 2**31 - 1, (1, 2**63 - 1)),
        (-(2**31), -1, (-(2**63), -1)),
        (1, 1000, (1, 1000)),
    ],
)
def test_a_limit_of_the_old_type_becomes_the_new_ones(minimum: int, maximum: int, expected: tuple[int, int]) -> None:
    name = QualifiedName("public", "s")
    sequence = widened(Sequence(name=name, type="integer", minimum=minimum, maximum=maximum), "bigint")
    assert (sequence.type, sequence.minimum, sequence.maximum) == ("bigint", *expected)
