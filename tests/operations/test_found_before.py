"""What PostgreSQL would refuse halfway, or take where one might not think so: said, or taken, in preflight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.plan.model import Plan
    from crossfade.workflow.results import Preflight

    from ..fixtures.database import Database


def plan(*changes: str) -> Plan:
    listed = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: asked\nhold: 0s\nchanges:\n{listed}", "asked.yaml")


def preflight(database: Database, *changes: str) -> Preflight:
    with Engine(database.url) as engine:
        return engine.check(plan(*changes))


def contracted(database: Database, *changes: str) -> None:
    with Engine(database.url) as engine:
        engine.start(plan(*changes))
        engine.approve("asked", Phase.CONTRACT, "alice")
        assert engine.advance("asked").state is State.CONTRACTED


def test_a_foreign_key_refers_to_no_key_without_overlaps(database: Database) -> None:
    if database.server.major < 18:
        pytest.skip("WITHOUT OVERLAPS came with PostgreSQL 18")
    database.execute("CREATE EXTENSION btree_gist")
    database.execute("CREATE TABLE t (id int, d daterange, PRIMARY KEY (id, d WITHOUT OVERLAPS))")
    database.execute("CREATE TABLE c (id int, d daterange)")
    for columns in ("", ", columns: [id, d]"):
        change = f"add_foreign_key: {{table: c, name: k, columns: [id, d], references: {{table: t{columns}}}}}"
        assert [r.code for r in preflight(database, change).refusals] == ["no_referenced_key"]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("change_type: {table: t, column: up, to: text, reverse: up::int}", "constraint t_up_fkey on public.t"),
        ("change_type: {table: t, column: up, to: numeric}", "constraint t_up_fkey on public.t"),
        ("change_type: {table: t, column: up, to: bigint}", None),
        (
            "add_foreign_key: {table: t, name: k, columns: [n], references: {table: t}}",
            "columns of add_foreign_key on public.t",
        ),
        (
            "add_column: {table: t, name: k, type: numeric, references: {table: t}}",
            "references of add_column on public.t",
        ),
        (
            "create_table: {name: c, columns: {k: {type: numeric, references: {table: t}}}}",
            "columns.k.references of create_table public.c",
        ),
    ],
)
def test_types_that_equal_each_other_need_not_refer_to_each_other(
    database: Database, change: str, refused: str | None
) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t, n numeric)")
    found = preflight(database, change).refusals
    assert [r.object for r in found] == ([refused] if refused else [])
    assert all("cannot be implemented" in r.message and "crossfade" not in r.message for r in found)


def test_a_key_that_stays_on_a_column_that_is_altered_in_place_is_tried_too(database: Database) -> None:
    database.execute("CREATE EXTENSION citext; CREATE TABLE p (id citext PRIMARY KEY, v varchar(5) UNIQUE)")
    database.execute("CREATE TABLE t (id citext REFERENCES p, v varchar(5) REFERENCES p (v))")
    assert preflight(database, "change_type: {table: t, column: v, to: text}").refusals == ()
    found = preflight(database, "change_type: {table: t, column: id, to: text}").refusals
    assert [r.object for r in found] == ["constraint t_id_fkey on public.t"]


def test_a_key_with_a_period_is_tried_by_what_its_gist_index_compares(database: Database) -> None:
    if database.server.major < 18:
        pytest.skip("PERIOD came with PostgreSQL 18")
    database.execute("CREATE EXTENSION btree_gist")
    database.execute("CREATE TABLE p (id int, d daterange, PRIMARY KEY (id, d WITHOUT OVERLAPS))")
    database.execute("CREATE TABLE t (id int, d daterange, FOREIGN KEY (id, PERIOD d) REFERENCES p)")
    assert preflight(database, "rename_column: {table: t, from: id, to: p_id}").refusals == ()
    found = preflight(database, "change_type: {table: t, column: id, to: bigint}").refusals
    assert [r.object for r in found] == ["constraint t_id_d_fkey on public.t"]


@pytest.mark.every_server
@pytest.mark.parametrize(
    ("holder", "columns"),
    [
        ("CREATE TABLE h (a amount[])", "public.h.a"),
        ("CREATE TYPE pair AS (one amount, two int); CREATE TABLE h (p pair, ps pair[])", "public.h.p, public.h.ps"),
        ("CREATE TYPE span AS RANGE (SUBTYPE = amount); CREATE TABLE h (s span)", "public.h.s"),
        ("CREATE DOMAIN less AS amount; CREATE TABLE h (l less, ls less[])", "public.h.ls"),
        ("CREATE DOMAIN less AS amount; CREATE TABLE h (l less); CREATE TABLE i (h h)", "public.i.h"),
        ("CREATE DOMAIN less AS amount; CREATE TABLE h (l less, a amount)", None),
    ],
)
def test_a_domain_inside_of_other_types_is_not_validated(database: Database, holder: str, columns: str | None) -> None:
    """What we say of it is what PostgreSQL does."""
    database.execute("CREATE DOMAIN amount AS int")
    database.execute(holder)
    refusals = preflight(database, "add_domain_check: {domain: amount, name: k, expression: value > 0}").refusals
    assert [r.code for r in refusals] == ([] if columns is None else ["domain_inside"])
    assert all(f": {columns}." in r.message for r in refusals)
    database.execute("ALTER DOMAIN amount ADD CONSTRAINT k CHECK (value > 0) NOT VALID")
    if columns is None:
        database.execute("ALTER DOMAIN amount VALIDATE CONSTRAINT k")
    else:
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            database.execute("ALTER DOMAIN amount VALIDATE CONSTRAINT k")


@pytest.mark.long
def test_a_constraint_that_children_do_not_get_may_be_called_as_one_of_theirs(database: Database) -> None:
    database.execute("CREATE TABLE up (a int CONSTRAINT up_key PRIMARY KEY, b int REFERENCES up)")
    database.execute("CREATE TABLE down (CONSTRAINT k CHECK (a > 1), CONSTRAINT f CHECK (a > 2)) INHERITS (up)")
    refusals = preflight(database, "add_check: {table: up, name: k, expression: a > 0}").refusals
    assert "constraint_exists" in [r.code for r in refusals]
    contracted(
        database,
        "add_check: {table: up, name: k, expression: a > 0, no_inherit: true}",
        "add_foreign_key: {table: up, name: f, columns: [b], references: {table: up}}",
    )
    assert "CONSTRAINT k CHECK ((a > 0)) NO INHERIT" in database.dump()


def test_a_deferrable_key_is_no_arbiter(database: Database) -> None:
    database.execute("CREATE TABLE t (a int)")
    change = "add_unique: {table: t, name: once, columns: [a], deferrable: immediate}"
    assert [c.code for c in preflight(database, change).cautions] == ["deferrable"]
    contracted(database, change)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        database.execute("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING")


@pytest.mark.long
def test_where_nothing_is_hidden_nothing_is_retained(database: Database) -> None:
    """Until then it can be rolled back."""
    asked = parse_plan(
        "crossfade: 1\nname: asked\nretain: 7d\nchanges:\n  - create_enum: {name: mood, values: [glad]}\n", "asked.yaml"
    )
    with Engine(database.url) as engine:
        assert engine.expand(asked).state is State.EXPANDED
        assert engine.rollback("asked").state is State.ROLLED_BACK
        assert database.execute("SELECT to_regtype('mood')") == [(None,)]
        engine.expand(asked)
        assert engine.backfill("asked").state is State.BACKFILLED
        assert engine.contract("asked").state is State.CONTRACTED
    assert database.execute("SELECT to_regtype('mood') IS NOT NULL") == [(True,)]


def test_an_enum_may_have_an_empty_value(database: Database) -> None:
    contracted(database, "create_enum: {name: mood, values: ['', glad]}")
    contracted_values = "SELECT enum_range(NULL::mood)::text[]"
    assert database.execute(contracted_values) == [(["", "glad"],)]


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize(
    ("name", "table", "plain"),
    [
        ("rename_table: {from: t, to: z}", "z", "RENAME TO z"),
        ("move_table: {table: t, to_schema: shop}", "shop.t", "SET SCHEMA shop"),
    ],
)
def test_a_sequence_is_called_after_the_table_as_it_is_from_contract_on(
    database: Database, name: str, table: str, plain: str
) -> None:
    made = "DROP SCHEMA IF EXISTS shop CASCADE; DROP TABLE IF EXISTS z, t; CREATE SCHEMA shop; "
    made += "CREATE TABLE t (id int PRIMARY KEY)"
    database.execute(made)
    database.execute(f"ALTER TABLE t {plain}; ALTER TABLE {table} ALTER id ADD GENERATED ALWAYS AS IDENTITY")
    expected = database.dump()
    database.execute(made)
    contracted(database, name, f"set_identity: {{table: {table}, column: id, generated: always}}")
    assert database.dump() == expected


@pytest.mark.long
def test_indexes_are_built_anew_where_they_are_until_contract(database: Database) -> None:
    database.execute("CREATE SCHEMA shop")
    database.execute("CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id)")
    database.execute("CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (9); CREATE TABLE u (id int PRIMARY KEY)")
    files = "SELECT pg_relation_filenode('t_1_pkey'), pg_relation_filenode(oid) FROM pg_class WHERE relname = 'u_pkey'"
    before = database.execute(files)
    contracted(
        database,
        "move_table: {table: t, to_schema: shop}",
        "reindex: {index: shop.t_pkey}",
        "move_table: {table: u, to_schema: shop}",
        "reindex: {table: shop.u}",
    )
    assert all(was != now for was, now in zip(before[0], database.execute(files)[0], strict=True))
