"""Random tables: columns of many types under odd names, and what stands on them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from .shapes import FACTS, Column, Shape, View, quoted

ROWS = 30
"""Before the run; every fact of row n is that of `first_fact`."""
LONG = "a_name_of_sixty_two_bytes_with_a_prefix_that_two_names_have_so"
NAMES = ("email", "Name", "select", "größe", "a b", 'quo"te', "it's", LONG + "a", LONG + "b", "value", "user")
KINDS = (
    ("int", "{0}", 1),
    ("int", "{0}", 1),
    ("bigint", "{0}", 1),
    ("smallint", "{0}", 1),
    ("numeric(12,2)", "{0}.00", 1),
    ("text", "w{0}", 1),
    ("text", "w{0} w{1}", 2),
    ("text", "w{0} w{1}", 2),
    ("varchar(40)", "w{0} w{1}", 2),
    ("varchar(40)", "w{0}", 1),
    ("date", "2020-01-{0}", 1),
    ("uuid", "00000000-0000-0000-0000-0000000000{0}", 1),
    ("jsonb", '{{"a": {0}}}', 1),
    ("mood", "m{0}", 1),
)
"""Types with the template of their values and how many facts these hold."""
MOODS = ", ".join(f"'m{number}'" for number in FACTS)


def first_fact(row: int, fact: str) -> int:
    """What a row of the beginning holds."""
    return FACTS[(row * 7 + sum(fact.encode())) % len(FACTS)]


@dataclass(frozen=True, slots=True)
class Table:
    """A table before the run."""

    shape: Shape
    setup: str
    """Without its rows."""


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table with up to five columns besides its key, partitioned or not, with a view on top or not."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=5, unique=True))
    columns = tuple(_column(draw, name, f"f{n}") for n, name in enumerate(names))
    shape = Shape(
        table=draw(st.sampled_from(("things", "Order"))),
        key=draw(st.sampled_from(("id", "Key"))),
        columns=columns,
        partitioned=draw(st.booleans()),
    )
    lines = [f"CREATE TYPE mood AS ENUM ({MOODS});", *_create(shape)]
    checks, indexes = [], []
    for number, column in enumerate(columns):
        lines += _on_column(draw, shape, column)
        lines += (check := _check(draw, shape, column, f"check_{number}"))
        checks += [f"check_{number}"] if check else []
        lines += (index := _index(draw, shape, column, f"index_{number}"))
        indexes += [f"index_{number}"] if index else []
    shape = replace(shape, view=_view(draw, shape), checks=tuple(checks), indexes=tuple(indexes))
    lines.append(shape.create_view())
    return Table(shape=shape, setup="\n".join(lines))


def _column(draw: st.DrawFn, name: str, fact: str) -> Column:
    type_, template, count = draw(st.sampled_from(KINDS))
    default = draw(st.sampled_from((None, None, 11, 22)))
    return Column(
        name=name,
        type=type_,
        template=template,
        facts=tuple(f"{fact}.{n}" for n in range(count)),
        nullable=draw(st.booleans()),
        default=None if default is None else (default,) * count,
    )


def _create(shape: Shape) -> list[str]:
    columns = ", ".join((f"{quoted(shape.key)} int PRIMARY KEY", *(c.definition for c in shape.columns)))
    if not shape.partitioned:
        return [f"CREATE TABLE {shape.relation} ({columns});"]
    return [
        f"CREATE TABLE {shape.relation} ({columns}) PARTITION BY RANGE ({quoted(shape.key)});",
        f"CREATE TABLE part_low PARTITION OF {shape.relation} FOR VALUES FROM (MINVALUE) TO (12);",
        f"CREATE TABLE part_high PARTITION OF {shape.relation} DEFAULT;",
    ]


def _on_column(draw: st.DrawFn, shape: Shape, column: Column) -> list[str]:
    where = f"{shape.relation}.{quoted(column.name)}"
    both = f"{quoted(column.name)}, {quoted(shape.key)}"
    possible = (
        "",
        "",
        f"COMMENT ON COLUMN {where} IS 'what is in it';",
        f"ALTER TABLE {shape.relation} ALTER {quoted(column.name)} SET STATISTICS 50;",
        f"CREATE STATISTICS stats_{column.facts[0][:2]} ON {both} FROM {shape.relation};",
    )
    return [draw(st.sampled_from(possible))]


def _check(draw: st.DrawFn, shape: Shape, column: Column, name: str) -> list[str]:
    expression = draw(
        st.sampled_from(
            (
                "",
                "",
                "length({0}::text) < 100",
                "{0} IS NULL OR {0}::text <> 'email'",
                "{0} IS NOT NULL OR {1} IS NOT NULL",
            )
        )
    )
    if not expression:
        return []
    condition = expression.format(quoted(column.name), quoted(shape.key))
    return [f"ALTER TABLE {shape.relation} ADD CONSTRAINT {name} CHECK ({condition});"]


def _index(draw: st.DrawFn, shape: Shape, column: Column, name: str) -> list[str]:
    keys = draw(
        st.sampled_from(
            (
                "",
                "",
                "INDEX {2} ON {3} ({0})",
                "INDEX {2} ON {3} ({0} DESC NULLS LAST, {1}) WHERE {0} IS NOT NULL",
                "INDEX {2} ON {3} ({1}) INCLUDE ({0})",
                "UNIQUE INDEX {2} ON {3} ({0}, {1})",
                "INDEX {2} ON {3} (({0} IS NULL), {1}) WITH (fillfactor = 70)",
                "INDEX {2} ON {3} (({0} IS NULL), {1}) WHERE {0} IS NOT NULL AND {1} <> 7",
            )
        )
    )
    if not keys:
        return []
    return [f"CREATE {keys.format(quoted(column.name), quoted(shape.key), name, shape.relation)};"]


def _view(draw: st.DrawFn, shape: Shape) -> View | None:
    if not draw(st.booleans()):
        return None
    of = draw(st.lists(st.sampled_from([c.name for c in shape.columns]), min_size=1, max_size=2, unique=True))
    columns = ((f"of {number}", name) for number, name in enumerate(of))
    return View(name="on_top", columns=(("key", shape.key), *columns), condition=of[0])
