"""What somebody else changed on the tables of a run, in words: two structures of each compared. Pure.

A structure is what `sql/table_structures.sql` gives: a mapping from an item's kind and name (`column email`,
`index users_name`, and `table` for the table itself) to its properties.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crossfade.operations.own_names import is_own_name
from crossfade.postgres.names import quoted

Item = Mapping[str, Any]
Structure = Mapping[str, Item]


_FROM_OUTSIDE = frozenset({"dependent", "foreign key"})
_MADE_ALONE = frozenset({"index", "constraint", "partition"})


class Bearing(StrEnum):
    """How a change bears on a run."""

    APART = "apart"
    """Something came, or a rule for rows went, that uses no column of the plan."""
    PARTITION = "partition"
    """One partition more: it has the triggers, and its rows are compared before anything is hidden."""
    CROSSING = "crossing"
    """The program was not compiled for it; a person may say that it goes on all the same."""
    HOLDS = "holds"
    """Something that needs a column which the run is going to drop, and which would keep it from that."""
    LOST = "lost"
    """The statements of the program name a table that is not there under this name."""
    GONE = "gone"
    """They name one that is not there at all, so that there is nothing to take back on it either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """One change by somebody else."""

    text: str
    """In words: `column public.users.nick was added`."""
    bearing: Bearing
    made_alone: str | None
    """The name of what a statement outside a transaction may have made or dropped: an index, a partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """One relation that is not as it was kept; `kept` is None for a new one, `found` for one that has left."""

    relation: int
    is_root: bool
    """Whether the plan names it; else it is a partition or a child."""
    is_there: bool
    """Whether the relation exists at all."""
    kept: Structure | None
    kept_numbers: Mapping[str, int] | None
    found: Structure | None
    found_numbers: Mapping[str, int] | None

    @property
    def table(self) -> Item:
        """The item of the table itself, as it was kept if it was."""
        return (self.kept or self.found or {})["table"]


@dataclass(frozen=True, slots=True)
class _Said:
    """A change of one item, without the table's name."""

    kind: str
    name: str
    verb: str
    bearing: Bearing = Bearing.CROSSING

    def on(self, table: str) -> str:
        """The words, for this table."""
        match self.kind:
            case "table" | "partition" | "child":
                return f"{self.kind} {table}{self.verb}"
            case "column":
                return f"column {table}.{quoted(self.name)}{self.verb}"
            case "foreign key":
                name, _, other = self.name.partition(" of ")
                return f"foreign key {quoted(name)} from {other} to {table}{self.verb}"
            case "dependent":
                return f"{self.name}, which uses {table},{self.verb}"
        return f"{self.kind} {quoted(self.name)} on {table}{self.verb}"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a change may cross."""

    planned: frozenset[str]
    """Those that the plan works on."""
    taken: frozenset[str]
    """Those that are going to be hidden and dropped, by their names of now, besides those with a name of ours."""

    tables: frozenset[str] = frozenset()
    """The tables that are going to be hidden and dropped, with all that uses them."""

    def are_used(self, names: Collection[str]) -> bool:
        """Whether one of these is the plan's; `*` is the whole row."""
        return "*" in names or not self.planned.isdisjoint(names)

    def go_with(self, names: Collection[str]) -> bool:
        """Whether one of these is going to be dropped."""
        return any(name in self.taken or is_own_name(name) for name in names)


def changes_of(differences: Sequence[TableDifference], columns: Columns) -> tuple[TableChange, ...]:
    """Every change, in words.

    What the partitions and children have from their table is said once.
    """
    said = {d.table["name"]: tuple(_changes(d, columns)) for d in differences}
    found: dict[str, TableChange] = {}
    for difference in differences:
        name = difference.table["name"]
        above = [s for parent in difference.table["parents"] or () for s in said.get(parent, ())]
        for change in said[name]:
            if change not in above:
                text = change.on(name)
                alone = difference.table["relation"] if change.kind == "partition" else change.name
                alone = alone if change.kind in _MADE_ALONE else None
                found[text] = TableChange(text=text, bearing=change.bearing, made_alone=alone)
    return tuple(found.values())


def carried_over(difference: TableDifference, structure: Structure) -> dict[str, Item]:
    """Another structure of the same relation, with what changed from `kept` to `found` done to it as well."""
    kept, found = difference.kept or {}, difference.found or {}
    unlike = {key for key in kept.keys() | found.keys() if kept.get(key) != found.get(key)}
    return {k: v for k, v in structure.items() if k not in unlike} | {k: found[k] for k in unlike if k in found}


def renamed_columns(difference: TableDifference) -> dict[str, str]:
    """The columns that have another name now, by the one that they had."""
    return dict(_renamed_columns(difference))


def _changes(difference: TableDifference, columns: Columns) -> Iterator[_Said]:
    kept, found = difference.kept, difference.found
    if kept is None or found is None:
        yield _come_or_gone(difference)
        return
    renamed = renamed_columns(difference)
    yield from _of_table(kept["table"], found["table"], is_root=difference.is_root)
    for old, new in renamed.items():
        yield _Said("column", old, f" was renamed to {quoted(new)}")
        yield from _altered("column", new, kept[f"column {old}"], found[f"column {new}"], columns)
    is_taken = found["table"]["name"] in columns.tables
    passed_over = {f"column {name}" for pair in renamed.items() for name in pair}
    for key in sorted((kept.keys() | found.keys()) - passed_over - {"table"}):
        kind, name = _kind_and_name(key)
        if key not in found:
            yield _Said(kind, name, " was dropped", _bearing_of_gone(kind, name, kept[key], columns))
        elif key not in kept:
            yield _Said(kind, name, " was added", _bearing_of_new(kind, name, found[key], columns, is_taken=is_taken))
        elif kept[key] != found[key]:
            # Where a table or a column has another name, the definitions of what hangs on it follow.
            follows = bool(renamed) or kept["table"]["name"] != found["table"]["name"]
            before = {**kept[key], "definition": found[key].get("definition")} if follows else kept[key]
            yield from _altered(kind, name, before, found[key], columns)
            if kind == "dependent" and not follows:
                held = columns.go_with(set(found[key]["uses"]) - set(kept[key]["uses"]))
                yield _Said(kind, name, " uses other columns now", Bearing.HOLDS if held else Bearing.APART)


def _come_or_gone(difference: TableDifference) -> _Said:
    if difference.is_root:
        return _Said("table", "", " was dropped", Bearing.GONE)
    parents = ", ".join(difference.table["parents"] or ())
    is_partition = difference.table["bound"] is not None
    kind = "partition" if is_partition else "child"
    if difference.found is not None:
        # A child has no triggers of ours; PostgreSQL gives them to partitions alone.
        bearing = Bearing.PARTITION if is_partition else Bearing.CROSSING
        return _Said(kind, "", f" was attached to {parents}", bearing)
    return _Said(kind, "", f" was detached from {parents}" if difference.is_there else " was dropped")


def _renamed_columns(difference: TableDifference) -> Iterator[tuple[str, str]]:
    """The columns that have another name: those that went and came with the same number."""
    before, after = difference.kept_numbers or {}, difference.found_numbers or {}
    came = {number: name for name, number in after.items() if name not in before}
    for name, number in before.items():
        if name not in after and number in came:
            yield name, came[number]


def _kind_and_name(key: str) -> tuple[str, str]:
    kind, _, name = key.removeprefix("foreign ").partition(" ")
    return ("foreign key" if key.startswith("foreign key ") else kind), name


def _bearing_of_new(kind: str, name: str, item: Item, columns: Columns, *, is_taken: bool) -> Bearing:
    needs = kind == "column" or kind in _FROM_OUTSIDE
    if (is_taken and kind in _FROM_OUTSIDE) or (needs and columns.go_with(item["uses"])):
        return Bearing.HOLDS
    if kind == "dependent":
        return Bearing.APART
    if kind not in ("column", "constraint", "index", "foreign key"):
        return Bearing.CROSSING
    return Bearing.CROSSING if _crosses(kind, name, item, columns) else Bearing.APART


def _bearing_of_gone(kind: str, name: str, item: Item, columns: Columns) -> Bearing:
    """A trigger, or a constraint that can only refuse rows, is often taken away to let a backfill go on."""
    if kind == "dependent":
        return Bearing.CROSSING if columns.go_with(item["uses"]) else Bearing.APART
    can_go = kind in ("trigger", "foreign key") or (
        kind == "constraint" and item["definition"].startswith(("CHECK ", "FOREIGN KEY "))
    )
    return Bearing.APART if can_go and not _crosses(kind, name, item, columns) else Bearing.CROSSING


def _crosses(kind: str, name: str, item: Item, columns: Columns) -> bool:
    """Whether the plan names it, or it uses a column that the plan names; `*` is the whole row."""
    return columns.are_used({name.partition(" of ")[0] if kind == "foreign key" else name, *item["uses"]})


_OF_TABLE = {
    "owner": "owner",
    "partition_key": "partition key",
    "bound": "bounds",
    "parents": "parents",
    "replica_identity": "replica identity",
    "persistence": "persistence",
}
_SWITCHES = {"row_security": "row security", "forced_row_security": "forced row security"}


def _of_table(kept: Item, found: Item, *, is_root: bool) -> Iterator[_Said]:
    kind = "table" if is_root else "child" if kept["bound"] is None else "partition"
    if kept["name"] != found["name"]:
        yield _Said(kind, "", f" was renamed to {found['name']}", Bearing.LOST if is_root else Bearing.CROSSING)
    for key, word in _OF_TABLE.items():
        if kept.get(key, found[key]) != found[key]:
            yield _Said(kind, "", f": {word} {_shown(key, kept[key])} became {_shown(key, found[key])}")
    for key, word in _SWITCHES.items():
        if kept[key] != found[key]:
            yield _Said(kind, "", f": {word} is {'on' if found[key] else 'off'} now")


_OF_ITEM = {
    "type": "type",
    "default": "default",
    "collation": "collation",
    "generated": "generation",
    "identity": "identity",
    "storage": "storage",
    "definition": "definition",
}
_WORDS = {
    "generated": {"": "none", "s": "stored", "v": "virtual"},
    "persistence": {"p": "logged", "u": "unlogged"},
    "identity": {"": "none", "a": "always", "d": "by default"},
    "storage": {"p": "plain", "e": "external", "m": "main", "x": "extended"},
    "enabled": {"O": "enabled", "D": "disabled", "R": "enabled on replicas alone", "A": "enabled always"},
    "replica_identity": {"d": "the primary key", "n": "nothing", "f": "the whole row"},
}


def _altered(kind: str, name: str, kept: Item, found: Item, columns: Columns) -> Iterator[_Said]:
    """What changed of an item that is still there."""
    for key, word in _OF_ITEM.items():
        before, after = kept.get(key), found.get(key)
        if key == "definition" and kind in ("constraint", "foreign key"):
            # Whether it is valid is said below.
            before, after = (str(d).removesuffix(" NOT VALID") for d in (before, after))
        if before != after:
            yield _Said(kind, name, f": {word} {_shown(key, before)} became {_shown(key, after)}")
    if kept.get("not_null") != found.get("not_null"):
        yield _Said(kind, name, " is NOT NULL now" if found["not_null"] else " may be NULL now")
    if kept.get("enabled") != found.get("enabled"):
        yield _Said(kind, name, f" is {_shown('enabled', found['enabled'])} now")
    if kept.get("body") != found.get("body"):
        yield _Said(kind, name, " calls a function that is another one now")
    for key in ("valid", "validated"):
        if kept.get(key) != found.get(key):
            is_apart = found[key] and not _crosses(kind, name, found, columns)
            verb = f" is {key} now" if found[key] else f" is not {key} any more"
            yield _Said(kind, name, verb, Bearing.APART if is_apart else Bearing.CROSSING)


def _shown(key: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = str(value).strip()
    return _WORDS.get(key, {}).get(text, text)
