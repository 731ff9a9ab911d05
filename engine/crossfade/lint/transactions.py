"""Where the statements of a file begin a transaction, end one, and go back to a savepoint of it. Pure."""

from __future__ import annotations

from typing import Any

from crossfade.postgres.forecast.trees import kind

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
