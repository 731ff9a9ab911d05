"""Clients that write and read a table of users under both names, each statement checked against a plain model.

Every client owns rows of its own, so the model needs no clock: what it wrote last is what has to be there, whatever a
backfill, a killed runner or a restarted server does beside it. A statement that fails fails the test, unless the test
takes the server away: then what is found afterwards has to be the state from before the transaction or after it.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..fixtures.database import Database

    Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

OLD, NEW = "email", "email_address"
Fact: TypeAlias = tuple[str | None] | None
"""What a row's column holds; None where there is no row."""
FIRST_NEW_ID = 1_000_000_000
RECONNECT_SECONDS = 60.0
SETUP = """
CREATE TABLE users (id bigint PRIMARY KEY, email text CONSTRAINT users_email UNIQUE, logins int NOT NULL DEFAULT 0);
-- The rows that crossfade has written, one entry each time.
CREATE TABLE migrated (id bigint NOT NULL);
CREATE FUNCTION note_migrated() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO public.migrated VALUES (NEW.id); RETURN NULL; END';
CREATE TRIGGER note_migrated AFTER UPDATE ON users FOR EACH ROW
    WHEN (current_setting('application_name') = 'crossfade') EXECUTE FUNCTION note_migrated();
"""
ROWS = "INSERT INTO users (id, email) SELECT g, 'e' || g FROM generate_series(1, %s) g"


def fact_at_first(key: int) -> Fact:
    """What `ROWS` gives a row."""
    return (f"e{key}",)


def assert_each_row_migrated_once(database: Database) -> None:
    """No row was written by crossfade twice, and the ledger knows of all that were."""
    twice = "SELECT id, count(*) FROM migrated GROUP BY id HAVING count(*) > 1"
    assert database.execute(twice) == [], "rows were migrated twice"
    counted = "SELECT (SELECT count(*) FROM migrated), (SELECT sum(rows) FROM crossfade.batches)"
    [(migrated, noted)] = database.execute(counted)
    assert migrated == noted, (migrated, noted)


@dataclass
class Client:
    """One client's rows and what they hold; works in a thread of its own."""

    number: int
    crowd: Crowd
    facts: dict[int, Fact] = field(default_factory=dict)
    """Of the rows that it has touched."""
    in_step: set[int] = field(default_factory=set)
    """Rows that it has written while both names were served: both have to hold the fact."""
    statements: int = 0
    slowest_ms: float = 0.0
    doubts: int = 0
    """Transactions that were lost before their outcome was known."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.number)
        self._made = self._values = 0
        self._staged: dict[int, Fact] = {}

    def work(self) -> None:
        """Write and read until the crowd is told to end."""
        connection = self._connect()
        while not self.crowd.over.wait(self.crowd.pause):
            try:
                self._transaction(connection)
            except psycopg.OperationalError as error:
                if not (self.crowd.may_lose_the_server and connection.broken):
                    raise AssertionError(f"a client's statement failed: {error}") from error
                connection = self._connect()
                self._settle(connection)
        connection.close()

    def _connect(self) -> Connection:
        until = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                return psycopg.connect(self.crowd.url, autocommit=True, application_name=f"client-{self.number}")
            except psycopg.OperationalError:
                if not self.crowd.may_lose_the_server or time.monotonic() > until:
                    raise
            time.sleep(0.05)

    def _transaction(self, connection: Connection) -> None:
        names = self.crowd.names
        self._staged = {}
        if self._random.random() < 0.7:
            self._statement(connection, names)
        else:
            with connection.transaction() as transaction:
                for _ in range(3):
                    self._statement(connection, names)
                if self._random.random() < 0.3:
                    self._staged = {}
                    raise psycopg.Rollback(transaction)
        self._keep(names)

    def _keep(self, names: tuple[str, ...]) -> None:
        self.facts.update(self._staged)
        if len(names) == 2:
            self.in_step |= self._staged.keys()
        self._staged = {}

    def _settle(self, connection: Connection) -> None:
        """After a lost connection: all of the transaction is there, or nothing."""
        self.doubts += 1
        found = self._read(connection, self.crowd.names[0], self._staged)
        before = {key: self._fact(key) for key in self._staged}
        assert found in (self._staged, before), (found, self._staged, before)
        if found == self._staged:
            self._keep(())
        self._staged = {}

    def _read(self, connection: Connection, name: str, keys: Iterable[int]) -> dict[int, Fact]:
        query = sql.SQL("SELECT id, {} FROM users WHERE id = ANY (%s)").format(sql.Identifier(name))
        rows: dict[int, str | None] = dict(connection.execute(query, [[*keys]]).fetchall())
        return {key: (rows[key],) if key in rows else None for key in keys}

    def _fact(self, key: int) -> Fact:
        return self.facts.get(key, fact_at_first(key) if key < FIRST_NEW_ID else None)

    def _statement(self, connection: Connection, names: tuple[str, ...]) -> None:
        key, name = self._some_key(), self._random.choice(names)
        action = self._random.choices((self._update, self._upsert, self._touch, self._look, self._delete), WEIGHTS)[0]
        begun = time.monotonic()
        action(connection, key, name)
        self.slowest_ms = max(self.slowest_ms, (time.monotonic() - begun) * 1000)
        self.statements += 1

    def _some_key(self) -> int:
        """A row of this client's: one of the beginning, or one that it made itself."""
        if self._made and self._random.random() < 0.3:
            return FIRST_NEW_ID + self._random.randrange(self._made) * CLIENTS_MOST + self.number
        rows = self.crowd.rows // CLIENTS_MOST - 1
        return (1 + self._random.randrange(rows)) * CLIENTS_MOST + self.number

    def _value(self, name: str) -> str | None:
        # NULL only by old writers: an early new writer's cannot be told from a column that it leaves alone.
        if name == OLD and self._random.random() < 0.1:
            return None
        self._values += 1
        return f"client {self.number} wrote {self._values}"

    def _write(self, connection: Connection, query: sql.Composed | sql.SQL, values: list[object], after: Fact) -> None:
        """One write of the row whose key comes last; noted before it is sent, since its answer may not come."""
        key = values[-1]
        assert isinstance(key, int)
        exists = self._known(key) is not None
        if exists:
            self._staged[key] = after
        written = connection.execute(query, values).rowcount
        assert written == exists, (query, values, written)

    def _known(self, key: int) -> Fact:
        return self._staged[key] if key in self._staged else self._fact(key)

    def _update(self, connection: Connection, key: int, name: str) -> None:
        value = self._value(name)
        query = sql.SQL("UPDATE users SET {} = %s WHERE id = %s").format(sql.Identifier(name))
        self._write(connection, query, [value, key], (value,))

    def _touch(self, connection: Connection, key: int, _name: str) -> None:
        """Another column; in a row that the backfill has not reached this fills the pair."""
        query = sql.SQL("UPDATE users SET logins = logins + 1 WHERE id = %s")
        self._write(connection, query, [key], self._known(key))

    def _delete(self, connection: Connection, key: int, _name: str) -> None:
        self._write(connection, sql.SQL("DELETE FROM users WHERE id = %s"), [key], None)

    def _upsert(self, connection: Connection, key: int, name: str) -> None:
        if self._random.random() < 0.5:
            key, self._made = FIRST_NEW_ID + self._made * CLIENTS_MOST + self.number, self._made + 1
        elif self._known(key) is None:
            return  # a row that was deleted does not come back: it would be another row to the model
        value = self._value(name)
        query = sql.SQL(
            "INSERT INTO users (id, {name}) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET {name} = excluded.{name}"
        ).format(name=sql.Identifier(name))
        self._staged[key] = (value,)
        connection.execute(query, [key, value])

    def _look(self, connection: Connection, key: int, name: str) -> None:
        """The old name always shows the fact; the new one once the row is in step."""
        fact = self._known(key)
        found = self._read(connection, name, [key])[key]
        may_be_empty = name == NEW and not (key in self.in_step or self.crowd.all_in_step)
        assert found == fact or (may_be_empty and fact is not None and found == (None,)), (key, name, found, fact)


WEIGHTS = (4, 2, 2, 3, 0.5)
CLIENTS_MOST = 8
"""Row n belongs to the client whose number is n modulo this."""


class Crowd:
    """Some clients at once; a context manager that lets the test fail when one of them did."""

    def __init__(self, database: Database, rows: int, *, clients: int = 3, pause: float = 0.002) -> None:
        self.url, self.rows, self.pause = database.url, rows, pause
        self.over = threading.Event()
        self.names: tuple[str, ...] = (OLD,)
        """The names that are served; the test sets them."""
        self.all_in_step = False
        """Whether the backfill is done; the test sets it."""
        self.may_lose_the_server = False
        self.clients = [Client(number=n, crowd=self) for n in range(clients)]
        self._failure: BaseException | None = None
        self._threads = [threading.Thread(target=self._run, args=(c.work,)) for c in self.clients]

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            self._failure = error
            self.over.set()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def assert_well(self) -> None:
        """Every client still works."""
        if self._failure is not None:
            raise self._failure

    @property
    def statements(self) -> int:
        return sum(c.statements for c in self.clients)

    @property
    def slowest_ms(self) -> float:
        return round(max(c.slowest_ms for c in self.clients), 1)

    def assert_facts_kept(self, database: Database, name: str) -> None:
        """Every row has under that name what the model says, and there is no row more or less; after the end."""
        column = sql.Identifier(name)
        facts = {key: fact for c in self.clients for key, fact in c.facts.items()}
        touched = sql.SQL("SELECT id, {} FROM users WHERE id = ANY (%s)").format(column)
        found = dict(database.execute(touched, [[*facts]]))
        expected = {key: fact[0] for key, fact in facts.items() if fact is not None}
        wrong = {k: (expected.get(k), found.get(k)) for k in facts if expected.get(k) != found.get(k)}
        assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
        assert wrong == {}, wrong
        others = sql.SQL(
            "SELECT count(*), count(*) FILTER (WHERE {} IS DISTINCT FROM 'e' || id) FROM users u"
            " WHERE NOT EXISTS (SELECT FROM unnest(%s::bigint[]) AS touched (id) WHERE touched.id = u.id)"
        ).format(column)
        untouched = self.rows - sum(key < FIRST_NEW_ID for key in facts)
        counted = database.execute(others, [[*facts]])
        assert counted == [(untouched, 0)], (counted, untouched)
