"""Which databases a fleet is: read from a file or asked of a registry; checked before anything is done to any of them.

A file has one database a line, `URL` or `name = URL`, or is a YAML list of `{name, url, canary}`. A registry is a
database that is asked by a query for `(name, url)`, or `(name, url, canary)`. No message has a piece of a URL in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from crossfade.errors import DatabaseRefused, UsageError
from crossfade.plan.words import nearest, shown
from crossfade.postgres.connect import APPLICATION_NAME, masked, open_bare

_YAML = (".yaml", ".yml")
_KEYS = ("name", "url", "canary")
_URL = re.compile(r"(?P<url>postgres(?:ql)?://\S+)(?:\s+#.*)?")
_NAMED = re.compile(r"(?P<name>[^\s=]+)\s*=\s*(?P<rest>\S.*)")
_FORMS = "Write `postgresql://…` or `name = postgresql://…`, one database a line."


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database of a fleet."""

    name: str
    url: str = field(repr=False)
    """A URL or conninfo; may have a password in it."""
    is_canary: bool = False


def read_databases(path: str | Path) -> tuple[Database, ...]:
    """The databases that a file lists. Raises UsageError, with the file and line."""
    file = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise UsageError(f"cannot read the list of databases {file}: {reason}", location=file) from None
    found = _of_yaml(text, file) if file.endswith(_YAML) else _of_lines(text, file)
    return checked(found, file)


def query_databases(registry: str, query: str) -> tuple[Database, ...]:
    """The databases that a query on the registry gives, in its order; it can change nothing there.

    Raises UsageError, DatabaseRefused and DatabaseUnreachable.
    """
    with open_bare(registry, application_name=APPLICATION_NAME) as connection:
        connection.read_only = True
        try:
            with connection.transaction():
                cursor = connection.execute(query.encode())
                columns = len(cursor.description or ())
                rows = cursor.fetchall() if columns else []
        except psycopg.Error as error:
            said = masked(str(error).strip())
            raise DatabaseRefused(
                f"the query for the databases failed: PostgreSQL says: {said} (SQLSTATE {error.sqlstate})",
                sqlstate=error.sqlstate,
                hint="It runs read-only, on the database of --database.",
            ) from None
    if columns not in (2, 3):
        raise UsageError(
            f"the query for the databases gives {columns} columns",
            hint="Select a name and a URL, and perhaps whether it is a canary.",
        )
    return checked((_of_row(row, number) for number, row in enumerate(rows, 1)), "the query for the databases")


def database_of(url: str, name: str | None = None) -> Database:
    """The database of a URL, named by its host and its own name if no name is given. Raises UsageError."""
    parameters = _parameters(url)
    if parameters is None:
        raise UsageError("a database's URL cannot be read", hint="Write postgresql://user@host:port/database.")
    return Database(name=name or _name_of(parameters), url=url)


def checked(found: Iterable[Database], where: str) -> tuple[Database, ...]:
    """The databases, if there are any and each is there once. Raises UsageError."""
    databases = tuple(found)
    if not databases:
        raise UsageError(f"{where} lists no database", hint=_FORMS, location=where)
    by_name: dict[str, Database] = {}
    by_place: dict[tuple[str, ...], Database] = {}
    for database in databases:
        place = _place(database.url)
        if database.name in by_name:
            raise UsageError(
                f"{where} has two databases named {shown(database.name)}",
                hint="Give each a name of its own: name = postgresql://…",
                location=where,
            )
        if place in by_place:
            raise UsageError(
                f"{where} has one database twice: {shown(by_place[place].name)} and {shown(database.name)}",
                hint="Every database has one ledger, and so one run of the plan. Keep one of them.",
                location=where,
            )
        by_name[database.name], by_place[place] = database, database
    return databases


# A file of lines


def _of_lines(text: str, file: str) -> Iterator[Database]:
    for number, written in enumerate(text.splitlines(), 1):
        line = written.strip()
        if line and not line.startswith("#"):
            found = _of_line(line)
            if found is None:
                raise UsageError(f"{file}:{number}: no database", hint=_FORMS, location=f"{file}:{number}")
            yield found


def _of_line(line: str) -> Database | None:
    """The database of a line: a URL, a name and either kind, or a conninfo, whose first key looks like a name."""
    url = _URL.fullmatch(line)
    named = None if url else _NAMED.fullmatch(line)
    if named is not None:
        behind = _URL.fullmatch(named["rest"])
        given = behind["url"] if behind else named["rest"]
        if _parameters(given) is not None:
            return Database(name=named["name"], url=given)
    given = url["url"] if url else line
    parameters = _parameters(given)
    return None if parameters is None else Database(name=_name_of(parameters), url=given)


# A file of YAML


def _of_yaml(text: str, file: str) -> Iterator[Database]:
    try:
        entries = YAML(pure=True).load(text)
    except MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        place = f"{file}:{at.line + 1}:{at.column + 1}" if at else file
        raise UsageError(f"{place}: not readable as YAML: {error.problem}", location=place) from None
    except (YAMLError, ValueError):
        raise UsageError(f"{file}: not readable as YAML", location=file) from None
    if entries is None:
        return
    if not isinstance(entries, list):
        raise UsageError(f"{file}: the databases have to be a list", hint="- {name: …, url: postgresql://…}")
    for number, entry in enumerate(entries):
        line, column = entries.lc.item(number)  # type: ignore[attr-defined] # a list of ruamel's knows its lines
        yield _of_entry(entry, f"{file}:{line + 1}:{column + 1}")


def _of_entry(entry: Any, place: str) -> Database:
    if isinstance(entry, str):
        entry = {"url": entry}
    if not isinstance(entry, dict):
        raise UsageError(f"{place}: an entry is a URL or has the keys name, url and canary", location=place)
    for key in entry:
        if key not in _KEYS:
            raise UsageError(f"{place}: {shown(key)} is not known", hint=nearest(str(key), _KEYS), location=place)
    name, url, canary = entry.get("name"), entry.get("url"), entry.get("canary", False)
    parameters = _parameters(url) if isinstance(url, str) else None
    if parameters is None:
        raise UsageError(f"{place}: url has to be a postgresql:// URL or a conninfo", location=place)
    if not isinstance(canary, bool):
        raise UsageError(f"{place}: canary has to be true or false", location=place)
    if name is not None and not (isinstance(name, str) and name.strip()):
        raise UsageError(f"{place}: name has to be a text", hint="Put a number in quotes.", location=place)
    return Database(name=name.strip() if name else _name_of(parameters), url=str(url), is_canary=canary)


def _of_row(row: Sequence[Any], number: int) -> Database:
    name, url, canary = (*row, False)[:3]
    if not (isinstance(url, str) and _parameters(url) is not None):
        raise UsageError(
            f"row {number} of the query for the databases has no database URL in its second column",
            hint="Select a name and a URL or conninfo, both as text.",
        )
    if not str(name or "").strip():
        raise UsageError(f"row {number} of the query for the databases has no name in its first column")
    return Database(name=str(name).strip(), url=url, is_canary=canary is True)


# What a URL says


def _parameters(url: str) -> dict[str, Any] | None:
    """What the URL says; None where it cannot be read or says nothing."""
    try:
        found = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        return None
    return found or None


def _name_of(parameters: dict[str, Any]) -> str:
    """A name without secrets: the host, a port that is not the usual one, and the database."""
    host = str(parameters.get("host") or parameters.get("hostaddr") or parameters.get("service") or "local")
    port = str(parameters.get("port") or "5432")
    name = str(parameters.get("dbname") or parameters.get("user") or "default")
    return f"{host}/{name}" if port == "5432" else f"{host}:{port}/{name}"


def _place(url: str) -> tuple[str, ...]:
    """What tells databases apart, as it is written."""
    found = _parameters(url) or {}
    host = str(found.get("host") or found.get("hostaddr") or "")
    service, port = str(found.get("service") or ""), str(found.get("port") or "5432")
    return service, host.lower(), port, str(found.get("dbname") or found.get("user") or "")
