"""The demo's app as a process: it works, it notices what is wrong, and it never outlives the demo."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.demo import shop
from crossfade.demo.happenings import AppCounters
from crossfade.demo.traffic import AppNotWorking, AppProcess, Stretch, percentile

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.demo.happenings import Happening

    from .conftest import Shop

PATIENCE_SECONDS = 30


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "this did not come true"
        time.sleep(0.05)


def test_every_fact_that_an_app_wrote_is_found_in_the_shop(
    small_shop: Shop, app: AppProcess, heard: list[Happening]
) -> None:
    until(lambda: app.statements > 300)
    app.stop()
    assert app.failed == 0
    assert app.facts
    small_shop.connection.execute("ALTER TABLE users RENAME COLUMN email TO email_address")
    assert shop.lost_facts(small_shop.connection, small_shop.settings.rows, app.facts) == 0
    last = heard[-1]
    assert isinstance(last, AppCounters)
    assert not last.live
    assert last.statements == app.statements


def test_an_app_notices_a_row_that_is_not_as_it_was_written(small_shop: Shop, app: AppProcess) -> None:
    small_shop.connection.execute("UPDATE users SET name = 'somebody else'")
    until(lambda: app.failed)
    failure = next(app.failures())
    assert failure.sqlstate is None
    assert "somebody else" in failure.message


def test_an_app_reports_the_sqlstate_of_a_statement_that_failed(small_shop: Shop, app: AppProcess) -> None:
    small_shop.connection.execute("ALTER TABLE users RENAME COLUMN email TO email_address")
    until(lambda: app.failed)
    assert next(app.failures()).sqlstate == "42703"
    app.stop()
    assert app.failed < app.statements


def test_an_app_survives_the_loss_of_its_connection_and_counts_it(small_shop: Shop, app: AppProcess) -> None:
    small_shop.connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop_app'")
    until(lambda: app.failed)
    before = app.statements
    until(lambda: app.statements > before + 100)
    app.stop()
    assert app.failed == len(list(app.failures())) == 1


def test_an_app_tells_who_it_is(small_shop: Shop, app: AppProcess) -> None:
    rows = small_shop.connection.execute(
        "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename = 'shop_app'"
    ).fetchall()
    assert rows == [("api@1.4.0/pod-a",)]
    assert app.name == "api@1.4.0/pod-a"


def test_an_app_that_cannot_start_says_why(small_shop: Shop) -> None:
    settings = replace(small_shop.settings, url=small_shop.server.url("no_such_shop"))
    app = AppProcess(settings, lambda _: None)
    try:
        with pytest.raises(AppNotWorking, match="no_such_shop"):
            app.await_work()
    finally:
        app.kill()


def test_an_app_that_was_killed_is_an_error_not_a_quiet_end(app: AppProcess) -> None:
    app.kill()
    with pytest.raises(AppNotWorking, match="without its last report"):
        app.stop()


DEMO = """
import sys, time
from crossfade.demo.app import Settings
from crossfade.demo.traffic import AppProcess
AppProcess(Settings(**{settings!r}), lambda _: None).await_work()
print("at work", flush=True)
time.sleep(600)
"""


def test_an_app_ends_when_the_demo_is_killed(small_shop: Shop) -> None:
    def sessions() -> list[Any]:
        return small_shop.connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'api@1.4.0/pod-a'"
        ).fetchall()

    script = DEMO.format(settings=asdict(small_shop.settings))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline() == "at work\n"
        assert sessions()
        demo.kill()
    until(lambda: not sessions())


def test_a_shop_that_lost_something_is_found_out(small_shop: Shop) -> None:
    connection, rows = small_shop.connection, small_shop.settings.rows
    connection.execute("ALTER TABLE users RENAME COLUMN email TO email_address")
    assert shop.lost_facts(connection, rows, []) == 0
    connection.execute("DELETE FROM users WHERE id = 1")
    connection.execute("UPDATE users SET email_address = 'other@shop.example' WHERE id = 2")
    connection.execute("INSERT INTO users (email_address) VALUES ('nobody@shop.example')")
    fact = shop.Fact(id=3, email="never@arrived.example", name="User 3")
    assert shop.lost_facts(connection, rows, [fact]) == 4


def test_the_schema_is_compared_without_the_ledger(small_shop: Shop) -> None:
    before = shop.dump_schema(small_shop.server)
    assert "crossfade" not in before.replace("OWNER TO crossfade", "").replace("Owner: crossfade", "")
    small_shop.connection.execute("ALTER TABLE users RENAME COLUMN email TO email_address")
    assert shop.dump_schema(small_shop.server) == shop.schema_by_plain_ddl(small_shop.server) != before


def test_a_stretch_has_the_statements_of_its_time_only(app: AppProcess) -> None:
    early, late = Stretch(), Stretch()
    with early:
        until(lambda: app.statements > 100)
    app.stop()
    with late:
        pass
    assert 0 < len(early.latencies_ms(app)) <= app.statements
    assert late.latencies_ms(app) == []


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 99, 0.0), ([7.0], 99, 7.0), ([3.0, 1.0, 2.0], 50, 2.0), ([float(n) for n in range(1, 101)], 99, 99.0)],
)
def test_percentiles_are_values_that_were_measured(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected
