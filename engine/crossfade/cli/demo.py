"""The command that shows it all: demo."""

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from crossfade.cli.call import Call, only_our_errors
from crossfade.cli.interrupts import cancelling
from crossfade.cli.output import console, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.demo.happenings import Happening, Listener


def demo(
    call: Call,
    rows: Annotated[int, typer.Option("--rows", min=2, help="How many users the shop has.")] = 200_000,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the server running and say how to look inside.")] = False,
) -> int:
    """Tell the whole story on a server of its own.

    A column is renamed while two versions of an app write to it. Exit code 0 if nothing failed.
    """
    from crossfade.demo.display import display, show_result
    from crossfade.demo.story import run_demo

    shown = _logged() if call.log_format is not None else display(console(sys.stderr if call.json else None))
    # A process that is asked to end takes its server with it, as with Ctrl-C.
    with only_our_errors(), cancelling(), shown as listener:
        result = run_demo(rows, keep, listener)
    if call.json:
        print_json(result.as_json())
    else:
        show_result(console(), result)
    return 0 if result.ok else 1


@contextmanager
def _logged() -> "Iterator[Listener]":
    """The story as log records: the run's events, and what happens around them."""
    from crossfade.demo.happenings import Chapter, Remark
    from crossfade.observe.event_log import log_listener
    from crossfade.observe.events import Event
    from crossfade.observe.logging import get_logger

    logger, log = get_logger(), log_listener()

    def listen(happening: "Happening") -> None:
        match happening:
            case Event():
                log(happening)
            case Chapter(title=title, text=text):
                logger.info("chapter", title=title, text=text)
            case Remark(text=text):
                logger.info("remark", text=text)

    yield listen


COMMANDS = (demo,)
