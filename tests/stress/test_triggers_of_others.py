"""The table's own triggers, written as people write them, fire for every row of a backfill and find what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..scenarios.mortals import RUN, plan, prepare

if TYPE_CHECKING:
    from ..fixtures.database import Database

AUDIT = """
CREATE TABLE audit (id bigint, at timestamptz DEFAULT now());
-- Names its table as an application does: by the search_path of whoever writes.
CREATE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO audit (id) VALUES (NEW.id); RETURN NULL; END';
CREATE TRIGGER audit_row AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION audit_row();
"""


def test_a_trigger_that_relies_on_the_search_path_works_in_a_backfill(database: Database) -> None:
    prepare(database, 300, plan())
    database.execute(AUDIT)
    database.execute("UPDATE users SET hits = -1 WHERE id = 1")  # works for every application
    database.execute("TRUNCATE audit; UPDATE users SET hits = 0 WHERE id = 1; TRUNCATE audit")
    with Engine(database.url) as engine:
        assert engine.advance(RUN, to=State.BACKFILLED).state is State.BACKFILLED
    assert database.execute("SELECT count(*) FROM audit") == database.execute("SELECT sum(rows) FROM crossfade.batches")
