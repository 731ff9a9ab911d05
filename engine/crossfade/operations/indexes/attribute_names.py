"""What an index calls its columns: as the table's were called when it was built, for good, unless it is told otherwise.

PostgreSQL renames none of them with the table's. An index that is built over columns which have another name until
contract gets their names there, so that it is as one that was built afterwards. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.indexes.index_definition import staged_names
from crossfade.operations.step import Part, Step, Turn
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.indexes.index_definition import IndexDefinition
    from crossfade.operations.indexes.partition_indexes import Named
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Table
    from crossfade.postgres.names import QualifiedName

_LONGEST = 63


def changes(
    columns: Iterable[str | None], before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The names of an index's columns (None: an expression) that differ: what each is called, and is to be called.

    The mappings have the table's columns, by the name that `columns` has, where they are called otherwise.
    """
    seen: list[str | None] = []
    for column in columns:
        if column is not None:
            was, will = before.get(column, column), after.get(column, column)
            if was != will:
                yield _numbered(was, seen.count(column)), _numbered(will, seen.count(column))
        seen.append(column)


def _numbered(name: str, number: int) -> str:
    """A column that stands in an index twice has a number behind its name the second time."""
    if not number:
        return name
    room = _LONGEST - len(str(number))
    return f"{name.encode()[:room].decode(errors='ignore')}{number}"


def rename(index: QualifiedName, source: str, target: str) -> Statement:
    """One of an index's columns under another name; those of the indexes that are attached to it follow."""
    text = sql.SQL("ALTER TABLE {} RENAME COLUMN {} TO {}").format(
        sql.Identifier(index.schema, index.name), sql.Identifier(source), sql.Identifier(target)
    )
    return Statement(text=render(text))


def of_new(definition: IndexDefinition, table: Table) -> tuple[tuple[str, str], ...]:
    """What an index that the plan builds calls the table's columns, and is to call them once they have their names."""
    columns = (*(key.column for key in definition.keys), *definition.include)
    return tuple(changes(columns, staged_names(table), {}))


def at_contract(place: Place, definition: IndexDefinition, family: tuple[Named, ...]) -> Iterator[Step]:
    """The step in which an index that is there until then gets the names; none where it has them."""
    index = family[0].name
    names = of_new(definition, family[0].table)
    if names:
        _, last = names[-1]
        yield Step(
            id=place.id(f"columns/{index.name}"),
            part=Part.HIDE,
            turn=Turn.AFTER,
            title=f"let the columns of index {index} have the names of the table's",
            statements=tuple(rename(index, was, will) for was, will in names),
            undo=tuple(rename(index, will, was) for was, will in names),
            done=_has(index, last),
        )


def _has(index: QualifiedName, name: str) -> str:
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({}) "
            "AND attname = {})"
        ).format(sql.Literal(render(sql.Identifier(index.schema, index.name))), sql.Literal(name))
    )
