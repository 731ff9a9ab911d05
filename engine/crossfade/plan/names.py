"""Names in a plan: identifiers of the database, the table that a change is about, and the words a plan gives itself.

A table is written `name` or `schema.name`. A part in double quotes may hold a dot, and a quote by writing it twice, as
in SQL; a part without quotes keeps its case exactly as written. Columns are taken literally, without any quoting.
Nothing here is ever pasted into SQL: an odd name is an odd name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from crossfade.plan.faults import fault
from crossfade.plan.words import shown

_LONGEST = 63
_PART = re.compile(r'"((?:[^"]|"")*)"|([^."]*)')
_NEEDS_QUOTES = re.compile(r'["\s.]')
_RUN_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_APP_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def check_identifier(name: str) -> str:
    """The name, if PostgreSQL can store it unchanged: 1 to 63 bytes of UTF-8."""
    if not name:
        raise fault("an empty name", "write the name as it is in the database")
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > _LONGEST:
        raise fault(
            f"the name {shown(name)} has {size} bytes; PostgreSQL keeps {_LONGEST}", "use the name as `\\d` shows it"
        )
    return name


@dataclass(frozen=True, slots=True)
class TableName:
    """A table as the plan names it; without a schema it is looked for on the connection's search path."""

    schema: str | None
    name: str

    @classmethod
    def parse(cls, text: str) -> TableName:
        """Read `name` or `schema.name`, with SQL's double quotes where a part needs them."""
        parts = _split(text)
        if len(parts) > 2:
            raise fault(
                f"{shown(text)} has {len(parts)} parts; a table is `name` or `schema.name`",
                "put a part that contains a dot in double quotes: '\"my.schema\".users'",
            )
        for part in parts:
            check_identifier(part)
        return cls(parts[0] if len(parts) == 2 else None, parts[-1])

    def __str__(self) -> str:
        return ".".join(_written(p) for p in (self.schema, self.name) if p is not None)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text in the file, this value in the model, a text again in JSON."""
        return core_schema.chain_schema(
            [core_schema.str_schema(strict=True), core_schema.no_info_plain_validator_function(cls.parse)],
            serialization=core_schema.to_string_ser_schema(),
        )


def _split(text: str) -> list[str]:
    parts, at = [], 0
    while True:
        found = _PART.match(text, at)
        assert found is not None
        quoted, plain = found.groups()
        at = found.end()
        if quoted is None and plain != plain.strip():
            raise fault(f"spaces around a name in {shown(text)}", "remove them, or put the name in double quotes")
        parts.append(plain if quoted is None else quoted.replace('""', '"'))
        if at == len(text):
            return parts
        if text[at] != ".":
            raise fault(
                f"{shown(text)} is not a table name: a double quote where none can stand",
                'write "Odd Name" or schema."Odd Name" inside YAML\'s single quotes, and a quote in a name twice',
            )
        at += 1


def _written(part: str) -> str:
    return '"' + part.replace('"', '""') + '"' if _NEEDS_QUOTES.search(part) else part


def _run_name(name: str) -> str:
    if _RUN_NAME.fullmatch(name) and len(name) <= _LONGEST:
        return name
    better = re.sub(r"[^a-z0-9]+", "-", name.lower())[:_LONGEST].strip("-")
    raise fault(
        f"a plan's name has small letters, digits and dashes, 1 to {_LONGEST} of them; got {shown(name)}",
        f"for example `{better}`" if better else "for example `users-email-address`",
    )


def _app_name(name: str) -> str:
    if _APP_NAME.fullmatch(name) and len(name) <= _LONGEST:
        return name
    raise fault(
        f"an app's name has letters, digits, dots, dashes and underscores, 1 to {_LONGEST} of them; got {shown(name)}",
        "use the name that the app reports in its heartbeat, such as `api`",
    )


Identifier = Annotated[
    str, AfterValidator(check_identifier), Field(json_schema_extra={"minLength": 1, "maxLength": _LONGEST})
]
RunName = Annotated[
    str,
    AfterValidator(_run_name),
    Field(json_schema_extra={"pattern": f"^{_RUN_NAME.pattern}$", "maxLength": _LONGEST}),
]
AppName = Annotated[
    str,
    AfterValidator(_app_name),
    Field(json_schema_extra={"pattern": f"^{_APP_NAME.pattern}$", "maxLength": _LONGEST}),
]
