"""What `explain --app` prints: what the file with an app's models looks like in each version."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

from crossfade.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.migrations.app_models.patches import Patches
    from crossfade.plan.model import Plan


class AppName(StrEnum):
    """What an app has its models in; that of the patches, whose module is too heavy for starting up."""

    PRISMA = "prisma"
    DRIZZLE = "drizzle"
    SQL = "sql"


_FILES = {AppName.PRISMA: Path("prisma/schema.prisma"), AppName.DRIZZLE: Path("src/db/schema.ts")}


def patches_for(plan: Plan, app: AppName, schema_file: Path | None) -> tuple[str, Patches]:
    """The file's name, and its patches. Raises UsageError for a file that cannot be read."""
    from crossfade.migrations.app_models.edits import App
    from crossfade.migrations.app_models.patches import patches
    from crossfade.migrations.app_models.text import now

    if app is AppName.SQL:
        if schema_file is not None:
            raise UsageError("--schema-file is for --app prisma and --app drizzle")
        return "sql", patches(plan, App.SQL, "sql", now(plan))
    file = schema_file or _FILES[app]
    try:
        content = file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{file} cannot be read: {why}", hint="Name it with --schema-file FILE.") from None
    return file.as_posix(), patches(plan, App(app.value), file.as_posix(), content)


def document(plan: Plan, app: AppName, file: str, found: Patches) -> dict[str, Any]:
    """The document of `explain --app --json`."""
    return {
        "name": plan.name,
        "app": app.value,
        "file": file,
        "new": found.new,
        "after": found.after,
        "by_hand": list(found.by_hand),
        "others": list(found.others),
    }


def page(plan: Plan, found: Patches) -> str:
    """The same for a person."""
    return "\n".join(_lines(plan, found)) + "\n"


def _lines(plan: Plan, found: Patches) -> Iterator[str]:
    yield f"Plan {plan.name}: what its apps say. Nothing is edited."
    yield ""
    yield "The old version, live until contract: as it is."
    yield ""
    yield "The new version, live once the run is backfilled:"
    yield _shown(found.new)
    yield "After contract, once no old version is live:"
    yield _shown(found.after)
    if found.by_hand:
        yield "To be done by hand:"
        yield from (f"  - {line}" for line in found.by_hand)
    if found.others:
        yield f"The models say nothing of: {', '.join(found.others)}."


def _shown(difference: str) -> str:
    return f"\n{indent(difference, '    ', lambda _: True)}" if difference else "  no change\n"
