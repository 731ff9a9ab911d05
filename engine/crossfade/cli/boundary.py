"""Where every failure of a command ends: as text or as a JSON document, with its exit code.

A user's mistake and a failure of the database never show a traceback; a bug does, with a line that asks to report it.
No password leaves through here: every text is masked.
"""

from __future__ import annotations

import io
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import typer

from crossfade.cli.output import print_json
from crossfade.errors import CrossfadeError, Interrupted, InvalidPlan, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

# typer brings its own copy of click since 0.26; this is the root of what either raises for a misused command line.
_MISUSE: type[Exception] = typer.BadParameter.__mro__[2]
_BUG_EXIT_CODE = 1
_ERRORS = frozenset({1, 2, 5, 6})
"""The exit codes that stand for an error; with the others the command has done what it could."""


def run(arguments: Sequence[str]) -> int:
    """Run the command; the exit code."""
    _print_anything()
    as_json = wants_json(arguments)
    try:
        return _called(arguments)
    except CrossfadeError as error:
        return _failed(error, as_json=as_json)
    except _MISUSE as error:
        return _failed(_usage_error(error), as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _failed(interrupted(), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - whatever else arrives here is a bug, and is shown as one
        return _bug(error, as_json=as_json)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether the output has to be JSON; known even if the arguments are never understood."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options or "--format=json" in options or ("--format", "json") in pairwise(options)


def interrupted() -> Interrupted:
    """What Ctrl-C comes to where no engine says it better."""
    return Interrupted("interrupted", hint="What was committed stays. Run the same command again to go on.")


def as_text(error: CrossfadeError) -> str:
    """A failure as a person reads it; the hint on a line of its own, unless the message says it already."""
    # A plan's problems begin with their position, as editors expect it of a line.
    plain = isinstance(error, InvalidPlan) or error.exit_code not in _ERRORS
    text = error.message if plain else f"error: {error.message}"
    if error.hint and error.hint not in error.message:
        text += f"\nhint: {error.hint}"
    return _masked(text)


def as_document(error: CrossfadeError) -> dict[str, Any]:
    """The value of `error` in a `--json` document, without secrets."""
    masked: dict[str, Any] = _masked_values(error.as_json())
    return masked


def _called(arguments: Sequence[str]) -> int:
    from crossfade.cli.app import program

    code = program(arguments).main(list(arguments), prog_name="crossfade", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _failed(error: CrossfadeError, *, as_json: bool) -> int:
    if as_json:
        print_json({"error": as_document(error)})
    else:
        sys.stderr.write(f"{as_text(error)}\n")
    return error.exit_code


def _print_anything() -> None:
    # A name that the terminal's encoding cannot show is escaped; it is no reason to fail.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _usage_error(error: Exception) -> UsageError:
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "crossfade"
    return UsageError(said.removesuffix(".").replace("Value error, ", ""), hint=f"See: {command} --help")


def _masked(text: str) -> str:
    # Only a text that can hold a secret is worth the import.
    if "@" not in text and "password" not in text.lower():
        return text
    from crossfade.postgres.connect import masked

    return masked(text)


def _masked_values(value: Any) -> Any:
    if isinstance(value, str):
        return _masked(value)
    if isinstance(value, dict):
        return {key: _masked_values(item) for key, item in value.items()}
    return [_masked_values(item) for item in value] if isinstance(value, list | tuple) else value


def _bug(error: Exception, *, as_json: bool) -> int:
    import traceback

    plea = "This is a bug in crossfade. Please report it with the lines above and the command that you ran."
    sys.stderr.write(f"{_masked(''.join(traceback.format_exception(error)))}\n{plea}\n")
    if as_json:
        message = _masked(f"{type(error).__name__}: {error}")
        print_json({"error": {"code": "bug", "message": message, "hint": plea, "location": None}})
    return _BUG_EXIT_CODE
