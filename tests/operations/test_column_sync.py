"""Old and new writers in any order, in every phase, against a plain model: no fact is lost on either side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossfade.operations.step import Part
from crossfade.plan.load import parse_plan
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.connect import connect
from crossfade.workflow import ledger
from crossfade.workflow.program import compile_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crossfade.workflow.program import Program

    from ..fixtures.database import Database

    Worlds: TypeAlias = Callable[[str], "World"]

PLAN = "crossfade: 1\nname: sync\nchanges:\n  - rename_column: {table: t, from: old, to: new}\n"
DEFAULT = "the default"
TABLES = {
    "nullable": "old text UNIQUE",
    "not null with a default": f"old text NOT NULL DEFAULT '{DEFAULT}'",
    "nullable with a default": f"old text DEFAULT '{DEFAULT}'",
    "numeric, where = is not identity": "old numeric",
    "jsonb, where 1 equals 1.0": "old jsonb",
}
VALUES = {
    "numeric, where = is not identity": ["1", "1.0", "1.00", "2", None],
    "jsonb, where 1 equals 1.0": ['{"a": 1}', '{"a": 1.0}', "[]", None],
}
TEXTS = ["a", "b", "A", "", "it's", DEFAULT, None]


@dataclass
class World:
    """The table, the program, and what the model says each row's fact is."""

    connection: psycopg.Connection
    table: str
    program: Program
    facts: dict[int, str | None] = field(default_factory=dict)
    filled: set[int] = field(default_factory=set)
    phase: str = "before"

    @property
    def default(self) -> str | None:
        return DEFAULT if "DEFAULT" in TABLES[self.table] else None

    @property
    def nullable(self) -> bool:
        return "NOT NULL" not in TABLES[self.table]

    def run(self, part: Part, *, undo: bool = False) -> None:
        steps = self.program.of(part)
        for step in reversed(steps) if undo else steps:
            statements = step.undo if undo else (*step.cleanup, *step.statements)
            if step.transactional:
                with self.connection.transaction():
                    for statement in statements:
                        self.connection.execute(statement.text.encode())
            else:
                for statement in statements:
                    self.connection.execute(statement.text.encode())

    def columns(self) -> tuple[str, ...]:
        """The names that apps use now."""
        return {"before": ("old",), "both": ("old", "new"), "retained": ("new",)}[self.phase]

    def expand(self) -> None:
        if self.phase == "before":
            self.run(Part.EXPAND)
            self.phase, self.filled = "both", set()

    def backfill(self) -> None:
        if self.phase == "both":
            rows = self.program.rows[0]
            self.connection.execute(f"UPDATE public.t SET {rows.assignment} WHERE {rows.pending}".encode())
            self.filled = set(self.facts)

    def contract(self) -> None:
        if self.phase == "both":
            self.backfill()
            self.run(Part.HIDE)
            self.phase = "retained"

    def revert(self) -> None:
        if self.phase == "retained":
            self.run(Part.HIDE, undo=True)
            self.phase, self.filled = "both", set(self.facts)

    def rollback(self) -> None:
        if self.phase == "both":
            self.run(Part.EXPAND, undo=True)
            self.phase = "before"

    def write(self, action: str, key: int, side: int, value: str | None) -> None:
        column = self.columns()[side % len(self.columns())]
        if value is None and not self.nullable and action != "insert without":
            return
        statement = WRITES[action].format(column=column).encode()
        exists = key in self.facts
        try:
            with self.connection.transaction():
                if action == "copy":
                    with self.connection.cursor().copy(statement) as copy:
                        copy.write_row((key, value))
                else:
                    self.connection.execute(statement, {"key": key, "value": value})
        except psycopg.errors.UniqueViolation:
            assert exists or (self.table == "nullable" and value in self.facts.values())
            return
        self.expect(action, key, column, value, exists)

    def expect(self, action: str, key: int, column: str, value: str | None, exists: bool) -> None:
        if action == "update another column":
            self.filled |= {key} if exists else set()
        elif action == "insert without":
            self.facts[key] = self.default
            self.filled.add(key)
        elif action == "update":
            if exists:
                early_null = column == "new" and value is None and self.phase == "both" and key not in self.filled
                # An early new writer that sets NULL cannot be told from one that leaves the column alone.
                self.facts[key] = self.facts[key] if early_null else value
                self.filled.add(key)
        else:
            self.facts[key] = value
            self.filled.add(key)

    def check(self) -> None:
        names = self.columns()
        pair = ("old", "new") if self.phase == "both" else (names[0], names[0])
        query = f"SELECT id, {pair[0]}::text, {pair[1]}::text FROM public.t"
        for key, old, new in self.connection.execute(query.encode()):
            assert old == self.facts[key], (self.phase, key)
            if key in self.filled or new is not None:
                assert new == self.facts[key], (self.phase, key)
        count = self.connection.execute("SELECT count(*) FROM public.t").fetchone()
        assert count == (len(self.facts),)


WRITES = {
    "insert": "INSERT INTO public.t (id, {column}) VALUES (%(key)s, %(value)s)",
    "insert without": "INSERT INTO public.t (id) VALUES (%(key)s)",
    "copy": "COPY public.t (id, {column}) FROM STDIN",
    "update": "UPDATE public.t SET {column} = %(value)s WHERE id = %(key)s",
    "update another column": "UPDATE public.t SET other = other + 1 WHERE id = %(key)s",
    "upsert": (
        "INSERT INTO public.t (id, {column}) VALUES (%(key)s, %(value)s)"
        " ON CONFLICT (id) DO UPDATE SET {column} = excluded.{column}"
    ),
}

writes = st.tuples(st.sampled_from(sorted(WRITES)), st.integers(1, 6), st.integers(0, 1), st.integers(0, 6))
moves = st.sampled_from(["expand", "backfill", "contract", "revert", "rollback"])


@pytest.fixture
def worlds(database: Database) -> Iterator[Worlds]:
    with connect(database.url) as connection:
        ledger.install(connection)

        def make(table: str) -> World:
            connection.execute("DROP TABLE IF EXISTS public.t")
            connection.execute(
                f"CREATE TABLE public.t (id int PRIMARY KEY, other int DEFAULT 0, {TABLES[table]})".encode()
            )
            connection.execute("RESET search_path")
            catalog = read_catalog(connection, [(None, "t")])
            connection.execute("SET search_path = pg_catalog")
            return World(connection, table, compile_plan(parse_plan(PLAN, "p.yaml"), catalog).checked())

        yield make


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.sampled_from(sorted(TABLES)), actions=st.lists(st.one_of(writes, writes, writes, moves), max_size=40))
def test_no_fact_is_lost(worlds: Worlds, table: str, actions: list[str | tuple[str, int, int, int]]) -> None:
    world = worlds(table)
    for action in actions:
        if isinstance(action, str):
            getattr(world, action)()
        else:
            name, key, side, value = action
            values = VALUES.get(table, TEXTS)
            world.write(name, key, side, values[value % len(values)])
        world.check()
    for move in ("rollback", "revert", "rollback"):
        getattr(world, move)()
    world.check()


def noted(connection: psycopg.Connection) -> list[tuple[str, str]]:
    rows = connection.execute("SELECT kind, application_name FROM crossfade.legacy_writes ORDER BY at").fetchall()
    connection.execute("DELETE FROM crossfade.legacy_writes")
    return rows


def test_only_writes_of_the_old_shape_are_noted(worlds: Worlds) -> None:
    world = worlds("nullable")
    world.expand()
    connection = world.connection
    connection.execute("INSERT INTO public.t (id, new) VALUES (1, 'x')")
    connection.execute("UPDATE public.t SET new = 'y', other = 4")
    connection.execute("INSERT INTO public.t (id) VALUES (2)")
    assert noted(connection) == []
    connection.execute("INSERT INTO public.t (id, old) VALUES (3, 'z')")
    assert noted(connection) == [("legacy", "crossfade")]


def test_a_session_is_noted_again_under_another_application_name(worlds: Worlds) -> None:
    world = worlds("nullable")
    world.expand()
    connection = world.connection
    connection.execute("INSERT INTO public.t (id, old) VALUES (1, 'a')")
    connection.execute("SET application_name = 'api@1.4.0'")
    connection.execute("UPDATE public.t SET old = 'b'")
    assert [name for _, name in noted(connection)] == ["crossfade", "api@1.4.0"]


def test_when_one_write_sets_both_sides_apart_the_new_one_wins_and_each_conflict_is_noted(worlds: Worlds) -> None:
    world = worlds("nullable")
    world.expand()
    connection = world.connection
    connection.execute("INSERT INTO public.t (id, old, new) VALUES (1, 'a', 'b')")
    connection.execute("UPDATE public.t SET old = 'c', new = 'd'")
    assert connection.execute("SELECT old, new FROM public.t").fetchall() == [("d", "d")]
    assert [kind for kind, _ in noted(connection)] == ["conflict", "conflict"]


def test_nothing_is_noted_while_the_old_data_is_retained(worlds: Worlds) -> None:
    world = worlds("nullable")
    world.expand()
    world.contract()
    connection = world.connection
    connection.execute("INSERT INTO public.t (id, new) VALUES (1, 'a')")
    connection.execute("UPDATE public.t SET new = 'b'")
    assert noted(connection) == []


def test_rows_applied_by_logical_replication_are_kept_in_step(worlds: Worlds) -> None:
    world = worlds("nullable")
    world.expand()
    connection = world.connection
    connection.execute("SET session_replication_role = replica")
    connection.execute("INSERT INTO public.t (id, old) VALUES (1, 'a')")
    assert connection.execute("SELECT old, new FROM public.t").fetchall() == [("a", "a")]
