"""Where the statements of a file begin a transaction, end one, and go back to a savepoint of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.migrations.migration import Transaction
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.migrations.script import SqlStatement

_BEGINS = frozenset({"TRANS_STMT_BEGIN", "TRANS_STMT_START"})
_ENDS = {
    "TRANS_STMT_COMMIT": "COMMIT",
    "TRANS_STMT_ROLLBACK": "ROLLBACK",
    "TRANS_STMT_PREPARE": "PREPARE TRANSACTION",
}


def begins(node: Any) -> bool:
    """Whether the statement begins a transaction block."""
    return kind(node) == "TransactionStmt" and node.kind.name in _BEGINS


def at_savepoint(node: Any) -> tuple[str, str] | None:
    """What the statement does with a savepoint, `SAVEPOINT`, `ROLLBACK_TO` or `RELEASE`, and its name."""
    word = node.kind.name.removeprefix("TRANS_STMT_") if kind(node) == "TransactionStmt" else ""
    return (word, node.savepoint_name) if word in {"SAVEPOINT", "ROLLBACK_TO", "RELEASE"} else None


def ended_by(node: Any) -> str | None:
    """The word by which the statement ends the transaction; None where it does not."""
    return _ENDS.get(node.kind.name) if kind(node) == "TransactionStmt" else None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Statements that leave nothing behind, or of which a file does not tell whether they do."""

    statements: tuple[SqlStatement, ...]
    by: SqlStatement
    why_unknown: str | None = None
    """Why it cannot be told; None where it is certain."""


def taken_back(statements: Sequence[SqlStatement], around: Transaction) -> Iterator[TakenBack]:
    """What ROLLBACK takes back of a file's statements, whose tool does this around them."""
    sent_whole = around is Transaction.IF_SEVERAL and len(statements) > 1
    is_tools = around is Transaction.ALWAYS
    begun: SqlStatement | None = None
    stay: list[SqlStatement] = []
    saved: list[tuple[str, int]] = []
    for one in statements:
        word, savepoint = ended_by(one.tree), at_savepoint(one.tree)
        if begins(one.tree):
            begun = begun or one
        elif word is not None:
            if word != "COMMIT":
                is_own = not is_tools and (sent_whole or begun is not None)
                yield TakenBack(tuple(stay), one, _why_unknown(word, is_own=is_own))
            stay, saved, is_tools = [], [], False
            begun = one if one.tree.chain else None
        elif savepoint is not None:
            number = _went_to(saved, *savepoint, len(stay))
            if number is not None:
                yield TakenBack(tuple(stay[number:]), one)
                del stay[number:]
        elif is_tools or sent_whole or begun is not None:
            stay.append(one)
    if begun is not None and not is_tools:
        yield TakenBack(tuple(stay), begun, "no COMMIT ends the transaction that it begins")


def _why_unknown(word: str, *, is_own: bool) -> str | None:
    if word == "PREPARE TRANSACTION":
        return "what came before it waits for COMMIT PREPARED"
    return None if is_own else "it ends a transaction that the file has not begun"


def _went_to(saved: list[tuple[str, int]], word: str, name: str, now: int) -> int | None:
    """How many statements were there at the savepoint that it goes back to; None where it goes to none."""
    if word == "SAVEPOINT":
        saved.append((name, now))
        return None
    place = next((n for n in reversed(range(len(saved))) if saved[n][0] == name), None)
    if place is None:
        return None
    number = saved[place][1]
    # A savepoint is still there once it was gone back to.
    del saved[place + (word == "ROLLBACK_TO") :]
    return number if word == "ROLLBACK_TO" else None
