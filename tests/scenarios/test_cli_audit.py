"""What a reviewer is told of a run that went all the way, with an override, by the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .users_table import ROSTER, RUN, alive, fail, make_users, sight, succeed, write_plan

if TYPE_CHECKING:
    from ..fixtures.command import Cli
    from ..fixtures.database import Database

GATES = """\
gates:
  contract:
    - approval: {role: dba}
    - http: {url: "http://127.0.0.1:9/ready?token=s3cret", timeout: 1s, mode: observe}
"""


@pytest.mark.long
def test_a_whole_run_is_told_with_who_when_and_why(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "advance", write_plan(cli.directory, f"hold: 0s\n{ROSTER}{GATES}"), "--to", "backfilled")
    because = "ticket 4711 | see `it`"
    succeed(cli, "approve", RUN, "--phase", "contract", "--as", "alice", "--role", "dba", "--reason", because)
    sight(database, "api", "1.4.0", "pod-a")
    with alive(database, "api", "2.0.0", "pod-b"):
        override = ("--gate", "app_version", "--reason", "cut off", "--as", "ada", "--for", "30m")
        succeed(cli, "override", RUN, *override)
        succeed(cli, "contract", RUN, "--confirm", RUN)
    found = succeed(cli, "audit", RUN, "--json").json()
    assert (found["name"], found["state"]) == (RUN, "contracted")
    assert all(step["state"] == "done" and step["finished_at"] for step in found["steps"])
    assert [(g["approver"], g["role"], g["reason"]) for g in found["approvals"]] == [("alice", "dba", because)]
    assert [(o["gate"], o["actor"], o["reason"]) for o in found["overrides"]] == [("app_version", "ada", "cut off")]
    on_its_word = [e for e in found["evaluations"] if e["step"]]
    assert {"app_version", "approval"} <= {g["kind"] for e in on_its_word for g in e["gates"]}
    assert [b["relation"] for b in found["batches"]] == ["public.users"]
    page = succeed(cli, "audit", RUN).stdout
    assert "ticket 4711 \\| see \\`it\\`" in page
    assert all(words in page for words in ("cut off", "ALTER TABLE", "pod-a", found["digest"]))
    assert page == succeed(cli, "audit", RUN, "--format", "markdown").stdout
    assert "s3cret" not in page + str(found)
    assert succeed(cli, "audit", RUN, "--format", "json").json() == found


def test_a_run_that_was_never_started_has_nothing_to_tell(cli: Cli) -> None:
    succeed(cli, "init")
    assert RUN in fail(cli, 2, "audit", RUN)
    done = cli("audit", RUN, "--json", "--format", "markdown")
    assert (done.code, done.json()["error"]["code"]) == (2, "usage")
