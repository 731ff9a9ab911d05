"""What is fixed and what a plan reaches without naming it, on its way and on its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.plan.fixed import fixed_of
from crossfade.plan.load import parse_plan

if TYPE_CHECKING:
    from ..fixtures.database import Database

THERE = """
CREATE SCHEMA legacy;
CREATE TABLE accounts (id int PRIMARY KEY, code text, note text);
CREATE TABLE orders (id int PRIMARY KEY, account int REFERENCES accounts ON DELETE CASCADE);
CREATE TABLE legacy.uses (id int REFERENCES orders ON DELETE CASCADE);
CREATE VIEW codes AS SELECT code FROM accounts;
CREATE VIEW legacy.codes AS SELECT code FROM codes;
CREATE TABLE legacy.customers (id int PRIMARY KEY, name text);
CREATE INDEX by_name ON legacy.customers (name);
CREATE SEQUENCE legacy.numbers;
CREATE TABLE legacy.bills (id int GENERATED ALWAYS AS IDENTITY);
CREATE VIEW names AS SELECT name FROM legacy.customers;
"""
ADDED = "ALTER TABLE accounts ADD x int"
CHANGES = {
    "sql: {irreversible: true, reason: x, contract: [TRUNCATE accounts CASCADE]}": ["legacy.uses"],
    "sql: {irreversible: true, reason: x, contract: [DROP VIEW codes CASCADE]}": ["legacy.codes"],
    "sql: {irreversible: true, reason: x, contract: [ALTER TABLE accounts DROP code CASCADE]}": ["legacy.codes"],
    "sql: {irreversible: true, reason: x, contract: [ALTER TABLE accounts DROP note CASCADE]}": [],
    "sql: {irreversible: true, reason: x, contract: [DROP TABLE orders CASCADE]}": ["legacy.uses"],
    "sql: {irreversible: true, reason: x, expand: [DELETE FROM names]}": ["legacy.customers"],
    f"sql: {{expand: [{{run: {ADDED}, undo: DROP TABLE legacy.uses}}]}}": ["legacy.uses"],
    f"sql: {{expand: [{{run: {ADDED}, undo: 'DO $$ BEGIN DROP TABLE legacy.uses; END $$'}}]}}": ["legacy.uses"],
    f"sql: {{expand: [{{run: {ADDED}, undo: 'DO $$ BEGIN PERFORM setval(''legacy.numbers'', 1); END $$'}}]}}": [
        "legacy.numbers"
    ],
    "sql: {irreversible: true, reason: x, expand: [ALTER SEQUENCE legacy.bills_id_seq RESTART]}": [
        "legacy.bills_id_seq",
        "legacy.bills",
    ],
    f"sql: {{expand: [{ADDED}], rollback: [DELETE FROM orders]}}": ["legacy.uses"],
    f"sql: {{contract: [{ADDED}], revert: [DROP VIEW codes CASCADE]}}": ["legacy.codes"],
    f"sql: {{contract: [{ADDED}], revert: [ALTER TABLE accounts DROP x CASCADE]}}": [],
    "delete_rows: {table: accounts, where: code IS NULL}": ["legacy.uses"],
    "reindex: {index: legacy.by_name}": ["legacy.customers", "legacy.by_name_ccnew", "legacy.by_name_ccold"],
}


@pytest.mark.parametrize(("change", "objects"), CHANGES.items(), ids=CHANGES)
def test_what_a_plan_reaches(database: Database, change: str, objects: list[str]) -> None:
    database.execute(THERE)
    plan = parse_plan(f"crossfade: 1\nname: mine\nchanges:\n  - {change}\n", "plan.yaml")
    with Engine(database.url, fixed=fixed_of(["legacy.*"], "crossfade.toml")) as engine:
        found = engine.check(plan)
    assert [refusal.object for refusal in found.refusals if refusal.code == "fixed"] == objects
