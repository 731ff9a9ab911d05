"""The command types: types for apps, of the schema as it is or as a phase of a plan leaves it."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossfade.cli.call import Call
from crossfade.cli.options import Acks, PhaseName
from crossfade.cli.output import print_json, say, warn
from crossfade.cli.targets import acknowledged
from crossfade.errors import UsageError

if TYPE_CHECKING:
    from crossfade.types.model import Model
    from crossfade.workflow.live_types import TypesOf


class Language(StrEnum):
    """What types are printed in."""

    TYPESCRIPT = "typescript"
    PYTHON = "python"


class BigIntType(StrEnum):
    """What an app's driver gives for bigint; that of the printer, whose module is too heavy for starting up."""

    STRING = "string"
    NUMBER = "number"
    BIGINT = "bigint"


class Stanza(StrEnum):
    """Whose settings are printed."""

    PRISMA = "prisma"
    DRIZZLE = "drizzle"


def types(
    call: Call,
    schema: Annotated[
        list[str] | None,
        typer.Option("--schema", metavar="SCHEMA", help="Only this schema; repeatable.", show_default="all of yours"),
    ] = None,
    lang: Annotated[Language, typer.Option("--lang", help="The language.")] = Language.TYPESCRIPT,
    bigint: Annotated[
        BigIntType | None,
        typer.Option("--bigint", help="What node-postgres gives for bigint.", show_default="string"),
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="PLAN", help="As this plan leaves the schema.", show_default=False),
    ] = None,
    phase: Annotated[
        PhaseName | None,
        typer.Option("--phase", help="The last phase of that plan that counts.", show_default="contract"),
    ] = None,
    ack: Acks = None,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            metavar="FILE",
            help="Print nothing; fail if this file is not what would be printed.",
            show_default=False,
        ),
    ] = None,
    stanza: Annotated[
        Stanza | None,
        typer.Option(
            "--stanza", help="Print the settings that make a tool leave the fixed tables alone.", show_default=False
        ),
    ] = None,
) -> int:
    """Print types of the tables and views for an app.

    Nothing is changed. With --check: exit code 1 and the difference where the file is stale.
    """
    if stanza is not None:
        _alone(schema=schema, lang=lang is not Language.TYPESCRIPT, bigint=bigint, for_=for_, phase=phase, check=check)
        return _stanza(call, stanza)
    if phase is not None and for_ is None:
        raise UsageError("--phase says nothing without a plan", hint="Add --for PLAN.")
    if bigint is not None and lang is not Language.TYPESCRIPT:
        raise UsageError("--bigint is for TypeScript; in Python psycopg gives an int")
    found = _read(call, schema, for_, phase, acknowledged(ack))
    for reason in found.unforeseen:
        warn(f"what a statement of the plan does is not foreseen, and is not in the types: {reason}")
    command = _command(schema, lang, bigint, for_, phase, ack)
    text = _printed(found.model, lang, bigint, command)
    if check is not None:
        return _checked(call, check, text, command)
    if call.json:
        print_json({"text": text, "relations": [str(r.name) for r in found.model.relations]})
    else:
        sys.stdout.write(text)
    return 0


def _alone(**given: Any) -> None:
    for name, value in given.items():
        if value:
            raise UsageError(f"--{name.strip('_')} and --stanza do not go together", hint="Give one of them.")


def _read(
    call: Call, schemas: list[str] | None, plan: str | None, phase: PhaseName | None, acks: tuple[str, ...]
) -> "TypesOf":
    from crossfade.operations.step import Phase
    from crossfade.plan.load import load_plan

    loaded = load_plan(plan) if plan is not None else None
    with call.engine() as engine:
        if loaded is None:
            return engine.types(schemas)
        return engine.types(schemas, loaded, Phase(phase or PhaseName.CONTRACT), acks)


def _printed(model: "Model", lang: Language, bigint: BigIntType | None, command: str) -> str:
    if lang is Language.PYTHON:
        from crossfade.types.python import python

        return python(model, command)
    from crossfade.types.typescript import BigInt, typescript

    return typescript(model, BigInt(bigint or BigIntType.STRING), command)


def _command(
    schemas: list[str] | None,
    lang: Language,
    bigint: BigIntType | None,
    plan: str | None,
    phase: PhaseName | None,
    acks: list[str] | None,
) -> str:
    """The command that prints the same, as a line of a shell; without the database, which is nobody's business."""
    import shlex

    words = ["crossfade", "types"]
    words += [word for schema in schemas or () for word in ("--schema", schema)]
    words += ["--lang", lang.value]
    words += ["--bigint", bigint.value] if bigint is not None else []
    words += (
        ["--for", Path(plan).as_posix(), "--phase", (phase or PhaseName.CONTRACT).value] if plan is not None else []
    )
    words += [word for each in acks or () for word in ("--ack", each)]
    return "".join(c if c.isprintable() else "?" for c in shlex.join(words))


def _checked(call: Call, file: Path, text: str, command: str) -> int:
    import difflib

    try:
        # A checkout may have given its lines other ends.
        there = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        there = ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"cannot read {file}: {reason}", location=str(file)) from None
    lines = difflib.unified_diff(
        there.splitlines(keepends=True), text.splitlines(keepends=True), str(file), "as it would be printed"
    )
    difference = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    if call.json:
        print_json({"file": str(file), "stale": bool(difference), "difference": difference})
    elif difference:
        sys.stdout.write(difference)
        say(f"{file} is not what would be printed now; print it anew: {command} > {file}")
    return 1 if difference else 0


def _stanza(call: Call, stanza: Stanza) -> int:
    from crossfade.types.stanzas import drizzle, prisma

    if not call.fixed.entries:
        raise UsageError(
            "no table is fixed by the project's settings", hint='Write fixed = ["legacy.*"] into crossfade.toml.'
        )
    with call.engine() as engine:
        model = engine.types(None).model
    text = prisma(model, call.fixed) if stanza is Stanza.PRISMA else drizzle(model, call.fixed)
    if call.json:
        print_json({"for": stanza.value, "text": text})
    else:
        sys.stdout.write(text)
    return 0


COMMANDS = (types,)
