"""A foreign key that comes back with other rules around its key's new type has them in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.cli.import_origins import Start, origins
from crossfade.cli.lint_schema import enums_of_database, schema_of_database
from crossfade.migrations.imported import imported
from crossfade.migrations.read import read
from crossfade.plan.fixed import NOTHING_FIXED
from crossfade.workflow.whole_history import difference, run_plans

from ...fixtures.database import fresh_database
from ...fixtures.long import few_of

if TYPE_CHECKING:
    from pathlib import Path

    from ...fixtures.database import Database
    from ...fixtures.servers import Server

BEFORE = """
CREATE TABLE teams (id int PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY, team int, CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams);
"""
RETYPED = """
ALTER TABLE users DROP CONSTRAINT users_team;
ALTER TABLE teams DROP CONSTRAINT teams_pkey, ALTER id TYPE bigint, ADD CONSTRAINT teams_pkey PRIMARY KEY (id);
ALTER TABLE users ALTER team TYPE bigint;
ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id) {};
"""
RULES = ["ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED", "NOT VALID"]


@pytest.mark.parametrize("rules", few_of(RULES, RULES[:1]))
def test_it_leaves_what_the_statements_leave(rules: str, server: Server, database: Database, tmp_path: Path) -> None:
    sql = RETYPED.format(rules)
    (tmp_path / "1.sql").write_text(sql, encoding="utf-8")
    (project,) = read([tmp_path])
    database.execute(BEFORE)
    schema, enums = schema_of_database(database.url, [project], NOTHING_FIXED), enums_of_database(database.url)
    found, _ = origins(project, Start(schema=schema, enums=enums, fixed=NOTHING_FIXED))
    run_plans(database.url, list(imported(found)))
    with fresh_database(server) as other:
        other.execute(f"{BEFORE}{sql}")
        assert difference(other.dump(), database.dump()) == ""
