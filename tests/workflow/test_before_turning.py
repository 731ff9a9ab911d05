"""What would stop a way back half done is looked for before the run turns: nothing is done then, and it stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, LiteralString

import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.errors import BaselineChanged, RowsInTheWay
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.names_in_statements import goes, needed, parsed
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLES: LiteralString = """
CREATE SCHEMA app;
CREATE FUNCTION app.d() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE t (
    id int PRIMARY KEY, qty int, r int, u int, during int4range, d int DEFAULT app.d(),
    CONSTRAINT positive CHECK (qty > 0), CONSTRAINT to_r FOREIGN KEY (r) REFERENCES r,
    CONSTRAINT once UNIQUE (u), CONSTRAINT apart EXCLUDE USING gist (during WITH &&),
    CONSTRAINT by_d CHECK (id > app.d() - 2)
);
INSERT INTO r VALUES (1); INSERT INTO t VALUES (1, 1, 1, 1, '[1,5)'), (2, NULL, NULL, NULL, NULL);
"""


TWIN = "change_type: {table: t, column: qty, to: bigint}"


def plan(*changes: str) -> Plan:
    listed = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: turns\nhold: 0s\nretain: 7d\nchanges:\n{listed}", "turns.yaml")


def retain(engine: Engine, *changes: str) -> None:
    engine.start(plan(*changes))
    engine.approve("turns", Phase.CONTRACT, "alice")
    assert engine.advance("turns").state is State.RETAINED


def refused(engine: Engine, error: type[BaselineChanged | RowsInTheWay], *said: str) -> None:
    """The run is asked to turn back, and stays where it is; that is said of each thing that is in the way."""
    state = engine.status("turns").state
    with pytest.raises(error) as stopped:
        _ = engine.revert("turns") if state is State.RETAINED else engine.rollback("turns")
    found = stopped.value.as_json()["rows" if error is RowsInTheWay else "changes"]
    assert len(found) == len(said), found
    for one in said:
        assert any(re.search(one, words) for words in found), (one, found)
    assert engine.status("turns").state is state


@pytest.mark.long
@pytest.mark.every_server
def test_rows_that_a_constraint_that_comes_back_would_refuse(database: Database) -> None:
    database.execute(TABLES)
    # What was never validated comes back whatever rows there are.
    database.execute("ALTER TABLE t ADD CONSTRAINT huge CHECK (id > 100) NOT VALID")
    with Engine(database.url) as engine:
        names = ("positive", "to_r", "once", "apart", "huge")
        retain(engine, *(f"drop_constraint: {{table: t, name: {name}}}" for name in names))
        database.execute("UPDATE t SET u = 1, r = 7, during = '[1,3)', qty = -id")
        refused(
            engine,
            RowsInTheWay,
            r"rows of public\.t that constraint positive refuses, which comes back \(2 rows: id = 1, id = 2\)",
            r"that constraint to_r refuses, which comes back \(2 rows: id = 1, id = 2\)",
            r"that index once refuses, which comes back: Key \(u\)=\(1\) is duplicated",
            r"that constraint apart refuses, which comes back: Key \(during\)=\(\[1,3\)\) conflicts",
        )
        # NULL is refused by none of them.
        database.execute("UPDATE t SET u = NULL, r = NULL, during = NULL, qty = NULL")
        assert engine.revert("turns").state is State.BACKFILLED


@pytest.mark.long
def test_rows_that_a_rollback_would_stop_at(database: Database) -> None:
    database.execute(TABLES)
    drop = "drop_constraint: {table: t, name: positive, when: expand}"
    with Engine(database.url) as engine:
        assert engine.advance(plan(drop, TWIN), to=State.EXPANDED).state is State.EXPANDED
        database.execute("UPDATE t SET qty = -1 WHERE id = 1")
        refused(engine, RowsInTheWay, r"constraint positive refuses, which comes back \(1 row: id = 1\)")
        database.execute("UPDATE t SET qty = 1")
        assert engine.rollback("turns").state is State.ROLLED_BACK


@pytest.mark.long
def test_names_that_what_comes_back_after_contract_needs(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        drops = ("drop_constraint: {table: t, name: positive}", "drop_constraint: {table: t, name: by_d}")
        retain(engine, *drops, "drop_default: {table: t, column: d}")
        database.execute("ALTER TABLE t RENAME qty TO q2; ALTER FUNCTION app.d RENAME TO e")
        refused(
            engine,
            BaselineChanged,
            r"column qty of public\.t is not there, without which this cannot be taken back: drop constraint positive",
            r"function app\.d is not there, without which this cannot be taken back: drop constraint by_d",
            r"function app\.d is not there, without which this cannot be taken back: .*default of d",
        )
        database.execute("ALTER TABLE t RENAME q2 TO qty; ALTER FUNCTION app.e RENAME TO d")
        assert engine.revert("turns").state is State.BACKFILLED


@pytest.mark.long
def test_a_function_of_the_default_that_comes_back_with_a_rollback(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        default = "set_default: {table: t, column: d, value: '5'}"
        assert engine.advance(plan(default, TWIN), to=State.EXPANDED).state is State.EXPANDED
        database.execute("ALTER FUNCTION app.d RENAME TO e")
        refused(engine, BaselineChanged, r"function app\.d is not there, .* taken back: set the default of d")
        database.execute("ALTER FUNCTION app.e RENAME TO d")
        assert engine.rollback("turns").state is State.ROLLED_BACK


@pytest.mark.long
@pytest.mark.every_server
def test_what_others_have_built_on_a_twin(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        assert engine.advance(plan(TWIN), to=State.EXPANDED).state is State.EXPANDED
        ((twin,),) = database.execute("SELECT attname FROM pg_attribute WHERE attname ~ '^crossfade_twin'")
        made = sql.SQL(
            "CREATE VIEW x AS SELECT * FROM t; CREATE POLICY x_p ON t USING ({twin} > 0);"
            "CREATE FUNCTION x_f() RETURNS bigint BEGIN ATOMIC SELECT max({twin}) FROM t; END;"
            "CREATE INDEX x_i ON t (({twin} + 1)); ALTER TABLE t ADD x_g bigint GENERATED ALWAYS AS ({twin} + 1) STORED"
        )
        database.execute(made.format(twin=sql.Identifier(twin)))
        on = f"depends on column {twin} of public.t"
        refused(
            engine,
            BaselineChanged,
            rf"^view public\.x {on}",
            rf"^policy x_p .* {on}",
            rf"^function public\.x_f\(\) {on}",
            rf"^column x_g of table public\.t {on}",
        )
        database.execute("DROP VIEW x; DROP POLICY x_p ON t; DROP FUNCTION x_f; ALTER TABLE t DROP x_g")
        # The index goes with the column.
        assert engine.rollback("turns").state is State.ROLLED_BACK


@pytest.mark.long
def test_what_others_have_built_on_a_table_that_goes(database: Database) -> None:
    database.execute(TABLES)
    split = "split_table: {table: t, to_table: extra, columns: [qty], key: {id: t_id}}"
    with Engine(database.url) as engine:
        assert engine.advance(plan(split), to=State.EXPANDED).state is State.EXPANDED
        database.execute("CREATE VIEW x AS SELECT * FROM extra; CREATE TABLE z (id int REFERENCES extra)")
        refused(
            engine,
            BaselineChanged,
            r"^view public\.x depends on table public\.extra",
            r"^constraint z_id_fkey on table public\.z depends on table public\.extra",
        )
        database.execute("DROP VIEW x; DROP TABLE z")
        assert engine.rollback("turns").state is State.ROLLED_BACK


NEEDED = {
    "ALTER TABLE s.t ADD CONSTRAINT k CHECK (a > app.f(1) AND b::app.mood = 'x')": (
        "column a of s.t, column b of s.t, function app.f, type app.mood"
    ),
    "ALTER TABLE s.t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES s.u (c)": "column a of s.t, column c of s.u",
    "ALTER TABLE s.t ADD CONSTRAINT k UNIQUE (a) INCLUDE (b)": "column a of s.t, column b of s.t",
    "ALTER TABLE s.t ADD CONSTRAINT k EXCLUDE USING gist (a WITH &&, lower(b) WITH =) WHERE (c > 1)": (
        "column a of s.t, column b of s.t, column c of s.t"
    ),
    "ALTER TABLE s.t ALTER x SET DEFAULT nextval('app.\"S q\"'::regclass)": 'column x of s.t, relation app."S q"',
    "ALTER TABLE IF EXISTS s.t ALTER x DROP DEFAULT": "",
    "CREATE UNIQUE INDEX i ON s.t (a, lower(b)) WHERE c": "column a of s.t, column b of s.t, column c of s.t",
}


@pytest.mark.parametrize(("statement", "names"), NEEDED.items(), ids=NEEDED)
def test_names_that_a_statement_needs(statement: str, names: str) -> None:
    assert ", ".join(name.shown for node in parsed(statement) for name in needed(node)) == names


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("DROP TABLE IF EXISTS s.t", "table s.t"),
        ("DROP TYPE s.x", "type s.x"),
        ("ALTER TABLE s.t DROP COLUMN IF EXISTS x, DROP CONSTRAINT k", "column x of s.t"),
        ("DROP TRIGGER x ON s.t", ""),
    ],
)
def test_what_a_statement_drops(statement: str, names: str) -> None:
    assert ", ".join(name.shown for node in parsed(statement) for name in goes(node)) == names
