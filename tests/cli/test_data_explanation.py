"""`new`, `check` and `explain` of changes of rows, as a person and a program see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

SETUP = """
CREATE TABLE users (id int PRIMARY KEY, email text, last_seen_at timestamptz, wants_newsletter boolean);
CREATE TABLE users_archive (LIKE users);
CREATE TABLE subscribers (user_id int PRIMARY KEY, address text);
"""

STATEMENTS = {
    "update_rows": 'UPDATE "public"."users" SET "email" = lower(email) WHERE (email <> lower(email)) IS TRUE',
    "delete_rows": 'WITH gone AS (DELETE FROM "public"."users"'
    " WHERE (last_seen_at < now() - '2 years'::interval) IS TRUE RETURNING *)"
    ' INSERT INTO "public"."users_archive" ("id", "email", "last_seen_at", "wants_newsletter")'
    ' SELECT "id", "email", "last_seen_at", "wants_newsletter" FROM gone',
    "copy_rows": 'INSERT INTO "public"."subscribers" ("user_id", "address") SELECT id, lower(email)'
    ' FROM "public"."users" WHERE (wants_newsletter) IS TRUE ON CONFLICT DO NOTHING',
}
LOCKS = {
    "update_rows": "ROW EXCLUSIVE, and the rows of the batch while it is written",
    "delete_rows": 'ROW EXCLUSIVE, on "public"."users_archive" too, and the rows of the batch',
    "copy_rows": 'ROW EXCLUSIVE on "public"."subscribers"; "public"."users" is only read',
}


@pytest.mark.long
@pytest.mark.parametrize("kind", STATEMENTS)
def test_the_plan_to_start_from_is_explained(database: Database, cli: Cli, tmp_path: Path, kind: str) -> None:
    database.execute(SETUP)
    plan = tmp_path / "plan.yaml"
    plan.write_text(cli("new", kind).stdout, encoding="utf-8")

    checked = cli("check", plan)
    assert (checked.code, checked.stderr) == (0, "")

    page = cli("explain", plan).stdout
    assert f"{STATEMENTS[kind]};" in page
    assert LOCKS[kind] in page
    assert page.count("Nothing to do; the run passes through.") == 2
    assert "compared" not in page

    document = cli("explain", plan, "--json").json()
    assert document["phases"]["backfill"]["rows"] == [{"relation": '"public"."users"', "sql": STATEMENTS[kind]}]
    assert [document["phases"][phase]["steps"] for phase in ("expand", "backfill", "contract")] == [[], [], []]

    script = cli("explain", plan, "--sql").stdout
    assert script.endswith(f"{STATEMENTS[kind]};\n")


def test_what_goes_with_a_deleted_row_has_to_be_accepted(database: Database, cli: Cli, tmp_path: Path) -> None:
    database.execute(f"{SETUP}; CREATE TABLE logins (of_user int REFERENCES users ON DELETE CASCADE)")
    plan = tmp_path / "plan.yaml"
    plan.write_text(cli("new", "delete_rows").stdout, encoding="utf-8")

    refused = cli("check", plan)
    assert refused.code == 2
    assert "public.logins" in refused.stderr
    assert "--ack cascade" in refused.stderr
    assert cli("check", plan, "--ack", "cascade").code == 0
