"""Every statement whose locks, rewrites and scans were measured on 15 and 18 is foreseen as it was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pglast import split

from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.forecast import Forecast, Schema
from crossfade.postgres.statement import LockMode

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..fixtures.servers import Server

pytestmark = pytest.mark.every_server

MEASURED = Path(__file__).parents[1] / "fixtures" / "locks"
CASES: list[dict[str, Any]] = json.loads((MEASURED / "locks.json").read_text(encoding="utf-8"))
MODES = {
    "RS": LockMode.ROW_SHARE,
    "RX": LockMode.ROW_EXCLUSIVE,
    "SUE": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "S": LockMode.SHARE,
    "SRX": LockMode.SHARE_ROW_EXCLUSIVE,
    "X": LockMode.EXCLUSIVE,
    "AX": LockMode.ACCESS_EXCLUSIVE,
}
EMPTIED = {"TRUNCATE", "TRUNCATE CASCADE (referenced)"}
"""New storage, and nothing was read for it."""


@pytest.fixture(scope="module")
def measured_schema(server: Server) -> Schema:
    """The schema that the cases were measured on, with no rows."""
    text = (MEASURED / "locks-fixture.sql").read_text(encoding="utf-8")
    with fresh_database(server) as database, psycopg.connect(database.url, autocommit=True) as connection:
        for statement in split(text.replace(":schema", "fx").replace(":rows", "0")):
            connection.execute(statement.encode())
        everything = read_catalog(connection, []).all_table_names
        return Schema.of(read_catalog(connection, [(n.schema, n.name) for n in everything]))


def filled(text: str) -> str:
    return text.replace("@N@", "0").replace("@S@", "fx")


def plain(names: Iterable[str]) -> set[str]:
    return {name.removeprefix("fx.") for name in names}


def by_table(forecast: Forecast) -> dict[str, LockMode]:
    return {lock.relation.removeprefix("fx."): lock.mode for lock in forecast.locks}


def prepared(case: dict[str, Any], schema: Schema) -> tuple[Schema, dict[str, LockMode]]:
    """The model before the statement, and what the transaction holds already: `setup` was committed, `pre` was not."""
    held: dict[str, LockMode] = {}
    for statement in split(filled(case["setup"])):
        _, schema = foreseen(schema, statement)
    schema = replace(schema, origins={name: name for name in schema.tables})
    for statement in split(filled(case["pre"])):
        forecast, schema = foreseen(schema, statement)
        held |= by_table(forecast)
    return schema, held


def foreseen(schema: Schema, statement: str) -> tuple[Forecast, Schema]:
    forecast, after = schema.foresee(statement)
    assert forecast.unknown is None, statement
    return forecast, after


@pytest.mark.parametrize("case", CASES, ids=[f"{c['group']}: {c['name']}" for c in CASES])
def test_foreseen_as_measured(case: dict[str, Any], measured_schema: Schema, server: Server) -> None:
    measured = case.get(str(server.major))
    if measured is None or measured["error"]:
        pytest.skip(f"not measured on {server.major}")
    schema, held = prepared(case, measured_schema)

    forecast, _ = foreseen(schema, filled(case["stmt"]))

    tables = {name.name for name in schema.origins}
    locks = {name: MODES[mode] for name, mode in measured["locks"].items() if mode != "AS" and name in tables}
    found = by_table(forecast)
    assert {name: max(found.get(name, 0), held.get(name, 0)) for name in {*found, *held}} == locks
    assert forecast.transactional == (case["in_tx"] == "yes")
    rewritten = set(measured["rewritten"]) & tables
    assert plain(forecast.rewrites) == rewritten
    if case["in_tx"] == "yes":
        read = {name for name in measured["tuples_scanned"] if name in locks}
        assert plain(forecast.scans) == (read if case["name"] in EMPTIED else read | rewritten)
