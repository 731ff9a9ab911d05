"""What somebody else changed on the tables of a run, in words: two structures of each compared. Pure.

A structure is what `sql/table_structures.sql` gives: a mapping from an item's kind and name (`column email`,
`index users_name`, and `table` for the table itself) to its properties.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from crossfade.postgres.names import quoted
from crossfade.workflow.change_bearing import (
    Bearing,
    Columns,
    Item,
    Said,
    Structure,
    TableChange,
    kind_and_name,
    shown,
)
from crossfade.workflow.changes_aside import made_anew, set_aside

_FROM_OUTSIDE = frozenset({"dependent", "foreign key"})
_MADE_ALONE = frozenset({"index", "constraint", "partition"})
_NEEDS = frozenset({"trigger", "policy", "rule"})
"""What keeps a column of its own table from being dropped."""


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
                found[text] = TableChange(
                    text=text,
                    bearing=change.bearing,
                    made_alone=alone,
                    on=_place(difference, columns),
                    is_gone=change.is_gone,
                )
    return tuple(found.values())


def carried_over(difference: TableDifference, structure: Structure) -> dict[str, Item]:
    """Another structure of the same relation, with what changed from `kept` to `found` done to it as well."""
    kept, found = difference.kept or {}, difference.found or {}
    unlike = {key for key in kept.keys() | found.keys() if kept.get(key) != found.get(key)}
    return {k: v for k, v in structure.items() if k not in unlike} | {k: found[k] for k in unlike if k in found}


def renamed_columns(difference: TableDifference) -> dict[str, str]:
    """The columns that have another name now, by the one that they had."""
    return dict(_renamed_columns(difference))


def _place(difference: TableDifference, columns: Columns) -> str:
    if columns.is_our_view(difference.table):
        return "view"
    return "table" if difference.table["name"] in columns.tables else "column"


def _changes(difference: TableDifference, columns: Columns) -> Iterator[Said]:
    kept, found = difference.kept, difference.found
    goes = difference.table["name"] in columns.replacing or columns.is_our_view(difference.table)
    parents = difference.table["parents"] or ()
    for said in _of_structure(difference, columns):
        is_child = said.kind == "child" and any(parent in columns.replacing for parent in parents)
        # What was validated cannot be taken back, and is no matter.
        is_lost = (goes or is_child) and said.bearing in (Bearing.APART, Bearing.CROSSING) and said.verb not in _VALID
        yield replace(said, bearing=Bearing.LOSES) if is_lost else said
    if kept is not None and found is not None:
        yield from set_aside(kept, found, columns)


_VALID = frozenset({" is valid now", " is validated now"})


def _of_structure(difference: TableDifference, columns: Columns) -> Iterator[Said]:
    kept, found = difference.kept, difference.found
    if kept is None or found is None:
        yield _come_or_gone(difference)
        return
    renamed = renamed_columns(difference)
    yield from _of_table(kept["table"], found["table"], is_root=difference.is_root)
    for old, new in renamed.items():
        bearing = Bearing.LOST if ("column", old) in columns.named else Bearing.CROSSING
        yield Said("column", old, f" was renamed to {quoted(new)}", bearing)
        yield from _altered("column", new, kept[f"column {old}"], found[f"column {new}"], columns)
    is_taken = found["table"]["name"] in columns.tables or columns.is_our_view(kept["table"])
    is_replaced = found["table"]["name"] in columns.replacing
    passed_over = {f"column {name}" for pair in renamed.items() for name in pair}
    for key in sorted((kept.keys() | found.keys()) - passed_over - {"table"}):
        kind, name = kind_and_name(key)
        if kind == "enum":
            continue
        if key not in found:
            bearing = _bearing_of_gone(kind, name, kept[key], columns, is_replaced=is_replaced)
            yield Said(kind, name, " was dropped", bearing, is_gone=True)
        elif key not in kept:
            yield Said(kind, name, " was added", _bearing_of_new(kind, name, found[key], columns, is_taken=is_taken))
        elif kept[key] != found[key]:
            # Where a table or a column has another name, the definitions of what hangs on it follow.
            follows = bool(renamed) or kept["table"]["name"] != found["table"]["name"]
            before = {**kept[key], "definition": found[key].get("definition")} if follows else kept[key]
            yield from _altered(kind, name, before, found[key], columns)
            if kind == "dependent" and not follows:
                yield from made_anew(name, kept[key], found[key], columns, is_taken=is_taken)
                others = set(found[key]["uses"]) ^ set(kept[key]["uses"])
                held = columns.go_with(others & set(found[key]["uses"]))
                if others:
                    yield Said(kind, name, " uses other columns now", Bearing.HOLDS if held else Bearing.APART)


def _come_or_gone(difference: TableDifference) -> Said:
    if difference.is_root:
        kind = "view" if difference.table.get("kind") == "v" else "table"
        return Said(kind, "", " was dropped", Bearing.GONE, is_gone=True)
    parents = ", ".join(difference.table["parents"] or ())
    is_partition = difference.table["bound"] is not None
    kind = "partition" if is_partition else "child"
    if difference.found is not None:
        # A child has no triggers of ours; PostgreSQL gives them to partitions alone.
        bearing = Bearing.PARTITION if is_partition else Bearing.CROSSING
        return Said(kind, "", f" was attached to {parents}", bearing)
    return Said(kind, "", f" was detached from {parents}" if difference.is_there else " was dropped", is_gone=True)


def _renamed_columns(difference: TableDifference) -> Iterator[tuple[str, str]]:
    """The columns that have another name: those that went and came with the same number."""
    before, after = difference.kept_numbers or {}, difference.found_numbers or {}
    came = {number: name for name, number in after.items() if name not in before}
    for name, number in before.items():
        if name not in after and number in came:
            yield name, came[number]


def _bearing_of_new(kind: str, name: str, item: Item, columns: Columns, *, is_taken: bool) -> Bearing:
    if ("constraint" if kind == "index" else kind, name) in columns.made:
        return Bearing.NAMESAKE
    uses = item.get("uses", ())
    needs = kind == "column" or kind in _FROM_OUTSIDE
    # A publication of the whole table keeps nothing from going.
    is_held = is_taken and kind in _FROM_OUTSIDE and not (name.startswith("publication ") and not uses)
    is_held = is_held or (kind == "column" and item["type"].removesuffix("[]") in columns.types)
    if is_held or (needs and columns.go_with(uses)) or (kind in _NEEDS and columns.lose(uses)):
        return Bearing.HOLDS
    if kind == "dependent":
        return Bearing.APART
    if kind in ("constraint", "index") and columns.lose(uses):
        return Bearing.LOSES
    if kind not in ("column", "constraint", "index", "foreign key"):
        return Bearing.CROSSING
    return Bearing.CROSSING if _crosses(kind, name, item, columns) else Bearing.APART


def _bearing_of_gone(kind: str, name: str, item: Item, columns: Columns, *, is_replaced: bool) -> Bearing:
    """A trigger, or a constraint that can only refuse rows, is often taken away to let a backfill go on."""
    if kind == "dependent":
        if is_replaced or columns.are_replaced(item["uses"]):
            # It is made anew, so that statements name it.
            return Bearing.LOST
        return Bearing.CROSSING if columns.go_with(item["uses"]) else Bearing.APART
    if (kind, name) in columns.named:
        return Bearing.LOST
    if columns.are_replaced(item.get("uses", ())):
        # What takes the place has one like it.
        return Bearing.LOSES
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


def _of_table(kept: Item, found: Item, *, is_root: bool) -> Iterator[Said]:
    kind = "table" if is_root else "child" if kept["bound"] is None else "partition"
    kind = "view" if kept.get("kind") == "v" else kind
    if kept["name"] != found["name"]:
        yield Said(kind, "", f" was renamed to {found['name']}", Bearing.LOST if is_root else Bearing.CROSSING)
    for key, word in _OF_TABLE.items():
        if kept.get(key, found[key]) != found[key]:
            yield Said(kind, "", f": {word} {shown(key, kept[key])} became {shown(key, found[key])}")
    for key, word in _SWITCHES.items():
        if kept[key] != found[key]:
            yield Said(kind, "", f": {word} is {'on' if found[key] else 'off'} now")


_OF_ITEM = {
    "type": "type",
    "default": "default",
    "collation": "collation",
    "generated": "generation",
    "identity": "identity",
    "storage": "storage",
    "definition": "definition",
}


def _altered(kind: str, name: str, kept: Item, found: Item, columns: Columns) -> Iterator[Said]:
    """What changed of an item that is still there."""
    is_replaced = columns.are_replaced((name,) if kind == "column" else kept.get("uses", ()))
    bearing = Bearing.LOSES if is_replaced else Bearing.CROSSING
    for key, word in _OF_ITEM.items():
        before, after = kept.get(key), found.get(key)
        if key == "definition" and kind in ("constraint", "foreign key"):
            # Whether it is valid is said below.
            before, after = (str(d).removesuffix(" NOT VALID") for d in (before, after))
        if before != after:
            yield Said(kind, name, f": {word} {shown(key, before)} became {shown(key, after)}", bearing)
    if kept.get("not_null") != found.get("not_null"):
        yield Said(kind, name, " is NOT NULL now" if found["not_null"] else " may be NULL now", bearing)
    if kept.get("enabled") != found.get("enabled"):
        yield Said(kind, name, f" is {shown('enabled', found['enabled'])} now")
    if kept.get("body") != found.get("body"):
        yield Said(kind, name, " calls a function that is another one now")
    for key in ("valid", "validated"):
        if kept.get(key) != found.get(key):
            is_apart = found[key] and not _crosses(kind, name, found, columns)
            verb = f" is {key} now" if found[key] else f" is not {key} any more"
            yield Said(kind, name, verb, Bearing.APART if is_apart else Bearing.CROSSING)
