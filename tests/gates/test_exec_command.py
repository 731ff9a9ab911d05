"""The gate `exec`: the exit code decides, the words arrive as written, and nothing of the command is left behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from crossfade.gates.exec_command import Observation, in_words, judge, observe
from crossfade.gates.subject import Look, Subject
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import Exec
from crossfade.plan.load import parse_plan

from ..fixtures.owner import alive, eventually
from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = parse_plan(
    "crossfade: 1\nname: users-email\nchanges:\n  - rename_column: {table: t, from: a, to: b}\n", "plan.yaml"
)
SUBJECT = Subject(run_id=1, name="users-email", digest="sha256:1", plan=PLAN, rows=(), created_at=NOW)
LOOK = Look(phase=Phase.CONTRACT, now=NOW, record=False)
LONG = "1m"
"""So long that only a defect reaches it."""
SHORT = "1s"


def run(*command: str, timeout: str = LONG) -> Judgement:
    entry = Exec.model_validate({"command": command, "timeout": timeout})
    return judge(observe(SUBJECT, entry, LOOK), entry)


def python(program: str, *arguments: str, timeout: str = LONG) -> Judgement:
    return run(sys.executable, "-c", program, *arguments, timeout=timeout)


@pytest.mark.parametrize(
    ("observation", "verdict", "reason"),
    [
        (Observation(exit_code=0), PASS, "ready api ended with 0"),
        (Observation(exit_code=0, output="a\nall is well\n\n"), PASS, "ready api ended with 0: all is well"),
        (Observation(exit_code=1, output="no"), BLOCKED, "ready api ended with 1: no"),
        (Observation(exit_code=127), BLOCKED, "ready api ended with 127"),
        (Observation(exit_code=-9), ERROR, "ready api was ended by signal 9"),
        (Observation(), ERROR, "ready api was ended by signal 0"),
        (Observation(failure="it did not end within 5s", output="x"), ERROR, "ready api: it did not end within 5s"),
        (Observation(exit_code=0, failure="it did not end within 5s"), ERROR, "ready api: it did not end within 5s"),
    ],
)
def test_only_exit_code_0_passes(observation: Observation, verdict: Verdict, reason: str) -> None:
    judgement = judge(observation, Exec(command=("ready", "api")))
    assert (judgement.verdict, judgement.reason) == (verdict, reason)


def test_the_exit_code_of_a_real_command_decides() -> None:
    assert run("true").verdict is PASS
    assert run("false").verdict is BLOCKED
    said = run("sh", "-c", "echo first; echo last >&2; exit 3")
    assert (said.verdict, said.evidence["exit_code"], said.evidence["output"]) == (BLOCKED, 3, "first\nlast\n")
    assert said.reason.endswith(" ended with 3: last")
    assert run("echo", "done").reason == "echo done ended with 0: done"


def test_one_that_is_ended_by_a_signal_has_not_answered() -> None:
    ended = run("sh", "-c", "kill -TERM $$")
    assert (ended.verdict, ended.evidence["exit_code"]) == (ERROR, -signal.SIGTERM)


def test_every_word_arrives_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").touch()
    words = [
        "a b",
        "; touch mine",
        "$HOME",
        "`id`",
        "$(id)",
        "*",
        "~",
        "",
        "-n",
        "'\"",
        "Größe ✓ 日本",
        "a\nb",
        "\\n",
        "|&>",
    ]
    program = "import json, sys; json.dump(sys.argv[1:], open('words', 'w'))"
    assert python(program, *words).verdict is PASS
    assert json.loads((tmp_path / "words").read_text()) == words
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a file", "words"]


def test_it_is_told_the_run_and_the_phase_and_nothing_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSFADE_RUN", "another")
    monkeypatch.delenv("PGPASSWORD", raising=False)
    before = set(os.environ)
    said = python(
        "import json, os, sys; print(json.dumps([sys.stdin.read(), os.environ['CROSSFADE_RUN'],"
        " os.environ['CROSSFADE_PHASE'], sorted(os.environ)]))"
    )
    read, name, phase, environment = json.loads(said.evidence["output"].splitlines()[-1])
    assert (read, name, phase) == ("", "users-email", "contract")
    assert set(environment) - before - {"LC_CTYPE"} == {"CROSSFADE_PHASE"}


@pytest.mark.parametrize(
    ("file", "words"),
    [("nowhere", "No such file"), ("plain", "Permission denied"), ("directory", "denied"), ("garbled", "Exec format")],
)
def test_what_cannot_be_run_is_an_error(tmp_path: Path, file: str, words: str) -> None:
    (tmp_path / "plain").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "directory").mkdir()
    (tmp_path / "garbled").write_bytes(b"\x7fnot a program")
    (tmp_path / "garbled").chmod(0o755)
    found = run(str(tmp_path / file))
    assert found.verdict is ERROR
    assert "it cannot be run: " in found.reason
    assert words in found.reason
    assert found.evidence["exit_code"] is None


@pytest.mark.long
def test_more_words_than_the_system_takes_are_an_error() -> None:
    found = run("true", *["x" * 10_000] * 1000)
    assert found.verdict is ERROR
    assert "Argument list too long" in found.reason
    assert len(found.reason) < 500


FAMILY = "sleep 600 & echo $! >> {pids}; sh -c 'sleep 600 & echo $! >> {pids}; wait' & echo $! >> {pids}; {then}"


@pytest.mark.parametrize(
    ("then", "verdict", "timeout"),
    [("wait", ERROR, SHORT), ("trap '' TERM INT HUP; wait", ERROR, SHORT), ("exit 0", PASS, LONG)],
    ids=["time-out", "time-out, signals ignored", "left behind"],
)
def test_all_that_it_started_is_killed(tmp_path: Path, then: str, verdict: Verdict, timeout: str) -> None:
    pids = tmp_path / "pids"
    if then == "exit 0":
        then = f"while [ $(wc -l < {shlex.quote(str(pids))}) -lt 3 ]; do sleep 0.01; done; exit 0"
    found = run("sh", "-c", FAMILY.format(pids=shlex.quote(str(pids)), then=then), timeout=timeout)
    assert found.verdict is verdict
    if verdict is ERROR:
        assert found.reason.endswith(": it did not end within 1s")
    started = [int(line) for line in pids.read_text().split()]
    assert len(started) == 3
    eventually(lambda: not any(map(alive, started)), "its children are gone")


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        {daemon}
else:
    {parent}
"""


@pytest.mark.parametrize("daemon", ["time.sleep(1)", "os.write(1, b'more and more ' * 1000)"], ids=["quiet", "loud"])
@pytest.mark.parametrize(
    ("parent", "verdict", "timeout"),
    [("os.close(1); os.close(2); time.sleep(0.2); os._exit(0)", PASS, LONG), ("time.sleep(600)", ERROR, SHORT)],
    ids=["ends", "goes on"],
)
def test_a_daemon_that_keeps_the_output_open_is_not_waited_for(
    tmp_path: Path, daemon: str, parent: str, verdict: Verdict, timeout: str
) -> None:
    # The daemon tells its pid in a file, since its output may be full of other things.
    told = tmp_path / "pid"
    program = DAEMON.format(daemon=daemon, parent=parent).replace(
        "print(os.getpid(), flush=True)", f"open({str(told)!r}, 'w').write(str(os.getpid()))"
    )
    try:
        assert python(program, timeout=timeout).verdict is verdict
    finally:
        eventually(lambda: told.exists() and bool(told.read_text()), "the daemon told its pid")
        os.kill(int(told.read_text()), signal.SIGKILL)


@pytest.mark.long
def test_output_without_end_is_read_and_its_end_kept() -> None:
    found = python("import sys\nfor n in range(300000): print('line', n)\nsys.exit(4)")
    assert found.reason.endswith(" ended with 4: line 299999")
    assert found.evidence["output"].endswith("line 299998\nline 299999\n")
    assert len(found.evidence["output"]) == 2000
    endless = run("yes", timeout=SHORT)
    assert (endless.verdict, endless.reason) == (ERROR, "yes: it did not end within 1s")
    assert endless.evidence["output"] == "y\n" * 1000
    line = run("sh", "-c", "yes | tr -d '\\n' | head -c 1000000")
    assert line.verdict is PASS
    assert len(line.reason) < 500


def test_an_output_that_is_closed_early_is_no_end() -> None:
    assert python("import os, time; os.close(1); os.close(2); time.sleep(0.2); os._exit(5)").verdict is BLOCKED


SECRETS = [
    "postgresql://boss:s3cret@db/shop",
    "https://boss:s3cret@host/x",
    "host=db password=s3cret",
    "password='s3cret s3cret'",
]


@pytest.mark.long
@pytest.mark.parametrize("secret", SECRETS)
def test_passwords_are_shown_neither_of_the_output_nor_of_the_command(secret: str) -> None:
    program = "import sys; print(sys.argv[1]); print('x' * int(sys.argv[2])); print(sys.argv[1]); sys.exit(1)"
    # Wherever the end that is kept begins, even in the middle of the secret.
    for length in (0, *range(1900, 2010, 5), 65_480, 65_500, 65_520):
        found = python(program, secret, str(length))
        assert found.verdict is BLOCKED
        assert "s3cret" not in found.reason + json.dumps(found.evidence)
        assert "***" in found.evidence["output"]
    assert "s3cret" not in in_words(Exec(command=("pg_isready", "-d", secret)))
    assert "s3cret" not in run("nowhere-to-be-found", secret).reason


BINARY = """
gates:
  expand:
    - exec: {command: [sh, -c, 'printf "a\\\\000\\\\377\\\\033[31mred\\\\033[0m\\\\r\\\\nlast"']}
"""


def test_binary_output_can_be_kept_and_shown(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, BINARY)
    found = run.evaluate(Phase.EXPAND)
    assert found.verdict is PASS
    assert found.gates[0].evidence["output"] == "a��\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}[0m\nlast"
    kept = run.sql("SELECT gates FROM crossfade.evaluations WHERE run_id = %s", [run.subject.run_id])
    assert kept == [(found.as_json()["gates"],)]


def test_in_words_it_is_the_command_as_a_shell_would_take_it() -> None:
    assert in_words(Exec(command=("./ready", "a b"))) == "./ready 'a b' ends with 0"
