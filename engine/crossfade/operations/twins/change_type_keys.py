"""`change_type` of a key with everything that references it: int → bigint for a primary key and its foreign keys.

Each table is an exchange of its own (`exchange`), with a twin beside every column that gets the type; what is between
the tables is here:

    contract  one transaction takes the foreign keys between them away, exchanges the columns of every table, and adds
              the foreign keys again, NOT VALID; then they are validated while everybody goes on
    revert    the same the other way

Until contract the old foreign keys hold, and the twins follow; so what is validated afterwards is known to be right,
and the new ones hold for every write from the first. A primary key takes its index along when it goes, and the foreign
keys that need the index before it, so both cannot be there at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.columns.column_preflight import right_refusals
from crossfade.operations.constraints import foreign_key_copy
from crossfade.operations.constraints.foreign_key_copy import ForeignKeyCopy, over_columns
from crossfade.operations.step import Caution, Compiled, Part, Step, Turn
from crossfade.operations.sync import conversions, sameness
from crossfade.operations.sync.shape_sync import Conversion, ShapeSync
from crossfade.operations.tables.table_preflight import descendants_by_inheritance
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.operations.twins import carrying, exchange_preflight, key_references
from crossfade.operations.twins.exchange import Exchange, Exchanged, Twin, exchange_steps
from crossfade.operations.twins.type_twin import assigned, family_afterwards, same_name, twin_of
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.step import Place
    from crossfade.operations.twins.key_references import Followed, Reference
    from crossfade.postgres.catalog import Catalog, Column, DataType, QualifiedName, Table


@dataclass(frozen=True, slots=True)
class Key:
    """The column that the plan names, and its type to be."""

    table: Table
    column: Column
    type: DataType


def compile_keys(key: Key, place: Place, catalog: Catalog) -> Compiled:
    """The steps for the key and all that follows it; refusals instead where it cannot be done."""
    followed = key_references.follow(key.table, key.column, key.type, catalog)
    if followed.refusals:
        return Compiled(refusals=tuple(followed.refusals), catalog=catalog)
    exchanges = tuple(
        _exchange(name, columns, key, place, followed, catalog) for name, columns in followed.columns.items()
    )
    checked = tuple(exchange_preflight.check(exchange) for exchange in exchanges)
    made = tuple(exchange_steps(e, _sync(e), carrying.carried(e)) for e in exchanges)
    between = tuple(_users(reference, catalog) for reference in followed.references)
    for exchange in exchanges:
        for twin in exchange.twins:
            catalog = family_afterwards(catalog, exchange.table, twin)
    return Compiled(
        steps=_together(place, made, between),
        rows=tuple(r for m in made for r in m.rows),
        refusals=(
            *(r for refusals, _ in checked for r in refusals),
            *(r for m in made for r in m.refusals),
            *_rights(followed),
        ),
        cautions=(*(c for _, cautions in checked for c in cautions), *_cautions(key, exchanges, made)),
        trials=(*(t for e in exchanges for t in _trials(e)), *(t for m in made for t in m.trials)),
        catalog=catalog,
    )


def _rights(followed: Followed) -> Iterator[Refusal]:
    """Tables of which only the foreign key is made anew."""
    tables = {r.table.name: r.table for r in followed.references if r.table.name not in followed.columns}
    for table in tables.values():
        yield from right_refusals((table,))


def _exchange(
    name: QualifiedName, columns: tuple[str, ...], key: Key, place: Place, followed: Followed, catalog: Catalog
) -> Exchange:
    table = catalog.table(name)
    assert table is not None
    return Exchange(
        place=replace(place, table=str(name)),
        table=table,
        catalog=catalog,
        twins=tuple(twin_of(c, table, key.type, place) for c in table.columns if c.name in columns),
        followed=frozenset(r.key.name for r in followed.references if r.table.name == name),
        with_references=True,
    )


def _sync(exchange: Exchange) -> ShapeSync:
    table = exchange.table
    new = tuple(
        _assigned(
            t.name,
            t.type.spelling,
            t.column.name,
            exact=sameness.is_exact_type(t.type),
            fallible=t.type.constrained or not _never_fails(t),
        )
        for t in exchange.twins
    )
    old = tuple(
        _assigned(
            t.column.name,
            t.column.type,
            t.name,
            exact=sameness.is_exact(t.column),
            fallible=not t.keeps_null_out,
        )
        for t in exchange.twins
    )
    return ShapeSync(
        place=exchange.place,
        table=table.name,
        members=(table.name, *descendants_by_inheritance(exchange.catalog, table)),
        types={c.name: c.type for c in table.columns} | {t.name: t.type.spelling for t in exchange.twins},
        old=old,
        new=new,
        told_apart=False,
        lossless=all(_loses_nothing(t) for t in exchange.twins) and all(c.exact for c in (*new, *old)),
    )


def _assigned(column: str, spelling: str, source: str, *, exact: bool, fallible: bool) -> Conversion:
    return Conversion(column=column, type=spelling, exact=exact, source=(source,), fallible=fallible)


def _never_fails(twin: Twin) -> bool:
    return conversions.never_fails(twin.column.base_type, twin.type.base, modified="(" in twin.type.spelling)


def _loses_nothing(twin: Twin) -> bool:
    return conversions.loses_nothing(twin.column.base_type, twin.type.base, modified="(" in twin.type.spelling)


def _cautions(key: Key, exchanges: tuple[Exchange, ...], made: tuple[Exchanged, ...]) -> Iterator[Caution]:
    for exchange in exchanges:
        for twin in exchange.twins:
            column = f"{exchange.table.name}.{twin.column.name}"
            if (exchange.table.name, twin.column.name) != (key.table.name, key.column.name):
                yield Caution(
                    code="followed",
                    object=column,
                    message=f"it references {key.table.name}.{key.column.name}, itself or through others, and becomes "
                    f"{twin.type.spelling} with it; its rows are written once.",
                )
            yield from same_name(twin, exchange.table)
    yield from (c for m in made for c in m.cautions)


def _trials(exchange: Exchange) -> Iterator[Trial]:
    """Each assignment, both ways, on an empty table with both columns."""
    columns = tuple((c.name, c.type) for c in exchange.table.columns)
    for twin in exchange.twins:
        for target, source in ((twin.name, twin.column.name), (twin.column.name, twin.name)):
            yield Trial(
                where=f"change_type on {exchange.table.name}",
                shown=assigned(twin, twin.column, back=source == twin.name),
                called=((twin.name, twin.column.name),),
                columns=(*columns, (twin.name, twin.type.spelling)),
                statement=render(
                    sql.SQL("UPDATE {} SET {} = {}").format(
                        sql.SQL(TRIAL_TABLE), sql.Identifier(target), sql.Identifier(source)
                    )
                ),
            )


def _users(reference: Reference, catalog: Catalog) -> ForeignKeyCopy:
    """The foreign key as it is before and afterwards: its columns keep their names."""
    key = reference.key
    return ForeignKeyCopy(
        table=reference.table,
        name=key.name,
        definition=over_columns(key.definition, {}, {}),
        validated=key.validated,
        comment=key.comment,
        catalog=catalog,
        target=reference.target,
    )


def _together(place: Place, made: tuple[Exchanged, ...], between: tuple[ForeignKeyCopy, ...]) -> tuple[Step, ...]:
    """The steps of all tables, with one that hides in place of one for each."""
    steps = tuple(s for m in made for s in m.steps)
    hides = tuple(s for s in steps if s.part is Part.HIDE and s.turn is Turn.AMONG)
    return (
        *(s for s in steps if s.part is Part.EXPAND),
        *(s for s in steps if s.part is Part.SEAL),
        *(s for s in steps if s.part is Part.HIDE and s.turn is Turn.BEFORE),
        *(s for key in between for s in _validated_back(place, key)),
        _hide(place, hides, between),
        *(s for s in steps if s.part is Part.HIDE and s.turn is Turn.AFTER),
        *(s for key in between for s in _validated(place, key)),
        *(s for s in steps if s.part is Part.DROP),
    )


def _hide(place: Place, hides: tuple[Step, ...], between: tuple[ForeignKeyCopy, ...]) -> Step:
    """All tables in one transaction, in which the foreign keys between them go first and come last."""
    gone = tuple(s for key in between for s in foreign_key_copy.drop(key))
    made = tuple(s for key in between for s in foreign_key_copy.add(key))
    return Step(
        id=place.id("hide"),
        part=Part.HIDE,
        title="; ".join(s.title for s in hides),
        statements=(*gone, *(s for hide in hides for s in hide.statements), *made),
        undo=(*gone, *(s for hide in reversed(hides) for s in hide.undo), *made),
        done=hides[0].done,
    )


def _validated(place: Place, key: ForeignKeyCopy) -> Iterator[Step]:
    """Afterwards, while everybody goes on."""
    if key.validated:
        _, *others = foreign_key_copy.steps(place, key, f"reference/{key.table.name}/{key.name}", Part.HIDE)
        yield from (replace(step, turn=Turn.AFTER) for step in others)


def _validated_back(place: Place, key: ForeignKeyCopy) -> Iterator[Step]:
    """The same on the way back: steps that do nothing until they are taken back, the last one first."""
    if not key.validated:
        return
    validate = (("validate", "validate, while everybody goes on,", s) for s in foreign_key_copy.validate(key))
    take_up = (("take_up", "make", s) for s in foreign_key_copy.take_up(key)[:1])
    for number, (what, words, statement) in enumerate((*take_up, *validate), start=1):
        yield Step(
            id=place.id(f"back/{key.table.name}/{key.name}/{what}/{number}"),
            part=Part.HIDE,
            turn=Turn.BEFORE,
            title=f"nothing now; on the way back {words} foreign key {key.name} of {key.table.name}",
            statements=(),
            undo=(statement,),
            done="SELECT true",
        )
