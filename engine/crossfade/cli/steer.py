"""Commands that steer a backfill while it runs, from any host: tune, brake, cancel."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossfade.cli import schedule_page
from crossfade.cli.call import Call
from crossfade.cli.options import Run
from crossfade.cli.output import table
from crossfade.cli.targets import run_name
from crossfade.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import RenderableType

    from crossfade.workflow.steering import Brake


class OnOff(StrEnum):
    """What `brake` is told."""

    ON = "on"
    OFF = "off"


def tune(
    call: Call,
    run: Run,
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="Keys of the plan's `backfill`, such as nice=0.5; KEY= goes back to the plan's. None: show them.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Change how a run's rows are migrated, while it runs."""
    from crossfade.workflow.steering import as_document

    name, wanted = run_name(run), _wanted(settings or ())
    with call.engine() as engine:
        now = engine.tune(name, wanted) if wanted else engine.settings(name)
    document = as_document(now)
    call.answer({"name": name, "settings": document}, lambda: _settings_page(document))
    return 0


def _wanted(settings: "Iterable[str]") -> dict[str, Any]:
    """Keys and their values, read as a plan would read them; an empty value is None. Each key once."""
    from crossfade.plan.load import read_value

    wanted: dict[str, Any] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"expected KEY=VALUE; got {text!r}", hint="For example: crossfade tune RUN nice=0.5")
        if key in wanted:
            raise UsageError(f"{key} is given twice", hint="Give each key once.")
        wanted[key] = read_value(value)
    return wanted


def _settings_page(document: "Mapping[str, Any]") -> "RenderableType":
    return table(("KEY", "VALUE"), [(key, _shown(value)) for key, value in document.items() if value is not None])


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def brake(
    call: Call,
    to: Annotated[OnOff | None, typer.Argument(metavar="on|off", help="Without it: how it stands.")] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why; everyone whose backfill waits is told.", show_default=False)
    ] = None,
) -> int:
    """Hold every backfill of the database, or let them go on."""
    if (to is OnOff.ON) != (reason is not None):
        raise UsageError(
            "brake on wants a --reason" if to is OnOff.ON else "a --reason is for brake on alone",
            hint='For example: crossfade brake on --reason "the disk of the replica is full"',
        )
    with call.engine() as engine:
        found = engine.brake() if to is None else engine.set_brake(reason=reason)
    call.answer(found.as_json(), lambda: _brake_page(found))
    return 0


def _brake_page(found: "Brake") -> str:
    if not found.is_on:
        return "The brake is off: backfills go on."
    return f"The brake is on since {found.since:%Y-%m-%d %H:%M:%S %Z}, by {found.actor}: {found.reason}"


def cancel(
    call: Call,
    run: Run,
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for the history.", show_default=False)] = None,
) -> int:
    """End a run that changes data, for good; rows that were changed stay changed.

    A schedule fires no more; those of its runs that are under way go on.
    """
    from crossfade.cli.status_page import summary

    name = run_name(run)
    with call.engine() as looking:
        if name in looking.schedules:
            return schedule_page.answer(call, looking.schedules.end(name, reason))
    with call.working_engine() as (engine, _):
        status = engine.cancel(name, reason)
    call.answer(status.as_json(), lambda: summary(status))
    return 0


COMMANDS = (tune, brake, cancel)
