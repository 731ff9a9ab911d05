"""Targets of `notify`, as a user has them: told of what happens, and never in the way of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from ..notify.receiver import receiving, refusing
from .users_table import RUN, await_that, columns, fail, make_users, state, succeed, write_plan

if TYPE_CHECKING:
    from ..fixtures.command import Cli
    from ..fixtures.database import Database

SECRET = "s3cret-key"
PATH = "/services/T0/s3cret-path"


def outbox(database: Database) -> list[tuple[object, ...]]:
    return database.execute("SELECT event, state, target FROM crossfade.notifications ORDER BY id")


@pytest.mark.long
def test_targets_that_hang_and_refuse_neither_delay_nor_fail_contract(cli: Cli, database: Database) -> None:
    make_users(database)
    never = threading.Event()
    with receiving(holds=never) as hanging:
        extra = f'notify:\n  - webhook: {{url: "{hanging.url}/"}}\n  - slack: {{url: "{refusing()}/"}}\n'
        plan = write_plan(cli.directory, extra)
        succeed(cli, "advance", plan, "--to", "backfilled")
        succeed(cli, "approve", RUN, "--phase", "contract", "--as", "me")
        done = cli("contract", RUN, "--confirm", RUN, "--json")
        assert done.code == 0, done
        assert done.json()["state"] == "contracted"
        assert "Traceback" not in done.stderr
        # The commands have ended, every phase is done, and the target still holds what each of the two asked.
        assert not never.is_set()
        assert len(hanging.requests) == 2
        assert database.execute("SELECT count(*) FROM crossfade.phases WHERE finished_at IS NOT NULL") == [(3,)]
        finished = [row for row in outbox(database) if row[0] == "phase_finished"]
        assert len(finished) == 6
        assert {row[1] for row in outbox(database)} == {"waiting", "sending"}


@pytest.mark.long
def test_what_could_not_be_sent_is_sent_by_the_next_command_of_another_run(cli: Cli, database: Database) -> None:
    make_users(database)
    database.execute("CREATE TABLE people (id int PRIMARY KEY, mail text NOT NULL)")
    plan = write_plan(cli.directory, "notify:\n  - slack: {url_env: TARGET, on: [phase_finished]}\n")
    done = succeed(cli, "expand", plan)
    assert "TARGET is not set" in done.stderr
    assert outbox(database) == [("phase_finished", "waiting", outbox(database)[0][2])]
    database.execute("UPDATE crossfade.notifications SET next_at = clock_timestamp()")
    other = write_plan(cli.directory, file="other.yaml", run="people-mail", table="people", old="mail", new="address")
    with receiving() as receiver:
        assert cli("expand", other, env={"TARGET": f"{receiver.url}{PATH}"}).code == 0
        (request,) = receiver.requests
    assert request.path == PATH
    assert request.json()["text"].startswith(f"expand of {RUN} is done")
    assert [row[1] for row in outbox(database)] == ["sent"]
    written = str(database.execute("SELECT n::text FROM crossfade.notifications n"))
    assert "s3cret" not in written + done.stdout + done.stderr


@pytest.mark.long
def test_the_projects_targets_are_told_of_every_run_and_a_failure_names_its_code(cli: Cli, database: Database) -> None:
    make_users(database)
    with receiving() as receiver:
        settings = 'webhook = {url_env = "TARGET", secret_env = "SECRET", on = ["phase_finished", "failed"]}\n'
        (cli.directory / "crossfade.toml").write_text(f"[[notify]]\n{settings}")
        env = {"TARGET": f"{receiver.url}{PATH}", "SECRET": SECRET}
        plan = write_plan(cli.directory, "locks: {give_up_after: 60ms}\n")
        with database.connect() as holder:
            holder.execute("LOCK TABLE users IN ACCESS SHARE MODE")
            done = cli("expand", plan, env=env)
            assert done.code == 6, done
        assert cli("expand", plan, env=env).code == 0
        failed, finished = (request.json() for request in receiver.requests)
    assert (failed["event"], failed["phase"], failed["run"]) == ("failed", "expand", RUN)
    assert (
        failed["code"] == database.execute("SELECT data ->> 'code' FROM crossfade.events WHERE kind = 'failed'")[0][0]
    )
    assert "users" in failed["reason"]
    assert (finished["event"], finished["state"], finished["command"]) == (
        "phase_finished",
        "expanded",
        f"crossfade backfill {RUN}",
    )
    assert finished["database"] == database.name
    assert all("v1=" in request.headers["Crossfade-Signature"] for request in receiver.requests)
    everything = str(database.execute("SELECT n::text FROM crossfade.notifications n")) + done.stdout + done.stderr
    assert not any(secret in everything for secret in (SECRET, PATH))


@pytest.mark.long
def test_short_commands_tell_of_an_approval_once_and_of_a_blockage_once_it_lasts(cli: Cli, database: Database) -> None:
    make_users(database)
    with receiving() as receiver:
        plan = write_plan(
            cli.directory, f'notify: [webhook: {{url: "{receiver.url}", on: [blocked, approval_wanted]}}]\n'
        )
        succeed(cli, "advance", plan, "--to", "backfilled")
        for _ in range(3):
            assert fail(cli, 3, "advance", RUN)
        assert [r.json()["event"] for r in receiver.wait_for(1)] == ["approval_wanted"]
        database.execute("UPDATE crossfade.evaluations SET at = at - interval '31 minutes' WHERE phase = 'contract'")
        database.execute("UPDATE crossfade.runs SET state_since = state_since - interval '31 minutes'")
        for _ in range(2):
            assert fail(cli, 3, "advance", RUN)
        wanted, blocked = (r.json() for r in receiver.wait_for(2))
    assert wanted["command"] == f"crossfade approve {RUN} --phase contract --as NAME"
    assert (blocked["event"], blocked["command"]) == ("blocked", f"crossfade gate {RUN} --phase contract")
    assert blocked["seconds"] >= 31 * 60
    assert "waits for an approval" in blocked["reason"]
    assert len(outbox(database)) == 2
    assert columns(database)
    assert state(cli) == "backfilled"


@pytest.mark.long
def test_a_worker_sends_what_is_left(cli: Cli, database: Database) -> None:
    make_users(database)
    plan = write_plan(cli.directory, "notify:\n  - webhook: {url_env: TARGET, on: [phase_finished]}\n")
    succeed(cli, "expand", plan)
    database.execute("UPDATE crossfade.notifications SET next_at = clock_timestamp()")
    with receiving() as receiver:
        assert cli("worker", "--once", env={"TARGET": receiver.url}).code == 0
        receiver.wait_for(1)
        await_that(lambda: [row[1] for row in outbox(database)] == ["sent"], "it was not noted as sent")


def test_a_fleet_tells_of_each_of_its_databases(cli: Cli, database: Database) -> None:
    make_users(database)
    (cli.directory / "databases.txt").write_text(f"shop = {database.url}\n")
    with receiving() as receiver:
        (cli.directory / "crossfade.toml").write_text(f"[[notify]]\nwebhook = {{url = '{receiver.url}'}}\n")
        succeed(cli, "fleet", "expand", write_plan(cli.directory), "--databases", "databases.txt")
        (told,) = [request.json() for request in receiver.requests]
    assert (told["event"], told["database"]) == ("phase_finished", database.name)
