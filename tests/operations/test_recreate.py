"""Views that are dropped and made again are what they were, to the byte; and what could not be is told by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from crossfade.operations.views import recreate
from crossfade.operations.views.recreate_preflight import refusals
from crossfade.postgres.catalog_read import read_catalog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.postgres.catalog import Catalog, Table
    from crossfade.postgres.catalog_views import View
    from crossfade.postgres.statement import Statement

    from ..fixtures.database import Database

pytestmark = pytest.mark.every_server

SCHEMA = Path(__file__).with_name("views_on_top.sql").read_text(encoding="utf-8")
ROLES = ("ALICE", "BOB", "CAROL", "READER")
ACCESS = """
    SELECT c.oid::regclass::text, a.attname::text, c.relowner::regrole::text,
           coalesce(a.attacl, c.relacl, acldefault('r', c.relowner))::text
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
    WHERE c.relkind IN ('v', 'm') AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A table with views on top, and who works on them."""

    database: Database
    connection: psycopg.Connection[tuple[object, ...]]

    def read(self, name: str = "app.users") -> tuple[Catalog, Table]:
        schema, table = name.split(".")
        catalog = read_catalog(self.connection, [(schema, table)])
        return catalog, next(t for t in catalog.tables if t.name.name == table)

    def over(self, *columns: str) -> tuple[View, ...]:
        return recreate.over(*self.read(), columns)

    def run(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            self.connection.execute(statement.text.encode())

    def access(self) -> list[tuple[object, ...]]:
        return self.database.execute(ACCESS)


def spelled(database: Database, text: str) -> bytes:
    """With roles of this test's own: roles are the server's."""
    for role in ROLES:
        text = text.replace(role, sql.Identifier(f"{role.title()} of {database.name}").as_string(None))
    return text.encode()


@pytest.fixture(params=["superuser", "a role with no more than it needs"])
def world(request: pytest.FixtureRequest, database: Database) -> World:
    admin = database.connect(autocommit=True)
    admin.execute(spelled(database, "".join(f"CREATE ROLE {role} LOGIN;" for role in ROLES)))
    admin.execute(spelled(database, "GRANT ALICE, BOB, CAROL TO READER"))
    admin.execute(spelled(database, f"GRANT CREATE ON DATABASE {database.name} TO READER"))
    user = None if request.param == "superuser" else f"Reader of {database.name}"
    connection = database.connect(user=user, autocommit=True)
    connection.execute(spelled(database, SCHEMA))
    connection.execute("SET search_path = pg_catalog")
    return World(database=database, connection=connection)


@pytest.mark.long
def test_everything_comes_back_as_it_was(world: World) -> None:
    views = world.over("email")
    before, access = world.database.dump(), world.access()
    around = recreate.around(views)

    assert list(refusals(views)) == []
    with world.connection.transaction():
        world.run(around.before)
        # Each of these fails while a view uses the column.
        world.connection.execute("ALTER TABLE app.users ALTER email TYPE text")
        world.connection.execute("ALTER TABLE app.users ALTER email TYPE varchar(40)")
        world.run(around.after)

    assert world.database.dump() == before
    assert world.access() == access


def test_only_what_uses_the_column_goes_and_all_that_stands_on_it(world: World) -> None:
    catalog, table = world.read()

    everything = {view.name.name for view in catalog.views}
    assert {view.name.name for view in recreate.over(catalog, table, ["email"])} == everything - {"counted"}
    # Whatever takes the row as a whole takes the column too; `checked` and `early` are about other columns.
    by_time = {view.name.name for view in recreate.over(catalog, table, ["made"])}
    assert {"rows", "natural_one", "literals", "Select", "cte", "joined"} <= by_time
    assert by_time.isdisjoint({"counted", "plain", "checked", "early", "rule_only"})
    assert recreate.over(catalog, table, []) == recreate.over(catalog, table, ["nothing"])


def test_a_materialised_view_comes_back_empty_and_is_refilled(world: World) -> None:
    views = world.over("email")
    stored = next(view for view in views if view.name.name == "stored")
    rows = world.database.execute("SELECT * FROM app.stored ORDER BY id")
    around = recreate.around(views)
    with world.connection.transaction():
        world.run((*around.before, *around.after))

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        world.database.execute("SELECT FROM app.stored")
    world.run([recreate.refill(stored)])

    assert rows
    assert world.database.execute("SELECT * FROM app.stored ORDER BY id") == rows


def test_a_hidden_view_leaves_every_name_to_a_second_one(world: World) -> None:
    views = world.over("email")
    stored = next(view for view in views if view.name.name == "stored")
    before = world.database.dump()
    with world.connection.transaction():
        world.run(recreate.hide(stored, "crossfade_hidden_1"))
        world.run(recreate.create(stored))
    both = world.database.dump()
    with world.connection.transaction():
        world.run([recreate.drop(stored)])
        world.run(recreate.unhide(stored, "crossfade_hidden_1"))

    assert both.count("CREATE UNIQUE INDEX") == 2 * before.count("CREATE UNIQUE INDEX")
    assert world.database.dump() == before
    assert world.database.execute("SELECT count(*) FROM app.stored") == [(20,)]


def test_a_role_that_is_given_something_by_default_keeps_nothing_of_it(world: World) -> None:
    """The view stands in a schema of its own, so that the rights are those of this test."""
    run = world.connection.execute
    run("CREATE SCHEMA quiet")
    run("CREATE VIEW quiet.v AS SELECT email FROM app.users")
    run("REVOKE ALL ON quiet.v FROM PUBLIC")
    run(spelled(world.database, "GRANT SELECT ON quiet.v TO CAROL"))
    run(spelled(world.database, "ALTER DEFAULT PRIVILEGES IN SCHEMA quiet GRANT ALL ON TABLES TO BOB, PUBLIC"))
    before = world.access()

    (view,) = (view for view in world.over("email") if view.name.schema == "quiet")
    world.run((recreate.drop(view), *recreate.create(view)))

    assert world.access() == before
