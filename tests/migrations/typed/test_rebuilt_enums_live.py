"""An enum that is made anew leaves its columns the defaults that the statements leave them."""

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

BEFORE = "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE w (x e NOT NULL DEFAULT 'b', y e DEFAULT 'a');"
MOVED = """
ALTER TYPE e RENAME TO e_old;
CREATE TYPE e AS ENUM ('a', {});
ALTER TABLE w ALTER x DROP DEFAULT, ALTER y DROP DEFAULT;
ALTER TABLE w ALTER x TYPE e USING x::text::e, ALTER y TYPE e USING y::text::e;
{}
DROP TYPE e_old;
"""
CASES = [
    ("'c'", "ALTER TABLE w ALTER x SET DEFAULT 'a', ALTER y SET DEFAULT 'a';"),
    ("'c'", "ALTER TABLE w ALTER x SET DEFAULT 'c', ALTER y SET DEFAULT 'c';"),
    ("'b', 'c'", "ALTER TABLE w ALTER y SET DEFAULT 'c';"),
    ("'b', 'c'", "ALTER TABLE w ALTER x SET DEFAULT 'b', ALTER y SET DEFAULT 'b';"),
]


@pytest.mark.parametrize(("labels", "defaults"), few_of(CASES, CASES[::2]))
def test_they_leave_what_the_statements_leave(
    labels: str, defaults: str, server: Server, database: Database, tmp_path: Path
) -> None:
    sql = MOVED.format(labels, defaults)
    (tmp_path / "1.sql").write_text(sql, encoding="utf-8")
    (project,) = read([tmp_path])
    database.execute(BEFORE)
    schema, enums = schema_of_database(database.url, [project], NOTHING_FIXED), enums_of_database(database.url)
    found, _ = origins(project, Start(schema=schema, enums=enums, fixed=NOTHING_FIXED))
    every = list(imported(found))
    assert "sql" not in {kind for one in every for plan in one.plans for entry in plan.entries for kind in entry}
    run_plans(database.url, every)
    with fresh_database(server) as other:
        other.execute(f"{BEFORE}{sql}")
        assert difference(other.dump(), database.dump()) == ""
