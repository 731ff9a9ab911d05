"""What matters only where another thing takes the place of one: rights, comments, values of an enum, views. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from crossfade.postgres.names import quoted
from crossfade.workflow.change_bearing import Bearing, Columns, Item, Said, Structure, kind_and_name, shown


def made_anew(name: str, kept: Item, found: Item, columns: Columns, *, is_taken: bool) -> Iterator[Said]:
    """What stands on what goes is made again as it was when the run began."""
    before, after = kept.get("made") or {}, found.get("made") or {}
    if before.get("comment") == columns.mark or not (is_taken or columns.are_replaced(kept["uses"])):
        return
    for key, words in _OF_DEPENDENT.items():
        if key == "defaults" and columns.phase == "revert":
            # The one of before takes its name again, with its rights.
            continue
        if key in before and key in after and before[key] != after[key]:
            yield Said("dependent", name, f" {words} now", Bearing.LOSES)


_OF_DEPENDENT = {
    "definition": "is defined otherwise",
    "owner": "has another owner",
    "rights": "has other rights",
    "defaults": "would have other rights by ALTER DEFAULT PRIVILEGES",
    "comment": "has another comment",
    "options": "has other options",
    "storage": "is stored otherwise",
    "target": "has another statistics target",
    "columns": "has columns with other defaults, rights, comments or settings",
    "triggers": "has other triggers",
    "rules": "has other rules",
    "indexes": "has other indexes",
    "statistics": "has other statistics",
}


_ON_COLUMNS = frozenset({"constraint", "index", "trigger", "policy", "rule"})
_ASIDE = {
    "comment": "comment",
    "index_comment": "comment of its index",
    "not_null_comment": "comment of its NOT NULL",
    "clustered": "clustering",
    "statistics": "statistics target",
    "options": "storage parameters",
    "compression": "compression",
    "tablespace": "tablespace",
    "owner": "owner",
}


def set_aside(kept: Structure, found: Structure, columns: Columns) -> Iterator[Said]:
    """What is no matter elsewhere, of a table, a column or a type whose name another one takes."""
    name = kept["table"]["name"]
    other = columns.replacing.get(name)
    if columns.is_our_view(kept["table"]):
        other = kept["table"].get("shows")
    if other is not None:
        kind = "view" if columns.is_our_view(kept["table"]) else "table"
        yield from _rights(kind, "", (kept["table"], found["table"]), columns.rights.get(other, ()), f"on {other}")
    if name in columns.replacing:
        yield from _once_more("table", "", kept["table"], found["table"], columns)
    for key in sorted(kept.keys() & found.keys()):
        kind, column = kind_and_name(key)
        if kind == "column" and column in columns.successors:
            successor = columns.successors[column]
            has = found.get(f"column {successor}", {}).get("rights", ())
            yield from _rights(kind, column, (kept[key], found[key]), has, f"on column {quoted(successor)}")
            yield from _once_more(kind, column, kept[key], found[key], columns)
        elif kind == "column" and name in columns.replacing:
            of_column = _rights(kind, column, (kept[key], found[key]), (), "after contract")
            yield from (replace(said, bearing=Bearing.LOSES) for said in of_column)
            yield from _once_more(kind, column, kept[key], found[key], columns)
        elif kind == "enum" and column in columns.types:
            yield from _of_enum(column, kept[key], found[key], columns)
        elif kind in _ON_COLUMNS and (name in columns.replacing or columns.are_replaced(kept[key]["uses"])):
            yield from _once_more(kind, column, kept[key], found[key], columns)


def _rights(kind: str, name: str, both: tuple[Item, Item], others: Collection[str], where: str) -> Iterator[Said]:
    """Rights that go unless the successor has the same."""
    kept, found = (set(item.get("rights", ())) for item in both)
    if kept == found or "rights" not in both[0]:
        return
    is_same = found - kept <= set(others) and (kept - found).isdisjoint(others)
    words = [f"{right} was granted" for right in sorted(found - kept)]
    words += [f"{right} was revoked" for right in sorted(kept - found)]
    said = f": {', '.join(words)}"
    yield Said(kind, name, said if is_same else f"{said}; do the same {where}", _OF_RIGHTS[is_same])


_OF_RIGHTS = {True: Bearing.APART, False: Bearing.UNEVEN}


def _once_more(kind: str, name: str, kept: Item, found: Item, columns: Columns) -> Iterator[Said]:
    # Before contract a trigger or rule that was switched on or off stops the run.
    told = {**_ASIDE, "enabled": "state"} if columns.phase == "revert" else _ASIDE
    for key, word in told.items():
        if key in kept and kept[key] != found[key] and not (kind == "table" and key == "owner"):
            words = f"{shown(key, kept[key])} became {shown(key, found[key])}"
            yield Said(kind, name, f": {word} {words}{_again(columns)}", Bearing.AGAIN)


def _again(columns: Columns) -> str:
    return f"; {columns.phase} loses that: do it again after it"


def _of_enum(name: str, kept: Item, found: Item, columns: Columns) -> Iterator[Said]:
    if kept["values"] != found["values"]:
        words = f"{shown('values', kept['values'])} became {shown('values', found['values'])}"
        yield Said("enum", name, f": values {words}", Bearing.LOSES)
    if kept["rights"] != found["rights"]:
        words = f"{shown('rights', kept['rights'])} became {shown('rights', found['rights'])}"
        yield Said("enum", name, f": rights {words}{_again(columns)}", Bearing.AGAIN)
    yield from _once_more("enum", name, kept, found, columns)
