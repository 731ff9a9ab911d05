"""The command: `python -m tests.benchmarks`, in a checkout after `pip install -e '.[dev]'`.

It starts a server of its own, runs the benchmarks one after the other, and prints one table. Nothing else should be
busy on the machine; ratios hold better than absolute figures.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from crossfade import __version__

from . import (
    backfill_throughput,
    ddl_stall,
    dual_writes,
    ledger_cost,
    lint_folder,
    lint_rates,
    lock_waiter,
    ten_changes,
)
from .databases import connect, server
from .figures import Figure, show

NAMES = (
    dual_writes.NAME,
    backfill_throughput.NAME,
    ledger_cost.NAME,
    lock_waiter.NAME,
    ddl_stall.NAME,
    ten_changes.NAME,
    lint_folder.NAME,
    lint_rates.NAME,
)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="What Crossfade costs, as ratios within one run."
    )
    parser.add_argument("--only", choices=NAMES, action="append", help="run this one only; may be given again")
    parser.add_argument("--rows", type=int, default=2_000_000, help="of the table that is filled (default: 2,000,000)")
    parser.add_argument("--repetitions", type=int, default=3, help="of a backfill and of a DDL wait (default: 3)")
    parser.add_argument("--rounds", type=int, default=9, help="of each dual write (default: 9)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    parser.add_argument("--database", metavar="URL", help="use this server, as a superuser, and not one of our own")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run what was asked for, and print it."""
    arguments = _arguments(given)
    figures: list[Figure] = []
    with server(arguments.database) as url:
        title = _title(url)
        runs: dict[str, Callable[[], Iterator[Figure]]] = {
            dual_writes.NAME: partial(dual_writes.measure, url, arguments.rounds),
            backfill_throughput.NAME: partial(backfill_throughput.measure, url, arguments.rows, arguments.repetitions),
            ledger_cost.NAME: partial(ledger_cost.measure, url),
            lock_waiter.NAME: partial(lock_waiter.measure, url),
            ddl_stall.NAME: partial(ddl_stall.measure, url, arguments.repetitions),
            ten_changes.NAME: partial(ten_changes.measure, url),
            lint_folder.NAME: partial(lint_folder.measure, arguments.repetitions),
            lint_rates.NAME: partial(lint_rates.measure, url, arguments.repetitions),
        }
        for name in arguments.only or NAMES:
            for figure in runs[name]():
                sys.stderr.write(f"{name}: {figure.what}: done\n")
                figures.append(figure)
    if arguments.json:
        document = {"title": title, "figures": [f.as_json() for f in figures]}
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        show(figures, title)


def _title(url: str) -> str:
    with connect(url) as connection:
        version = connection.info.server_version // 10000
    return f"crossfade {__version__}, PostgreSQL {version}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
