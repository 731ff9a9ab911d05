"""A rollback that would destroy what only a new version wrote, as somebody at the command line meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

PLAN = """\
crossfade: 1
name: users-handle
changes:
  - add_column: {table: users, name: handle, type: text, fill: "split_part(email, '@', 1)"}
"""


def test_it_stops_and_says_by_which_word_it_goes_on(cli: Cli, shop: Database, tmp_path: Path) -> None:
    plan = tmp_path / "users-handle.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    assert cli("advance", str(plan), "--to", "backfilled").code == 0
    shop.execute("UPDATE users SET handle = 'chosen' WHERE id = 7")
    command = ("rollback", "users-handle", "--confirm", "users-handle")

    refused = cli(*command, "--json")

    assert refused.code == 5
    error = refused.json()["error"]
    assert error["code"] == "would_discard"
    (what,) = error["would_destroy"]
    assert what.startswith("values of handle in public.users that differ from what its fill gives now: ")
    assert "crossfade rollback users-handle --discard" in error["hint"]
    assert cli("status", "users-handle", "--json").json()["state"] == "backfilled"
    assert cli(*command, "--discard", "--json").json()["state"] == "rolled_back"
