"""SQL statements that a plan has in its own words, sent exactly as they are written, without the semicolon at the end.

Each is parsed when the plan is read, so that a slip is found in the file, and what would get in the way of the run that
sends it (its transactions, its settings, its session) is refused by name. What a statement means to a database is for
preflight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from pydantic_core import CoreSchema, core_schema

from crossfade.parse import parsed
from crossfade.plan.faults import fault
from crossfade.plan.names import TableName
from crossfade.plan.nodes import below, kind_of, strings
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import PydanticCustomError

LONGEST = 100_000
"""Characters."""
_SHOWN = 60

_ITS_OWN = "crossfade begins and ends the transactions itself: what can run together does, and what cannot runs alone"
_ITS_SESSION = "it says something of a session, and the run's session is not the app's"
_REFUSED = {
    "TransactionStmt": ("begins, ends or divides a transaction", f"leave it out: {_ITS_OWN}"),
    "CopyStmt": ("reads or writes a file or the client's stream", "write INSERT … VALUES, or a plan with `copy_rows`"),
    "ExplainStmt": ("changes nothing", "leave it out; `crossfade explain` shows the statements with their locks"),
    "CreatedbStmt": ("is about another database", "do it by hand, before the run"),
    "DropdbStmt": ("is about another database", "do it by hand, after the run"),
    **dict.fromkeys(
        [
            *("DiscardStmt", "PrepareStmt", "ExecuteStmt", "DeallocateStmt", "DeclareCursorStmt", "FetchStmt"),
            *("ClosePortalStmt", "ListenStmt", "UnlistenStmt", "LoadStmt", "VariableShowStmt"),
        ],
        ("would do nothing that lasts", f"leave it out: {_ITS_SESSION}"),
    ),
}
"""Kinds of statements, what is wrong with them here, and what to do instead."""
_ITS_SETTINGS = {
    **dict.fromkeys(
        ["lock_timeout", "statement_timeout", "transaction_timeout", "deadlock_timeout"],
        "say it in the plan: `locks: {timeout: 50ms, give_up_after: 5m}`",
    ),
    "search_path": "leave it out, and write the schema of what is not on the search_path of the users' sessions",
    "role": "connect as that role",
    "session_authorization": "connect as that role",
    "session_replication_role": "leave it out: triggers that do not fire lose writes of live versions",
}
"""Settings that are the run's own, and what to do instead."""
_WITH_RELATION = frozenset(
    {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE", "OBJECT_INDEX", "OBJECT_SEQUENCE"}
)
_ON_RELATION = frozenset({"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"})


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """One statement; two that are written alike are equal."""

    text: str
    """As the plan has it, without what follows the statement."""
    kind: str = field(compare=False)
    """The class of its node in the parse tree: `AlterTableStmt`."""
    relations: tuple[TableName, ...] = field(compare=False)
    """The tables, views, indexes and sequences that it names, as far as they do not stand in the body of a function."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one statement; raises a plan's fault where it is none, or one that a run cannot send."""
        return cls(*_read(text.strip()))

    def tree(self) -> Any:
        """Its parse tree, the reader's own: pglast's node."""
        return _statements(self.text)[0].stmt

    @property
    def short(self) -> str:
        """Its beginning, on one line, for titles and messages."""
        line = " ".join(self.text.split())
        return line if len(line) <= _SHOWN else line[: _SHOWN - 1].rstrip() + "…"

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text in the file, this value in the model, a text again in JSON."""
        return core_schema.chain_schema(
            [core_schema.str_schema(strict=True), core_schema.no_info_plain_validator_function(cls.parse)],
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A string."""
        return {"type": "string", "minLength": 1, "maxLength": LONGEST}


def is_of_the_server(name: TableName) -> bool:
    """Whether it is a table or view of PostgreSQL's own."""
    if name.schema is None:
        return name.name.startswith("pg_")
    return name.schema.startswith("pg_") or name.schema == "information_schema"


@lru_cache(maxsize=256)
def _read(text: str) -> tuple[str, str, tuple[TableName, ...]]:
    """The fields of a statement."""
    if not text:
        raise fault("an empty statement", "write one SQL statement, or remove the entry")
    if len(text) > LONGEST:
        raise fault(f"a statement of more than {LONGEST} characters", "divide it")
    if text.startswith("\\"):
        raise fault(f"{shown(text.split(maxsplit=1)[0])} is a command of psql, not SQL", "write the statement itself")
    found = _statements(text)
    if not found:
        raise fault("a comment without a statement", "write it as a comment of the YAML file, or remove the entry")
    if len(found) > 1:
        raise fault(f"{len(found)} statements in one entry", "make each an entry of its own, in the same order")
    node = found[0].stmt
    _check(node)
    end = found[0].stmt_location + found[0].stmt_len if found[0].stmt_len else None
    return text.encode()[:end].decode().strip(), kind_of(node), tuple(dict.fromkeys(_relations(node)))


def _statements(text: str) -> Any:
    from pglast.parser import ParseError

    try:
        return parsed(text)
    except UnicodeError:
        raise fault(f"{shown(text[:_SHOWN])} has a character that PostgreSQL cannot store") from None
    except ParseError as error:
        raise _no_statement(text, error) from None
    except RecursionError:
        raise fault("a statement that is nested too deeply", "divide it") from None


def _no_statement(text: str, error: Any) -> PydanticCustomError:
    said, at = error.args[0], error.args[1] if len(error.args) > 1 else None
    before = text[:at]
    where = ""
    if at is not None:
        where = f", in line {before.count(chr(10)) + 1} of it, character {len(before) - before.rfind(chr(10))}"
    return fault(f"the statement is no SQL that PostgreSQL reads: {said}{where}", "correct it")


def _check(node: Any) -> None:
    name = kind_of(node)
    if name in _REFUSED:
        what, instead = _REFUSED[name]
        raise fault(f"a statement that {what}", instead)
    if name == "VariableSetStmt":
        _check_setting(node)
    if any(kind_of(inner) == "ParamRef" for inner in below(node)):
        raise fault("a statement with a parameter, such as $1", "write the value itself")


def _check_setting(node: Any) -> None:
    name = str(node.name or "all settings").lower()
    if name in _ITS_SETTINGS:
        raise fault(f"the setting {name} is the run's own", _ITS_SETTINGS[name])
    if not node.is_local:
        raise fault(
            f"{name} would stay set for the rest of the run",
            "write SET LOCAL, which holds for the statements behind it in the same transaction",
        )


def _relations(node: Any) -> Iterator[TableName]:
    # What SET CONSTRAINTS names is written like a table.
    nodes = tuple(below(node)) if kind_of(node) != "ConstraintsSetStmt" else ()
    expressions = {n.ctename for n in nodes if kind_of(n) == "CommonTableExpr"}
    # Those of FOR UPDATE OF are names in FROM.
    aliases = {id(r) for n in nodes if kind_of(n) == "LockingClause" for r in n.lockedRels or ()}
    for inner in nodes:
        match kind_of(inner):
            case "RangeVar" if id(inner) in aliases:
                continue
            case "RangeVar" if inner.schemaname is not None or inner.relname not in expressions:
                yield TableName(inner.schemaname, inner.relname)
            case "DropStmt":
                for named in inner.objects or ():
                    yield from _of_object(inner.removeType.name, strings(named))
            case "CommentStmt" | "SecLabelStmt":
                yield from _of_object(inner.objtype.name, strings(inner.object))
            case "DefElem" if inner.defname == "owned_by":
                yield from _of_object("OBJECT_COLUMN", strings(inner.arg))


def _of_object(kind: str, parts: tuple[str, ...]) -> Iterator[TableName]:
    """The relation in the name of an object, or around it."""
    relation = parts if kind in _WITH_RELATION else parts[:-1] if kind in _ON_RELATION else ()
    if relation:
        yield TableName(relation[-2] if len(relation) > 1 else None, relation[-1])
