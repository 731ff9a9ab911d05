"""Random changes of a random table, each with the DDL of somebody who may stop every app, and the shape that it leaves.

A change that preflight refuses ends its plan; so most of what is drawn here can be done, and not all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from .shapes import Column, Shape, Values, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEW_NAMES = ("to", "New Name", "größer", "into_it", "table", "c'd")
CONSTANT = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One change: its entry of the plan, its plain DDL, and what it means for facts."""

    entry: Mapping[str, Any]
    plain: str
    shape: Shape
    filled: Mapping[str, int] = field(default_factory=dict)
    """Facts that are never NULL in the end: what takes the place of NULL."""
    missing: Mapping[str, int | None] = field(default_factory=dict)
    """Facts that one of the versions does not write: what the other finds in its rows."""
    always: frozenset[str] = frozenset()
    """Facts that no version leaves to a default, and that are never NULL but where `filled` says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomPlan:
    """The changes of a plan, in order."""

    changes: tuple[Drawn, ...]

    @property
    def shape(self) -> Shape:
        """What the new version sees."""
        return self.changes[-1].shape

    @property
    def plain(self) -> str:
        """The DDL that does the same."""
        return "\n".join(change.plain for change in self.changes)

    @property
    def filled(self) -> dict[str, int]:
        """Of every change."""
        return {fact: value for change in self.changes for fact, value in change.filled.items()}

    @property
    def missing(self) -> dict[str, int | None]:
        """Of every change."""
        return {fact: value for change in self.changes for fact, value in change.missing.items()}

    @property
    def always(self) -> frozenset[str]:
        """Of every change."""
        return frozenset(fact for change in self.changes for fact in change.always)


@st.composite
def plans(draw: st.DrawFn, shape: Shape, kinds: Sequence[Kind] | None = None) -> RandomPlan:
    """One to four changes of the table, or those kinds in their order."""
    if kinds is None:
        count = draw(st.sampled_from((1, 2, 2, 3, 3, 4)))
        kinds = draw(st.lists(st.sampled_from(KINDS), min_size=count, max_size=count))
    changes: list[Drawn] = []
    for number, kind in enumerate(kinds):
        found = kind(draw, shape, number)
        if found is not None:
            changes.append(found)
            shape = found.shape
    return RandomPlan(changes=tuple(changes) or (_set_comment(draw, shape, 0),))


def _some_column(draw: st.DrawFn, shape: Shape, suits: Callable[[Column], bool] = lambda _: True) -> Column | None:
    """A column that no other change works on, mostly."""
    alone = draw(st.integers(0, 3)) > 0
    possible = [c for c in shape.columns if suits(c) and not (alone and c.name in shape.worked_on)]
    return draw(st.sampled_from(possible)) if possible else None


def _alter(shape: Shape, action: str) -> str:
    return f"ALTER TABLE {shape.relation} {action};"


def _new_name(draw: st.DrawFn, number: int) -> str:
    return f"{draw(st.sampled_from(NEW_NAMES))}{number or ''}"


def _working(shape: Shape, *names: str) -> Shape:
    return replace(shape, worked_on=shape.worked_on | {*names})


# Names


def _rename_column(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column, name = _some_column(draw, shape), _new_name(draw, number)
    if column is None:
        return None
    after = shape.with_columns((column.name,), replace(column, name=name))
    view = shape.view.renamed(column.name, name) if shape.view else None
    return Drawn(
        entry={"rename_column": {"table": shape.relation, "from": column.name, "to": name}},
        plain=_alter(shape, f"RENAME {quoted(column.name)} TO {quoted(name)}"),
        shape=replace(after, view=view),
    )


def _rename_key(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    name = _new_name(draw, number)
    if shape.partitioned or shape.key in shape.worked_on:
        return None
    view = shape.view.renamed(shape.key, name) if shape.view else None
    return Drawn(
        entry={"rename_column": {"table": shape.relation, "from": shape.key, "to": name}},
        plain=_alter(shape, f"RENAME {quoted(shape.key)} TO {quoted(name)}"),
        shape=_working(replace(shape, key=name, view=view), name),
    )


def _rename_table(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    return Drawn(
        entry={"rename_table": {"from": shape.relation, "to": f"Moved {number}"}},
        plain=_alter(shape, f"RENAME TO {quoted(f'Moved {number}')}"),
        shape=replace(shape, table=f"Moved {number}"),
    )


def _rename_constraint(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    if not shape.checks:
        return None
    name = draw(st.sampled_from(shape.checks))
    return Drawn(
        entry={"rename_constraint": {"table": shape.relation, "from": name, "to": f"another check {number}"}},
        plain=_alter(shape, f"RENAME CONSTRAINT {quoted(name)} TO {quoted(f'another check {number}')}"),
        shape=replace(shape, checks=tuple(c for c in shape.checks if c != name)),
    )


def _rename_index(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    if not shape.indexes:
        return None
    name = draw(st.sampled_from(shape.indexes))
    return Drawn(
        entry={"rename_index": {"from": name, "to": f"another index {number}"}},
        plain=f"ALTER INDEX {quoted(name)} RENAME TO {quoted(f'another index {number}')};",
        shape=replace(shape, indexes=tuple(i for i in shape.indexes if i != name)),
    )


# Types and shapes

SAME_NAME = {
    "smallint": ("int", "bigint"),
    "int": ("bigint", "numeric(14,0)"),
    "bigint": ("numeric(20,0)",),
    "varchar(40)": ("varchar(80)", "text"),
    "text": ("varchar(90)",),
    "numeric(12,2)": ("numeric(14,2)", "numeric"),
}
"""Types under which a value reads as before, in place or not."""


def _change_type(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(draw, shape, lambda c: c.type in SAME_NAME)
    if column is None:
        return None
    to = draw(st.sampled_from(SAME_NAME[column.type]))
    after = _working(shape.with_columns((column.name,), replace(column, type=to)), column.name)
    alter = _alter(shape, f"ALTER {quoted(column.name)} TYPE {to}")
    return Drawn(
        entry={"change_type": {"table": shape.relation, "column": column.name, "to": to}},
        plain=shape.drop_view() + alter + shape.create_view(),
        shape=after,
    )


def _change_type_of_the_key(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    if shape.partitioned or shape.key in shape.worked_on:
        return None
    entry = {"table": shape.relation, "column": shape.key, "to": "bigint", "follow_references": True}
    return Drawn(
        entry={"change_type": entry},
        plain=shape.drop_view() + _alter(shape, f"ALTER {quoted(shape.key)} TYPE bigint") + shape.create_view(),
        shape=_working(shape, shape.key),
    )


def _change_type_into(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column, name = (
        _some_column(draw, shape, lambda c: c.type in ("int", "text") and c.default is None),
        _new_name(draw, number),
    )
    if column is None:
        return None
    if column.type == "int":
        made = replace(column, name=name, type="bigint", offset=column.offset + 1000)
        forward, back = "{} + 1000", "{} - 1000"
    else:
        made = replace(column, name=name, type="varchar(70)", template="x" + column.template)
        forward, back = "'x' || {}", "substr({}, 2)"
    using = forward.format(quoted(column.name))
    alter = _alter(shape, f"ALTER {quoted(column.name)} TYPE {made.type} USING {using}")
    rename = _alter(shape, f"RENAME {quoted(column.name)} TO {quoted(name)}")
    view = shape.view.renamed(column.name, name) if shape.view else None
    return Drawn(
        entry={
            "change_type": {
                "table": shape.relation,
                "column": column.name,
                "to": made.type,
                "into": name,
                "using": using,
                "reverse": back.format(quoted(name)),
            }
        },
        plain=shape.drop_view() + alter + shape.create_view() + rename,
        shape=replace(shape.with_columns((column.name,), made), view=view),
        always=frozenset(column.facts if column.default else ()),
    )


def _split_column(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(
        draw, shape, lambda c: c.template == "w{0} w{1}" and c.default is None and not shape.in_view(c.name)
    )
    if column is None:
        return None
    names = (f"first {number}", f"Second {number}")
    made = tuple(
        Column(name=name, type="text", template="w{0}", facts=(fact,), nullable=True)
        for name, fact in zip(names, column.facts, strict=True)
    )
    using = [f"split_part({quoted(column.name)}, ' ', {part})" for part in (1, 2)]
    reverse = f"{quoted(names[0])} || ' ' || {quoted(names[1])}"
    adds = ", ".join(f"ADD {quoted(name)} text" for name in names)
    sets = ", ".join(f"{quoted(name)} = {value}" for name, value in zip(names, using, strict=True))
    into = {name: {"type": "text", "using": value} for name, value in zip(names, using, strict=True)}
    return Drawn(
        entry={"split_column": {"table": shape.relation, "from": column.name, "into": into, "reverse": reverse}},
        plain=_alter(shape, adds)
        + f"UPDATE {shape.relation} SET {sets};"
        + _alter(shape, f"DROP {quoted(column.name)}"),
        shape=_gone(shape, (column,)).with_columns((), *made),
        always=frozenset(() if column.nullable else column.facts),
    )


def _merge_columns(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    possible = [
        c
        for c in shape.columns
        if c.type in ("text", "varchar(40)") and c.default is None and not c.nullable and not shape.in_view(c.name)
    ]
    if len(possible) < 2:
        return None
    columns = tuple(draw(st.permutations(possible))[:2])
    words = [len(c.facts) for c in columns]
    if any(not c.template.startswith("w{0}") for c in columns):
        return None
    name, facts = _new_name(draw, number), (*columns[0].facts, *columns[1].facts)
    template = " ".join(f"w{{{n}}}" for n in range(len(facts)))
    place = 1
    reverse = {}
    for column, count in zip(columns, words, strict=True):
        parts = [f"split_part({quoted(name)}, ' ', {place + n})" for n in range(count)]
        reverse[column.name] = " || ' ' || ".join(parts)
        place += count
    using = " || ' ' || ".join(quoted(c.name) for c in columns)
    drops = ", ".join(f"DROP {quoted(c.name)}" for c in columns)
    entry = {"table": shape.relation, "from": [c.name for c in columns], "into": name, "type": "text"}
    return Drawn(
        entry={"merge_columns": {**entry, "using": using, "reverse": reverse}},
        plain=_alter(shape, f"ADD {quoted(name)} text")
        + f"UPDATE {shape.relation} SET {quoted(name)} = {using};"
        + _alter(shape, drops),
        shape=_gone(shape, columns).with_columns((), Column(name=name, type="text", template=template, facts=facts)),
        always=frozenset(facts),
    )


def _gone(shape: Shape, columns: tuple[Column, ...]) -> Shape:
    """Without these columns, and without whatever goes with them; nothing that may stand on them is named again."""
    return replace(shape.with_columns(tuple(c.name for c in columns)), checks=(), indexes=())


# Columns


def _add_column(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    name, fact = _new_name(draw, number), f"new{number}"
    source = draw(st.sampled_from(("default", "fill", None)))
    nullable = source is None or draw(st.booleans())
    column = Column(
        name=name,
        type="int",
        template="{0}",
        facts=(fact,),
        nullable=nullable,
        default=(CONSTANT,) if source == "default" else None,
    )
    entry = {"table": shape.relation, "name": name, "type": "int", "nullable": nullable}
    if source is not None:
        entry[source] = str(CONSTANT)
    default = f" DEFAULT {CONSTANT}" if source == "default" else ""
    plain = _alter(shape, f"ADD {quoted(name)} int{default}")
    if source == "fill":
        plain += f"UPDATE {shape.relation} SET {quoted(name)} = {CONSTANT};"
    if not nullable:
        plain += _alter(shape, f"ALTER {quoted(name)} SET NOT NULL")
    return Drawn(
        entry={"add_column": entry},
        plain=plain,
        shape=shape.with_columns((), column),
        missing={fact: None if source is None else CONSTANT},
        always=frozenset((fact,)) if source == "fill" else frozenset(),
    )


def _drop_column(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(draw, shape, lambda c: not shape.in_view(c.name) and not c.facts[0].startswith("new"))
    if column is None or len(shape.columns) == 1:
        return None
    entry = {"table": shape.relation, "column": column.name}
    left: Values = column.default or (None,) * len(column.facts)
    if not column.nullable and column.default is None:
        left = (CONSTANT,) * len(column.facts)
        entry["reverse"] = f"{column.literal(left)}::{column.type}"
    return Drawn(
        entry={"drop_column": entry},
        plain=_alter(shape, f"DROP {quoted(column.name)}"),
        shape=_gone(shape, (column,)),
        missing=dict(zip(column.facts, left, strict=True)),
    )


def _set_not_null(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(draw, shape, lambda c: c.nullable and len(c.facts) == 1)
    if column is None:
        return None
    fill = f"{column.literal((CONSTANT,))}::{column.type}"
    return Drawn(
        entry={"set_not_null": {"table": shape.relation, "column": column.name, "fill": fill}},
        plain=f"UPDATE {shape.relation} SET {quoted(column.name)} = {fill} WHERE {quoted(column.name)} IS NULL;"
        + _alter(shape, f"ALTER {quoted(column.name)} SET NOT NULL"),
        shape=_working(shape.with_columns((column.name,), replace(column, nullable=False)), column.name),
        filled={column.facts[0]: CONSTANT},
        always=frozenset(column.facts),
    )


def _drop_not_null(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(draw, shape, lambda c: not c.nullable)
    if column is None:
        return None
    # Nobody writes NULL meanwhile: the old version could not read it.
    return Drawn(
        entry={"drop_not_null": {"table": shape.relation, "column": column.name}},
        plain=_alter(shape, f"ALTER {quoted(column.name)} DROP NOT NULL"),
        shape=_working(shape.with_columns((column.name,), replace(column, nullable=True)), column.name),
        always=frozenset(column.facts),
    )


def _set_default(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(draw, shape)
    if column is None:
        return None
    values = (CONSTANT,) * len(column.facts)
    after = shape.with_columns((column.name,), replace(column, default=values))
    return Drawn(
        entry={"set_default": {"table": shape.relation, "column": column.name, "value": column.literal(values)}},
        plain=_alter(shape, f"ALTER {quoted(column.name)} SET DEFAULT {column.literal(values)}"),
        shape=_working(after, column.name),
        always=frozenset(column.facts),
    )


def _drop_default(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(draw, shape, lambda c: c.default is not None)
    if column is None:
        return None
    after = shape.with_columns((column.name,), replace(column, default=None))
    return Drawn(
        entry={"drop_default": {"table": shape.relation, "column": column.name}},
        plain=_alter(shape, f"ALTER {quoted(column.name)} DROP DEFAULT"),
        shape=_working(after, column.name),
        always=frozenset(column.facts),
    )


def _set_comment(draw: st.DrawFn, shape: Shape, number: int) -> Drawn:
    column = _some_column(draw, shape)
    entry = {"table": shape.relation, "comment": "it's new"} | ({"column": column.name} if column else {})
    of = f"COLUMN {shape.relation}.{quoted(column.name)}" if column else f"TABLE {shape.relation}"
    return Drawn(entry={"set_comment": entry}, plain=f"COMMENT ON {of} IS 'it''s new';", shape=shape)


def _set_statistics(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(draw, shape)
    if column is None:
        return None
    return Drawn(
        entry={"set_statistics": {"table": shape.relation, "column": column.name, "target": 77}},
        plain=_alter(shape, f"ALTER {quoted(column.name)} SET STATISTICS 77"),
        shape=shape,
    )


def _add_enum_value(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    if not any(c.type == "mood" for c in shape.columns):
        return None
    return Drawn(
        entry={"add_enum_value": {"type": "mood", "value": f"late {number}", "before": "m12"}},
        plain=f"ALTER TYPE mood ADD VALUE 'late {number}' BEFORE 'm12';",
        shape=shape,
    )


# Constraints and indexes


def _add_check(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(draw, shape)
    if column is None:
        return None
    name, condition = f"new check {number}", f"{quoted(column.name)} IS NULL OR {quoted(shape.key)} IS NOT NULL"
    return Drawn(
        entry={"add_check": {"table": shape.relation, "name": name, "expression": condition}},
        plain=_alter(shape, f"ADD CONSTRAINT {quoted(name)} CHECK ({condition})"),
        shape=shape,
    )


def _add_unique(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(draw, shape)
    if column is None:
        return None
    name, keys = f"new unique {number}", (shape.key, column.name)
    return Drawn(
        entry={"add_unique": {"table": shape.relation, "name": name, "columns": [*keys]}},
        plain=_alter(shape, f"ADD CONSTRAINT {quoted(name)} UNIQUE ({', '.join(quoted(k) for k in keys)})"),
        shape=shape,
    )


def _drop_constraint(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    if not shape.checks:
        return None
    name = draw(st.sampled_from(shape.checks))
    return Drawn(
        entry={"drop_constraint": {"table": shape.relation, "name": name}},
        plain=_alter(shape, f"DROP CONSTRAINT {quoted(name)}"),
        shape=replace(shape, checks=tuple(c for c in shape.checks if c != name)),
    )


def _create_index(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    column = _some_column(draw, shape)
    if column is None:
        return None
    name, of = f"new index {number}", quoted(column.name)
    keys = [{"expression": f"{of} IS NULL"}, {"column": shape.key, "order": "desc"}]
    plain = (
        f"CREATE INDEX {quoted(name)} ON {shape.relation} (({of} IS NULL), {quoted(shape.key)} DESC) "
        f"INCLUDE ({of}) WHERE {of} IS NOT NULL;"
    )
    entry = {"table": shape.relation, "name": name, "columns": keys, "include": [column.name]}
    return Drawn(
        entry={"create_index": {**entry, "where": f"{of} IS NOT NULL"}},
        plain=plain,
        shape=shape,
    )


def _drop_index(draw: st.DrawFn, shape: Shape, number: int) -> Drawn | None:
    if not shape.indexes:
        return None
    name = draw(st.sampled_from(shape.indexes))
    return Drawn(
        entry={"drop_index": {"name": name}},
        plain=f"DROP INDEX {quoted(name)};",
        shape=replace(shape, indexes=tuple(i for i in shape.indexes if i != name)),
    )


Kind = Callable[[st.DrawFn, Shape, int], Drawn | None]
KINDS: tuple[Kind, ...] = (
    _rename_column,
    _rename_column,
    _change_type,
    _change_type,
    _change_type_into,
    _change_type_into,
    _split_column,
    _split_column,
    _merge_columns,
    _merge_columns,
    _add_column,
    _add_column,
    _drop_column,
    _drop_column,
    _set_not_null,
    _set_not_null,
    _drop_not_null,
    _set_default,
    _drop_default,
    _set_comment,
    _set_statistics,
    _rename_key,
    _rename_table,
    _rename_constraint,
    _rename_index,
    _change_type_of_the_key,
    _add_enum_value,
    _add_check,
    _add_unique,
    _drop_constraint,
    _create_index,
    _drop_index,
)
