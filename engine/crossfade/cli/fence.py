"""The command that a deploy pipeline asks: can-i-run."""

from crossfade.cli.call import Call
from crossfade.cli.versions import App, Version

_ANSWERS = {True: ("yes", 0), False: ("no", 3), None: ("cannot tell", 4)}


def can_i_run(call: Call, app: App, version: Version) -> int:
    """Ask whether a version may be deployed, against the database as it is.

    Exit code 0 is yes, 3 is no, 4 is that it cannot be told. Nothing is recorded.
    """
    with call.engine() as engine:
        answer = engine.can_i_run(app, version)
    words, code = _ANSWERS[answer.allowed]
    call.answer(answer.as_json(), lambda: f"{words}: {answer.reason}")
    return code


COMMANDS = (can_i_run,)
