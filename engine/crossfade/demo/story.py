"""The demo's story: a rename under live traffic, from a shop that knows `email` to one that knows `email_address`.

`run_demo` starts a server of its own, makes the shop, runs two versions of its app as processes, takes the plan through
every phase with the engine, and checks from outside what came of it. It leaves nothing behind, however it ends, unless
it is told to keep the server.
"""

from __future__ import annotations

import shlex
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from crossfade.demo import shop
from crossfade.demo.app import Settings
from crossfade.demo.happenings import Chapter, Listener, Remark
from crossfade.demo.result import DemoResult, Kept
from crossfade.demo.traffic import AppProcess, Stretch, percentile
from crossfade.errors import CrossfadeError, GateBlocked, UsageError
from crossfade.observe.events import Event, LockWaited, StepDone
from crossfade.plan.load import load_plan
from crossfade.postgres.server import EmbeddedServer
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

PLAN = Path(__file__).with_name("users-email-address.yaml")
OLD, NEW = "email", "email_address"
RATE = 300.0
"""Statements a second of each app process: traffic that leaves two cores room for the rest."""
BASELINE_SECONDS = 3.0
GLANCE_SECONDS = 1.5
"""For traffic to meet what has just changed."""
PATIENCE = timedelta(seconds=60)
"""For gates; they need the ttl and the hold of the plan, a few seconds."""


class DemoFailed(CrossfadeError):
    """The story could not be told to its end."""

    code = "demo_failed"


def run_demo(rows: int, keep: bool, listener: Listener) -> DemoResult:
    """The whole story with that many users; what was measured. Raises DemoFailed where it cannot go on.

    With `keep` the server lives on, and the result says how to look inside and how to stop it.
    """
    if rows < len(_SHARES):
        raise UsageError(f"the demo needs at least {len(_SHARES)} rows, not {rows}")
    begun = time.monotonic()
    listener(Chapter(title="Open a shop", text=f"A PostgreSQL server of its own, and a table of {rows:,} users."))
    with EmbeddedServer(listen=keep) as server, ExitStack() as stack:
        url = shop.make_shop(server, rows)
        story = _Story(server, url, rows, listener, stack)
        try:
            story.tell()
            result = story.result(begun, _how_to_look_inside(server) if keep else None)
        except (CrossfadeError, psycopg.Error) as error:
            raise story.failed(error) from error
        if keep:
            server.detach()
        return result


_SHARES = ("1.4.0", "2.0.0")
"""The versions of the app; each has its own share of the rows."""


class _Story:
    """One telling: the server, the engine, the apps that were started, and what was counted."""

    def __init__(self, server: EmbeddedServer, url: str, rows: int, listener: Listener, stack: ExitStack) -> None:
        self._server, self._rows, self._listener, self._stack = server, rows, listener, stack
        self._engine = stack.enter_context(Engine(url, emit=self._hear))
        self._shop: psycopg.Connection[Any] = stack.enter_context(psycopg.connect(url, autocommit=True))
        self._plan = load_plan(PLAN)
        self._apps: list[AppProcess] = []
        self._chapter = ""
        self._lock_attempts = self._mismatches = 0
        self._blocked_by: str | None = None
        self._idle, self._during = Stretch(), Stretch()

    def tell(self) -> None:
        """Every chapter, in order."""
        old = self._open_for_business()
        with self._during:
            self._expand()
            self._backfill()
            new = self._roll_out()
            self._contract_too_early(old)
            self._drain(old)
            self._contract()
            self._revert()
            self._contract_again()
        self._drop(new)

    def failed(self, error: CrossfadeError | psycopg.Error) -> DemoFailed:
        """The error, with where it happened and which statements failed before it."""
        said, hint = (error.message, error.hint) if isinstance(error, CrossfadeError) else (str(error).strip(), None)
        failures = [f"  {f}" for app in self._apps for f in app.failures()]
        lines = [f"{self._chapter}: {said}", *(["statements that failed:", *failures[:5]] if failures else [])]
        return DemoFailed("\n".join(lines), hint=hint)

    def result(self, begun: float, kept: Kept | None) -> DemoResult:
        """The checks from outside, and all that was measured."""
        self._begin("Check", "Every row against what was written; the schema against that of a plain RENAME COLUMN.")
        facts = [fact for app in self._apps for fact in app.facts]
        self._mismatches += shop.lost_facts(self._shop, self._rows, facts)
        apps = self._apps
        return DemoResult(
            state=self._engine.status(self._plan.name).state,
            rows=shop.count_users(self._shop),
            statements=sum(a.statements for a in apps),
            failed_statements=sum(a.failed for a in apps),
            longest_statement_ms=max(a.longest_ms for a in apps),
            p99_ms_idle=percentile(self._idle.latencies_ms(*apps), 99),
            p99_ms_during=percentile(self._during.latencies_ms(*apps), 99),
            lock_attempts=self._lock_attempts,
            batches=shop.count_batches(self._shop),
            parity_mismatches=self._mismatches,
            schema_equal=shop.dump_schema(self._server) == shop.schema_by_plain_ddl(self._server),
            blocked_by=self._blocked_by,
            failures=tuple(f for a in apps for f in a.failures()),
            kept=kept,
            seconds=time.monotonic() - begun,
        )

    # The chapters

    def _open_for_business(self) -> AppProcess:
        self._engine.init(app_role=shop.APP_ROLE)
        self._begin("Idle", f"One app, api {_SHARES[0]}, which knows {OLD}; nothing else happens: the baseline.")
        old = self._start_app(_SHARES[0], "pod-a", OLD)
        with self._idle:
            time.sleep(BASELINE_SECONDS)
        return old

    def _expand(self) -> None:
        self._begin("Expand", f"Add {NEW} beside {OLD}, kept equal by triggers.")
        self._engine.start(self._plan)
        self._engine.expand(self._plan.name)

    def _backfill(self) -> None:
        self._begin("Backfill", f"Fill {NEW} in the rows of before, then its indexes, then compare every row.")
        self._engine.backfill(self._plan.name)

    def _roll_out(self) -> AppProcess:
        self._begin("Roll out", f"api {_SHARES[1]}, which knows {NEW} only, beside {_SHARES[0]}.")
        new = self._start_app(_SHARES[1], "pod-b", NEW)
        time.sleep(2 * GLANCE_SECONDS)
        self._compare(OLD, NEW)
        return new

    def _contract_too_early(self, old: AppProcess) -> None:
        self._begin("Contract, too early", f"api {_SHARES[0]} is still there, so this has to be refused.")
        try:
            self._engine.contract(self._plan.name)
        except GateBlocked as blocked:
            if old.settings.instance in blocked.message:
                self._blocked_by = blocked.message
            self._remark(f"Blocked (exit {blocked.exit_code}): {blocked.message}")

    def _drain(self, old: AppProcess) -> None:
        self._begin("Drain", f"The last instance of api {_SHARES[0]} ends.")
        old.stop()
        self._compare(OLD, NEW)

    def _contract(self) -> None:
        hold = f"{self._plan.hold.total_seconds():g} s"
        self._begin("Contract", f"Once the gates have passed for {hold}: {OLD} is hidden, and still kept in step.")
        self._retain()

    def _revert(self) -> None:
        self._begin("Revert", "Second thoughts: both names are back, and no row is touched.")
        self._engine.revert(self._plan.name)
        time.sleep(GLANCE_SECONDS)
        self._compare(OLD, NEW)

    def _contract_again(self) -> None:
        self._begin("Contract again", "The gates are asked anew.")
        self._retain()

    def _drop(self, new: AppProcess) -> None:
        retain = f"{self._plan.retain.total_seconds():g} s"
        self._begin("Drop", f"The old data was retained for {retain}; now it goes.")
        self._engine.contract(self._plan.name, wait=PATIENCE)
        time.sleep(GLANCE_SECONDS)
        new.stop()

    # What the chapters are made of

    def _retain(self) -> None:
        """Contract up to `retained`, and compare the hidden twin while traffic goes on."""
        self._engine.advance(self._plan.name, to=State.RETAINED, wait=PATIENCE)
        time.sleep(GLANCE_SECONDS)
        self._compare(NEW, shop.hidden_twin(self._shop))

    def _start_app(self, version: str, instance: str, column: str) -> AppProcess:
        settings = Settings(
            url=shop.app_url(self._server),
            version=version,
            instance=instance,
            column=column,
            rows=self._rows,
            share=_SHARES.index(version),
            shares=len(_SHARES),
            rate=RATE,
        )
        app = AppProcess(settings, self._listener)
        self._stack.callback(app.kill)
        self._apps.append(app)
        app.await_work()
        return app

    def _compare(self, left: str, right: str) -> None:
        found = shop.apart(self._shop, left, right)
        self._mismatches += found
        self._remark(f"{left} and {right} are equal on every row" if not found else f"{found} rows differ")

    def _begin(self, title: str, text: str) -> None:
        self._chapter = title
        self._listener(Chapter(title=title, text=text))

    def _remark(self, text: str) -> None:
        self._listener(Remark(text=text))

    def _hear(self, event: Event) -> None:
        # A step that is done had its locks in its last attempt.
        self._lock_attempts += isinstance(event, (LockWaited, StepDone))
        self._listener(event)


def _how_to_look_inside(server: EmbeddedServer) -> Kept:
    url = server.url(shop.DATABASE, host="127.0.0.1")
    quoted = shlex.quote(url)
    return Kept(
        url=url,
        psql=f"{shlex.quote(str(server.bin_dir / 'psql'))} {quoted}",
        status=f"crossfade status --database {quoted}",
        stop=server.stop_command,
    )
