"""A name of more than 63 bytes, which the server cuts off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.declared import created
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenProject, SeenStatement
    from crossfade.postgres.forecast import Schema

_LONGEST = 63


def _project(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    made: dict[QualifiedName, str] = {}
    for migration in project.migrations:
        for seen in (*migration.up, *migration.down):
            for begin, name in _long_names(seen) if seen.inside is None else ():
                short = name.encode()[:_LONGEST].decode(errors="ignore")
                new, other = _makes(seen), name
                if new is not None and new.name == short:
                    other = made.get(new, name) if _is_there(seen.before, new) else name
                    made[new] = name
                yield migration, _said(seen, begin, name, short, other)


def _said(seen: SeenStatement, begin: int, name: str, short: str, other: str) -> Said:
    clash = f", which {other} was cut off to as well" if other != name else ""
    silent = ", and IF NOT EXISTS makes nothing of it" if clash and seen.tree.if_not_exists else ""
    return Said(
        of=seen,
        at=seen.statement.source.position(seen.statement.begin + begin),
        message=f"{name} is longer than {_LONGEST} bytes: the server cuts it off to {short}{clash}{silent}.",
        instead=f"A name of at most {_LONGEST} bytes.",
        severity=Severity.ERROR if clash else None,
    )


def _long_names(seen: SeenStatement) -> Iterator[tuple[int, str]]:
    """Names that are too long, as they are written, with their places; each once."""
    sql = seen.statement.sql
    if all(len(word.encode()) <= _LONGEST for word in (*sql.split(), *sql.split('"'))):
        return
    from pglast.parser import ParseError, scan

    known = set()
    try:
        tokens = scan(sql)
    except (ParseError, UnicodeError):
        return
    for token in tokens:
        text = sql[token.start : token.end + 1]
        name = text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()
        if token.name in {"IDENT", "UIDENT"} and len(name.encode()) > _LONGEST and name not in known:
            known.add(name)
            yield token.start, name


def _makes(seen: SeenStatement) -> QualifiedName | None:
    """The name of the index or table that it makes."""
    node = seen.tree
    if kind(node) == "IndexStmt" and node.idxname is not None:
        table = seen.before.qualify(node.relation.schemaname, node.relation.relname)
        return QualifiedName(table.schema, node.idxname)
    return created(seen, node.relation) if kind(node) == "CreateStmt" else None


def _is_there(schema: Schema, name: QualifiedName) -> bool:
    return name in schema.tables or schema.find_index(name.schema, name.name) is not None


RULE = Rule(
    id="identifier-too-long",
    severity=Severity.WARNING,
    summary="names of more than 63 bytes are cut off",
    explanation="""
PostgreSQL keeps 63 bytes of a name, and says no more than a notice when it drops the rest. Tools that look for the name
as it was written do not find it, and two names that differ only behind the 63rd byte are the same: the second CREATE
fails, or with IF NOT EXISTS makes nothing. Where that happens the finding is an error.
""",
    project=_project,
)
