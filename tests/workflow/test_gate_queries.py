"""What the queries of gates read is looked for when a plan is checked, since a started plan cannot be corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossfade import Engine
from crossfade.plan.load import parse_plan

if TYPE_CHECKING:
    from ..fixtures.database import Database

PLAN = """
crossfade: 1
name: queries
changes:
  - rename_table: {{from: users, to: people}}
gates:
  contract:
    - any:
        - sql: {{query: "{query}"}}
"""
CODE = "gate_query"
NOT_ON_PATH = "and there is none of that name on the search_path"


def cautions(url: str, query: str) -> list[tuple[str, str]]:
    with Engine(url) as engine:
        found = engine.check(parse_plan(PLAN.format(query=query), "plan.yaml")).cautions
    return [(caution.object, caution.message.partition("reads it, ")[2]) for caution in found if caution.code == CODE]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT count(*) = 0 FROM users", []),
        ("SELECT count(*) = 0 FROM people", []),
        ("SELECT count(*) = 0 FROM pg_stat_activity, public.users", []),
        ("WITH waiting AS (SELECT FROM users) SELECT count(*) = 0 FROM waiting", []),
        ("SELECT count(*) = 0 FROM user_s", [("user_s", NOT_ON_PATH)]),
        ("SELECT EXISTS (SELECT FROM app.users)", [("app.users", "and it is not there")]),
    ],
)
def test_what_is_not_there_is_told(database: Database, query: str, told: list[tuple[str, str]]) -> None:
    database.execute("CREATE TABLE users (id int PRIMARY KEY)")
    assert cautions(database.url, query) == told


def test_what_our_role_may_not_read_is_told(database: Database) -> None:
    role = sql.Identifier(f"{database.name}_owner")
    database.execute(
        sql.SQL(
            "CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA public TO {role};"
            "CREATE TABLE users (id int PRIMARY KEY); ALTER TABLE users OWNER TO {role};"
            "CREATE TABLE hidden (id int, n int); CREATE SCHEMA closed CREATE TABLE queue (id int);"
            "GRANT SELECT ON closed.queue TO {role}"
        ).format(role=role)
    )
    try:
        url = make_conninfo(database.url, user=f"{database.name}_owner")
        asked = "SELECT count(*) = 0 FROM hidden, closed.queue"
        told = "which our role may not"
        assert cautions(url, asked) == [("hidden", told), ("closed.queue", told)]
        database.execute(
            sql.SQL("GRANT SELECT (n) ON hidden TO {role}; GRANT USAGE ON SCHEMA closed TO {role}").format(role=role)
        )
        assert cautions(url, asked) == []
    finally:
        database.execute(sql.SQL("DROP OWNED BY {} CASCADE; DROP ROLE {}").format(role, role))
