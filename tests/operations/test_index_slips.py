"""A slip in an index is told at its field, and a name that is not there with what fits the kind of thing it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.workflow.engine import Engine

from .test_plan_slips import plan

if TYPE_CHECKING:
    from ..fixtures.database import Database

SETUP = "CREATE TABLE t (id int PRIMARY KEY, a int, b text, j json, during int4range)"
SLIPS = {
    "columns: [b, {expression: nosuch(a)}], where: b = 1, tablespace: nosuch, with: {fillfactor: 70}": {
        "columns.1.expression": "search_path (public)",
        "where": "search_path (public)",
        "tablespace": "CREATE TABLESPACE",
    },
    "columns: [a, b], method: nosuch": {"method": "CREATE EXTENSION"},
    "columns: [a], method: heap": {"method": "btree, hash"},
    "columns: [{expression: 'a::text'}, {expression: 'now()::text', collation: C}], where: random() > a": {
        "columns.1.expression": "IMMUTABLE",
        "where": "IMMUTABLE",
    },
    "columns: [{column: a, opclass: nosuch}, {expression: lower(b), collation: nosuch}]": {
        "columns.0.opclass": "pg_opclass",
        "columns.1.collation": "pg_collation",
    },
    "columns: [b, j]": {"columns.1": "default operator class"},
    "columns: [{column: a, order: desc}], method: hash": {"columns.0.order": "Leave it out"},
    "columns: [a], unique: true, method: hash": {"unique": "btree"},
    "columns: [a], include: [b], method: hash": {"include": "gist"},
    "columns: [during], method: gist, with: {deduplicate_items: true}": {"with": "parameters of each method"},
}


def test_a_slip_in_an_index_is_told_at_its_field(database: Database) -> None:
    database.execute(SETUP)
    for fields, expected in SLIPS.items():
        with Engine(database.url) as engine:
            refusals = engine.check(plan(f"create_index: {{table: t, name: x, {fields}}}")).refusals
        assert {r.object for r in refusals} == {f"{field} of create_index x on public.t" for field in expected}, fields
        assert len(refusals) == len(expected), fields
        for refusal in refusals:
            assert expected[refusal.object.partition(" ")[0]] in refusal.instead, refusal


def test_a_role_that_is_not_there_lies_in_no_schema(database: Database) -> None:
    database.execute(SETUP)
    policy = "enable_row_security: {table: t, policies: [{name: p, to: [nosuch], using: a > 0}]}"
    with Engine(database.url) as engine:
        (refusal,) = engine.check(plan(policy)).refusals
    assert refusal.instead.startswith("Create the role first")
    assert "search_path" not in refusal.instead
