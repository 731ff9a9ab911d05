"""Commands over many databases: `fleet check`, `start`, the phases, `advance` and `status`."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossfade.cli.call import Call
from crossfade.cli.interrupts import stopping
from crossfade.cli.options import Acks, PlanFile, Target, Wait
from crossfade.cli.phases import Goal
from crossfade.cli.targets import acknowledged, duration, name_of, run_name, target
from crossfade.errors import UsageError
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.fleet.databases import Database
    from crossfade.fleet.fleet import Fleet
    from crossfade.fleet.report import Report

Listed = Annotated[
    Path | None,
    typer.Option(
        "--databases",
        metavar="FILE",
        help="The databases: a line for each, URL or name = URL; or a YAML list of {name, url, canary}.",
        show_default=False,
    ),
]
Asked = Annotated[
    str | None,
    typer.Option(
        "--databases-query",
        metavar="SQL",
        help="A query for the databases' names and URLs, on the database of --database.",
        show_default=False,
    ),
]
Concurrency = Annotated[
    int, typer.Option("--concurrency", min=1, max=256, metavar="N", help="So many databases are in hand at a time.")
]
Canaries = Annotated[
    list[str] | None,
    typer.Option(
        "--canary",
        metavar="N|NAME",
        help="Databases that come first and have to be done before the others: so many, or by name; repeatable.",
        show_default=False,
    ),
]
BakeFor = Annotated[
    str | None,
    typer.Option(
        "--bake",
        metavar="DURATION",
        help="How long the canaries have to stay done before the others follow.",
        show_default=False,
    ),
]
Failures = Annotated[
    int,
    typer.Option(
        "--failures", min=0, metavar="K", help="So many databases may fail; after one more no other is begun."
    ),
]
_MOVING, _LOOKING = 4, 16


def check(
    call: Call,
    plan: PlanFile,
    databases: Listed = None,
    databases_query: Asked = None,
    concurrency: Concurrency = _LOOKING,
    ack: Acks = None,
) -> int:
    """Validate a plan against the catalog of every database; nothing is changed."""
    from crossfade.plan.load import load_plan

    loaded = load_plan(plan)
    with _looking(_databases(call, databases, databases_query), concurrency) as fleet:
        report = fleet.check(loaded, acknowledged(ack))
    return _answered(call, report, loaded.name)


def status(
    call: Call,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name, or its plan file.", show_default=False)],
    databases: Listed = None,
    databases_query: Asked = None,
    concurrency: Concurrency = _LOOKING,
) -> int:
    """Show where a run stands in every database; all are read at the same time."""
    name = run_name(run)
    with _looking(_databases(call, databases, databases_query), concurrency) as fleet:
        report = fleet.status(name)
    return _answered(call, report, name)


def start(
    call: Call,
    plan: PlanFile,
    databases: Listed = None,
    databases_query: Asked = None,
    concurrency: Concurrency = _MOVING,
    failures: Failures = 0,
    ack: Acks = None,
) -> int:
    """Register the run of a plan in every database, in state planned; or its schedule, if it has one."""
    from crossfade.plan.load import load_plan

    loaded = load_plan(plan)
    found = _databases(call, databases, databases_query)
    with _moving(call, found, concurrency, failures) as fleet:
        report = fleet.start(loaded, acknowledged(ack))
    return _answered(call, report, loaded.name)


def expand(
    call: Call,
    run: Target,
    databases: Listed = None,
    databases_query: Asked = None,
    concurrency: Concurrency = _MOVING,
    canary: Canaries = None,
    bake: BakeFor = None,
    failures: Failures = 0,
    ack: Acks = None,
    wait: Wait = None,
) -> int:
    """Make the new shape beside the old one, in every database."""
    wanted, patience = target(run), duration(wait, "--wait")
    found = _databases(call, databases, databases_query)
    with _moving(call, found, concurrency, failures, canary, bake) as fleet:
        report = fleet.expand(wanted, acks=acknowledged(ack), wait=patience)
    return _answered(call, report, name_of(wanted))


def backfill(
    call: Call,
    run: Target,
    databases: Listed = None,
    databases_query: Asked = None,
    concurrency: Concurrency = _MOVING,
    canary: Canaries = None,
    bake: BakeFor = None,
    failures: Failures = 0,
    ack: Acks = None,
    wait: Wait = None,
    max_duration: Annotated[
        str | None,
        typer.Option(
            "--max-duration",
            metavar="DURATION",
            help="Stop all of it after this long, with exit code 7 if work is left.",
        ),
    ] = None,
) -> int:
    """Fill the new shape in small batches, in every database; compare every row."""
    wanted, patience = target(run), duration(wait, "--wait")
    limit, found = duration(max_duration, "--max-duration"), _databases(call, databases, databases_query)
    with _moving(call, found, concurrency, failures, canary, bake) as fleet:
        report = fleet.backfill(wanted, acks=acknowledged(ack), wait=patience, max_duration=limit)
    return _answered(call, report, name_of(wanted))


def contract(
    call: Call,
    run: Target,
    databases: Listed = None,
    databases_query: Asked = None,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="RUN", help="The run's name; always wanted here.", show_default=False),
    ] = None,
    concurrency: Concurrency = _MOVING,
    canary: Canaries = None,
    bake: BakeFor = None,
    failures: Failures = 0,
    ack: Acks = None,
    wait: Wait = None,
) -> int:
    """Take the old shape away, in every database where nothing live needs it."""
    wanted, patience = target(run), duration(wait, "--wait")
    name, found = name_of(wanted), _databases(call, databases, databases_query)
    if confirm is None:
        raise UsageError(
            f"about to hide the old shape in {len(found)} databases, and to drop it where `retain` is over: that wants "
            "to be confirmed",
            hint=f"Add: --confirm {name}",
        )
    with _moving(call, found, concurrency, failures, canary, bake) as fleet:
        report = fleet.contract(wanted, confirm=confirm, acks=acknowledged(ack), wait=patience)
    return _answered(call, report, name)


def advance(
    call: Call,
    run: Target,
    databases: Listed = None,
    databases_query: Asked = None,
    concurrency: Concurrency = _MOVING,
    canary: Canaries = None,
    bake: BakeFor = None,
    failures: Failures = 0,
    ack: Acks = None,
    wait: Wait = None,
    to: Annotated[Goal | None, typer.Option("--to", help="The state to stop in.", show_default=False)] = None,
) -> int:
    """Go on in every database as far as its gates allow, or to a state."""
    wanted, patience = target(run), duration(wait, "--wait")
    found, goal = _databases(call, databases, databases_query), None if to is None else State(to.value)
    with _moving(call, found, concurrency, failures, canary, bake) as fleet:
        report = fleet.advance(wanted, acks=acknowledged(ack), to=goal, wait=patience)
    return _answered(call, report, name_of(wanted))


def _databases(call: Call, listed: Path | None, asked: str | None) -> tuple["Database", ...]:
    """The databases of the fleet, from whichever of the two options was given."""
    if (listed is None) == (asked is None):
        raise UsageError(
            "which databases are meant?" if listed is None else "--databases and --databases-query are two answers",
            hint="Give --databases FILE, or --databases-query SQL and the registry as --database URL.",
        )
    from crossfade.fleet.databases import query_databases, read_databases
    from crossfade.postgres.connect import database_url

    if listed is not None:
        return read_databases(listed)
    assert asked is not None
    return query_databases(database_url(call.database), asked)


@contextmanager
def _looking(databases: tuple["Database", ...], concurrency: int) -> "Iterator[Fleet]":
    from crossfade.fleet.fleet import Fleet
    from crossfade.fleet.rollout import Rollout, canaries_of

    fleet = Fleet(databases, Rollout(concurrency=concurrency, canaries=canaries_of(databases, ())))
    with stopping(fleet):
        yield fleet


@contextmanager
def _moving(
    call: Call,
    databases: tuple["Database", ...],
    concurrency: int,
    failures: int,
    canary: list[str] | None = None,
    bake: str | None = None,
) -> "Iterator[Fleet]":
    """The fleet, for a command that takes its time: with progress, and stopped in good order by a signal."""
    from datetime import timedelta

    from crossfade.cli.fleet_progress import progress_of
    from crossfade.fleet.fleet import Fleet
    from crossfade.fleet.rollout import Rollout, canaries_of

    canaries, time = canaries_of(databases, canary or ()), duration(bake, "--bake")
    if time is not None and not canaries:
        raise UsageError("--bake is the time of canaries, and there is none", hint="Name some: --canary N|NAME")
    rollout = Rollout(concurrency=concurrency, canaries=canaries, bake=time or timedelta(), tolerated=failures)
    with progress_of(call, len(databases)) as progress:
        fleet = Fleet(databases, rollout, onlooker=progress, notify=call.notify, fixed=call.fixed)
        with stopping(fleet):
            yield fleet


def _answered(call: Call, report: "Report", name: str) -> int:
    from crossfade.cli.fleet_page import document, page

    call.answer(document(report), lambda: page(report, name))
    return report.exit_code


COMMANDS = (check, start, expand, backfill, contract, advance, status)
