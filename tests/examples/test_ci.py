"""The files of examples/ci: YAML whose commands exist and whose scripts do on a server what the README says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import conninfo
from ruamel.yaml import YAML

from crossfade.cli.app import program
from crossfade.plan.versions import parse_range
from crossfade.postgres.connect import connect
from crossfade.workflow import ledger, roles
from crossfade.workflow.states import State

from ..docs.pages import fences
from ..fixtures.command import FOREIGN
from ..fixtures.long import LONG, few_of
from ..scenarios.users_table import RUN, make_users, succeed, write_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

EXAMPLE = Path(__file__).parents[2] / "examples" / "ci"
FILES = ("github-actions.yml", "gitlab-ci.yml", "kubernetes-init-container.yaml", "kubernetes-job.yaml")
RANGE = {**parse_range("semver", ">=2.0.0").as_json(), "text": ">=2.0.0"}
OLD, NEW, UNREADABLE = "1.4.0", "2.0.0", "latest"
ANSWERS = {OLD: 0, NEW: 3, UNREADABLE: 4}
"""What `can-i-run` says of each while the run is expanded."""
ROSTER = 'apps:\n  api: {scheme: semver, new: ">=2.0.0", ttl: 1h}\nhold: 0s\nretain: 1h\n'
BASH = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c")
"""As GitHub and GitLab run scripts."""


def documents(name: str) -> list[Any]:
    return list(YAML(typ="safe").load_all((EXAMPLE / name).read_text(encoding="utf-8")))


def texts(value: Any) -> Iterator[str]:
    """Every text of a document; the words of a container's command as one."""
    if isinstance(value, dict):
        for below in value.values():
            yield from texts(below)
    elif isinstance(value, list) and value and all(isinstance(word, str) for word in value) and value[0] == "crossfade":
        yield shlex.join(value)
    elif isinstance(value, list):
        for below in value:
            yield from texts(below)
    elif isinstance(value, str):
        yield value


def commands(name: str) -> list[list[str]]:
    """The words of every crossfade command of a file, without the program's name."""
    lines = [line.strip() for document in documents(name) for text in texts(document) for line in text.splitlines()]
    calls = [re.split(r" \|\| ", line)[0] for line in lines if line.startswith("crossfade ")]
    return [shlex.split(call)[1:] for call in calls]


def github(job: str, position: int = 0) -> str:
    script: str = documents("github-actions.yml")[0]["jobs"][job]["steps"][position]["run"]
    return script


def gitlab(job: str) -> str:
    return "\n".join(documents("gitlab-ci.yml")[0][job]["script"])


def init_container() -> tuple[str, ...]:
    container = documents("kubernetes-init-container.yaml")[0]["spec"]["template"]["spec"]["initContainers"][0]
    return (*container["command"], *container["args"])


def job_container() -> tuple[str, ...]:
    spec = documents("kubernetes-job.yaml")[0]["spec"]
    return tuple(spec["template"]["spec"]["containers"][0]["args"])


def run(command: tuple[str, ...], url: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it as a pipeline would, with `crossfade` on the PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith((*FOREIGN, "GITHUB_"))}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        [word.replace("30m", "1s") for word in command],
        env={**kept, "PATH": path, "DATABASE_URL": url, "RUN": RUN, **variables},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


@pytest.mark.parametrize("name", FILES)
def test_every_command_is_one_that_the_program_takes(name: str) -> None:
    found = commands(name)
    assert found, "a file without commands shows nothing"
    for words in found:
        command, rest = program(), list(words)
        while hasattr(command, "commands"):
            # What may stand before the command's name may also stand after it.
            at = next(n for n, word in enumerate(rest) if word in command.commands)
            command = command.commands[rest.pop(at)]
        command.make_context("crossfade", rest)


def test_every_file_is_described_and_names_the_same_pinned_image() -> None:
    assert sorted(p.name for p in EXAMPLE.iterdir()) == sorted((*FILES, "README.md"))
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    for name in FILES:
        assert f"]({name})" in readme
        images = set(re.findall(r"\S+/crossfade:\S+", (EXAMPLE / name).read_text(encoding="utf-8")))
        assert images == set(re.findall(r"`(\S+/crossfade:\S+)`", readme)), name


@pytest.fixture
def asked(database: Database) -> str:
    """A database with a run that is expanded, and the URL of the README's role that may only ask."""
    with connect(database.url) as connection:
        ledger.install(connection)
        roles.grant_roles(connection, None)
        ledger.add_run(connection, name=RUN, digest="", plan={}, acks=(), program={}, fences={"api": RANGE})
        connection.execute("UPDATE crossfade.runs SET state = %s", [State.EXPANDED.value])
    [statements] = fences(EXAMPLE / "README.md", "sql")
    role = f"{database.name}_deployer"
    with psycopg.connect(database.url) as connection:
        connection.execute(statements.replace("deployer", role).encode())
    return conninfo.make_conninfo(database.url, user=role)


@pytest.mark.long
@pytest.mark.parametrize(("version", "code"), few_of(ANSWERS.items(), {(NEW, ANSWERS[NEW])}))
def test_a_pipeline_ends_with_the_answer(asked: str, version: str, code: int) -> None:
    done = run((*BASH, github("ask")), asked, VERSION=version)
    assert done.returncode == code, done
    assert done.stdout.splitlines()[-1].startswith("::notice::" if code == 0 else "::error::")


@pytest.mark.long
def test_the_job_of_a_tag_asks_for_the_version_in_it(asked: str) -> None:
    done = run((*BASH, gitlab("ask")), asked, CI_COMMIT_TAG=f"v{NEW}")
    assert done.returncode == ANSWERS[NEW], done
    assert NEW in done.stdout


@pytest.mark.long
def test_the_job_ends_with_the_answer_and_is_not_tried_again_where_that_cannot_change(asked: str) -> None:
    assert run(job_container(), asked).returncode == ANSWERS[NEW]
    for document, final in zip(documents("kubernetes-job.yaml"), ({3, 4}, {2, 3, 4, 5}), strict=True):
        [rule] = document["spec"]["podFailurePolicy"]["rules"]
        assert (rule["action"], set(rule["onExitCodes"]["values"])) == ("FailJob", final)


@pytest.mark.long
def test_the_init_container_lets_a_pod_start_unless_its_version_may_not_run(asked: str) -> None:
    for version, code in ANSWERS.items() if LONG else ((OLD, 0), (NEW, 3)):
        assert run(init_container(), asked, VERSION=version).returncode == code
    nobody_there = conninfo.make_conninfo(asked, host="127.0.0.1", port=1)
    done = run(init_container(), nobody_there, VERSION=NEW)
    assert done.returncode == 0, done
    assert "could not be asked" in done.stdout


@pytest.fixture
def backfilled(cli: Cli, database: Database, tmp_path: Path) -> Database:
    """A database whose run waits for the api to report itself, and then retains the old data for an hour."""
    make_users(database)
    succeed(cli, "advance", write_plan(tmp_path, ROSTER), "--to", "backfilled")
    return database


def report(database: Database) -> None:
    database.execute("SELECT crossfade.heartbeat('api', %s, 'pod-a')", [NEW])


def let_retention_end(database: Database) -> None:
    database.execute("UPDATE crossfade.runs SET retain_until = clock_timestamp()")


def state(database: Database) -> str:
    [(reached,)] = database.execute("SELECT state FROM crossfade.runs")
    return str(reached)


@pytest.mark.long
def test_the_scheduled_workflow_goes_on_as_far_as_it_may_and_does_not_fail_meanwhile(
    backfilled: Database, tmp_path: Path
) -> None:
    output = tmp_path / "output"

    def workflow() -> str:
        """Its two steps, the second if the first one says so; the state that the run is in then."""
        output.write_text("", encoding="utf-8")
        for position in (0, 1):
            done = run((*BASH, github("contract", position)), backfilled.url, GITHUB_OUTPUT=str(output))
            assert done.returncode == 0, done
            if "ready=true" not in output.read_text(encoding="utf-8").splitlines():
                break
        return state(backfilled)

    assert workflow() == "backfilled", "no app has reported itself"
    report(backfilled)
    assert workflow() == "retained"
    assert workflow() == "retained", "the old data is still kept"
    let_retention_end(backfilled)
    assert workflow() == "contracted"
    if LONG:
        assert workflow() == "contracted", "what is done is done"


@pytest.mark.long
def test_the_scheduled_job_ends_with_the_gates_answer_and_goes_on_behind_them(backfilled: Database) -> None:
    assert run((*BASH, gitlab("contract")), backfilled.url).returncode == 4
    report(backfilled)
    assert run((*BASH, gitlab("contract")), backfilled.url).returncode == 0
    assert state(backfilled) == "retained"
    let_retention_end(backfilled)
    assert run((*BASH, gitlab("contract")), backfilled.url).returncode == 0
    assert state(backfilled) == "contracted"
