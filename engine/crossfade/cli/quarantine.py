"""Commands about rows that a backfill set aside: `quarantine list`, `retry` and `waive`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from crossfade.cli.call import Call
from crossfade.cli.options import Run
from crossfade.cli.output import table
from crossfade.cli.targets import run_name
from crossfade.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from crossfade.workflow.quarantined import QuarantinedRow


def list_(
    call: Call,
    run: Run,
    everything: Annotated[bool, typer.Option("--all", help="Those too that could be written meanwhile.")] = False,
) -> int:
    """Rows that were refused: by which key, and why."""
    name = run_name(run)
    states = ("open", "waived", "resolved") if everything else ("open", "waived")
    with call.engine() as engine:
        rows = engine.quarantine(name, states)
    call.answer({"name": name, "rows": [row.as_json() for row in rows]}, lambda: _page(rows))
    return 0


def _page(rows: "tuple[QuarantinedRow, ...]") -> "RenderableType":
    if not rows:
        return "No row is set aside."
    return table(
        ("STATE", "TABLE", "KEY", "SQLSTATE", "WHY"), [(r.state, r.table, _key(r), r.sqlstate, _why(r)) for r in rows]
    )


def _key(row: "QuarantinedRow") -> str:
    return ", ".join(f"{column}={value}" for column, value in row.key.items())


def _why(row: "QuarantinedRow") -> str:
    return f"{row.message}; waived by {row.waived_by}: {row.waived_because}" if row.state == "waived" else row.message


def retry(call: Call, run: Run) -> int:
    """Try the refused rows again, after their cause is gone."""
    from crossfade.cli.status_page import summary

    name = run_name(run)
    with call.working_engine() as (engine, _):
        status = engine.retry_quarantine(name)
    call.answer(status.as_json(), lambda: summary(status))
    return 0


def waive(
    call: Call,
    run: Run,
    reason: Annotated[str, typer.Option("--reason", help="Why they may be left as they are; recorded.")],
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key", metavar="COLUMN=VALUE[,…]", help="Only the row with this key; repeatable.", show_default=False
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every row that is open.")] = False,
    table_name: Annotated[
        str | None,
        typer.Option("--table", metavar="TABLE", help="Only rows of this table, as listed.", show_default=False),
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who decides it; else the role.", show_default=False)
    ] = None,
) -> int:
    """Give refused rows up, with a reason: they stay as they are."""
    if bool(key) == everything:
        raise UsageError("say which rows: --key COLUMN=VALUE for each, or --all", hint="See crossfade quarantine list.")
    name, keys = run_name(run), [_read_key(text) for text in key or ()]
    with call.engine() as engine:
        count = engine.waive_quarantine(name, reason, by=as_, table=table_name, keys=keys)
    call.answer({"name": name, "waived": count}, lambda: f"{count} {'row' if count == 1 else 'rows'} given up.")
    return 0


def _read_key(text: str) -> dict[str, str]:
    """A key as `quarantine list` shows it, or as a JSON object where a value has a comma or an equals sign."""
    if text.startswith("{"):
        try:
            read = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"the key is no JSON object: {error}", hint='For example: --key \'{"id": "5"}\'') from None
        return {str(column): str(value) for column, value in read.items()}
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not equals for _, equals, _ in pairs):
        raise UsageError(f"expected COLUMN=VALUE; got {text!r}", hint="For example: --key id=5")
    return {column.strip(): value for column, _, value in pairs}


COMMANDS = (list_, retry, waive)
