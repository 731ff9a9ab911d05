"""`--metrics-port`: what a backfill serves while it runs."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ..observe.figures import until

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

RUN = "users-email"
THROTTLED = """\
crossfade: 1
name: users-email
backfill: {throttle_sql: "SELECT true"}
changes:
  - rename_column: {table: users, from: email, to: email_address}
"""


@pytest.mark.long
@pytest.mark.parametrize("command", ["backfill", "advance"])
def test_a_run_can_be_scraped_while_it_waits(cli: Cli, shop: Database, plan: Path, command: str) -> None:
    plan.write_text(THROTTLED)
    assert cli("expand", plan).code == 0
    process = cli.spawn(command, RUN, "--metrics-port", "0", "--log-format", "json")
    assert process.stderr is not None
    url = None
    for line in process.stderr:
        record = json.loads(line)
        assert ("url" in record) == (record["event"] == "metrics_served")
        url = url or re.search(r"http://\S+/metrics", line)
        if "throttled" in line and url:
            break
    assert url is not None
    until(lambda: samples(url[0]))
    found = samples(url[0])
    assert found["crossfade_backfill_rows_estimated"] == {"run": RUN, "relation": "public.users"}
    assert found["crossfade_backfill_throttled"]["run"] == RUN
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 130


def samples(url: str) -> dict[str, dict[str, str]]:
    """The labels of each sample, by its name; empty before the first look at the run."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        text = answer.read().decode()
    return {sample.name: sample.labels for family in text_string_to_metric_families(text) for sample in family.samples}


@pytest.mark.parametrize("text", ["http", "-1", "65536", ":9187", ""])
def test_a_port_that_is_none_is_refused(cli: Cli, text: str) -> None:
    done = cli("backfill", RUN, f"--metrics-port={text}")
    assert done.code == 2
    assert "--metrics-port" in done.stderr
