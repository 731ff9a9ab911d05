"""Commands about live versions: versions heartbeat, record and list."""

import socket
from typing import Annotated

import typer

from crossfade.cli.call import Call

App = Annotated[str, typer.Argument(metavar="APP", help="The app, as the plan's roster names it.", show_default=False)]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="Its version.", show_default=False)]


def heartbeat(
    call: Call,
    app: App,
    version: Version,
    instance: Annotated[
        str | None, typer.Option("--instance", help="Which instance.", show_default="this host's name")
    ] = None,
) -> int:
    """Say that an instance of an app is live.

    To be repeated within the ttl that the plan gives the app.
    """
    who = instance or socket.gethostname()
    with call.engine() as engine:
        may_go_on = engine.heartbeat(app, version, who)
    document = {"app": app, "version": version, "instance": who, "allowed": may_go_on}
    fenced = "" if may_go_on else f", and may not be; see: crossfade can-i-run {app} {version}"
    call.answer(document, lambda: f"{app} {version} on {who} is live{fenced}")
    return 0


def record(
    call: Call,
    app: App,
    version: Version,
    instance: Annotated[str, typer.Option("--instance", help="Which instance.")] = "deploy",
) -> int:
    """Record a deployment.

    It says what was meant to be live, which is no proof that it is.
    """
    with call.engine() as engine:
        engine.record(app, version, instance)
    document = {"app": app, "version": version, "instance": instance}
    call.answer(document, lambda: f"recorded: {app} {version} on {instance}")
    return 0


def list_(
    call: Call,
    instances: Annotated[
        bool, typer.Option("--instances", help="A line for each instance and source instead.")
    ] = False,
) -> int:
    """List what is live: for each app and version how many instances, since when, and whether it may run."""
    with call.engine() as engine:
        matrix = engine.version_matrix()
        sightings = engine.versions() if instances or call.json else ()
    from crossfade.cli import versions_page

    document = {"versions": [s.as_json() for s in sightings], **matrix.as_json()}
    call.answer(document, lambda: versions_page.instances(sightings) if instances else versions_page.page(matrix))
    return 0


COMMANDS = (heartbeat, record, list_)
