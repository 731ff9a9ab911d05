"""`set_identity`: a column becomes an identity column, another kind of one, or an ordinary one; its sequence's options.

expand    what lets every version write as it did: BY DEFAULT, with a sequence that goes on behind the greatest
          number there is, or the smallest where it counts down; the sequence's options
contract  ALWAYS, under which a version that writes numbers of its own fails; and, after `retain`, no identity at
          all: the sequence goes, and nothing brings it back as it was
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns.column_in_place import find
from crossfade.operations.columns.column_preflight import unproved
from crossfade.operations.indexes.chosen_names import relation_name
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.catalog import Identity, QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.columns.column_in_place import InPlace
    from crossfade.operations.step import Place
    from crossfade.plan.changes import SetIdentity
    from crossfade.plan.changes.set_identity import SequenceOptions
    from crossfade.postgres.catalog import Catalog, Sequence

_NUMBERED = frozenset({"int2", "int4", "int8"})


def compile_change(change: SetIdentity, place: Place, catalog: Catalog) -> Compiled:
    """The steps against a catalog; refusals instead where the column cannot be what is asked for."""
    target = find(change.table, change.column, place, catalog)
    if isinstance(target, tuple):
        return Compiled(refusals=target, catalog=catalog)
    refusals = tuple(_refusals(target, change))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    identity, steps, cautions = target.column.identity, list[Step](), list[Caution]()
    if identity is None:
        steps.append(_add(target, change.sequence))
        cautions.append(_numbers_of_old_versions(target))
        identity = Identity(always=False, sequence=_sequence_name(target))
    elif change.sequence is not None:
        steps.append(_options(target, identity, change.sequence))
    steps += _kind_steps(target, change, identity)
    left = None if change.generated == "never" else replace(identity, always=change.generated == "always")
    if change.generated is None:
        left = identity
    return Compiled(
        steps=tuple(steps),
        cautions=tuple(cautions),
        trials=() if change.sequence is None else (_trial(target, change.sequence),),
        catalog=target.changed(identity=left, sequences=tuple(_sequences(target, change.sequence))),
    )


def _sequences(target: InPlace, options: SequenceOptions | None) -> Iterator[Sequence]:
    """The column's sequences, and its identity's with its new options, as a later change of the plan finds them."""
    identity, given = target.column.identity, {} if options is None else options.model_dump(exclude_none=True)
    called = {"min_value": "minimum", "max_value": "maximum", "cycle": "cycles"}
    for sequence in target.column.sequences:
        if identity is not None and sequence.name == identity.sequence:
            yield replace(sequence, **{called.get(key, key): value for key, value in given.items()})
        else:
            yield sequence


def _refusals(target: InPlace, change: SetIdentity) -> Iterator[Refusal]:
    column, table = target.column, target.table
    identity = column.identity
    if len(target.family) > 1 or column.inherited_count:
        yield Refusal(
            code="unsupported_table",
            object=str(table.name),
            message="it has partitions or children, or is one; an identity there is each table's own.",
            instead="Change it by a statement of your own, in a maintenance window.",
        )
    elif identity is None and change.generated in (None, "never"):
        yield Refusal(
            code="not_identity",
            object=target.shown,
            message="it is no identity column.",
            instead="Give `generated: by default` or `always` to make it one, or take the change out of the plan.",
        )
    elif identity is None:
        yield from _cannot_become_one(target)
    elif change.sequence is None and identity.always == (change.generated == "always") and change.generated != "never":
        yield Refusal(
            code="nothing_to_do",
            object=target.shown,
            message=f"it is GENERATED {'ALWAYS' if identity.always else 'BY DEFAULT'} already.",
            instead="Take the change out of the plan.",
        )
    elif identity.sequence_options and change.sequence is not None and change.sequence.increment is not None:
        yield from _turned_round(target, identity, change.sequence.increment)


def _turned_round(target: InPlace, identity: Identity, increment: int) -> Iterator[Refusal]:
    if ("INCREMENT BY -" in identity.sequence_options) != (increment < 0):
        yield Refusal(
            code="sequence_turned_round",
            object=target.shown,
            message="its sequence would count back through the numbers that it has given.",
            instead="Make it an ordinary column first (`generated: never`), then an identity column that counts this "
            "way, in a plan of its own.",
        )


def _cannot_become_one(target: InPlace) -> Iterator[Refusal]:
    column = target.column
    leading = (i for i in target.table.indexes if i.valid and not i.partial and i.method == "btree" and i.columns)
    reasons = (
        (column.type_name.name not in _NUMBERED, "its type is no integer", "Change its type first: change_type."),
        (not column.not_null, "it may be NULL", "Make it NOT NULL first: set_not_null."),
        (
            column.default is not None,
            "it has a default",
            "An INSERT has to get its number from one place: drop_default first, in a plan of its own.",
        ),
        (column.generated is not None, "it is a generated column", "Make it an ordinary one first: set_generated."),
        (
            all(i.columns[0] != column.name for i in leading),
            "no index begins with it, by which its greatest number could be found while writes wait",
            "Create one first: create_index.",
        ),
    )
    yield from unproved(target.table, column.name)
    for stands, why, instead in reasons:
        if stands:
            yield Refusal(
                code="not_identity",
                object=target.shown,
                message=f"it cannot become an identity column: {why}.",
                instead=instead,
            )


def _sequence_name(target: InPlace) -> QualifiedName:
    """As PostgreSQL would call it by the names from contract on; it lies where the table does."""
    table, taken = target.table, target.catalog.relation_names
    named = QualifiedName(table.staged.schema, table.name.name)
    return QualifiedName(named.schema, relation_name(named, (target.column.name,), "seq", taken))


def _numbers_of_old_versions(target: InPlace) -> Caution:
    return Caution(
        code="own_numbers",
        object=target.shown,
        message="until no version writes numbers of its own any more, one of those may be a number that the sequence "
        "gives later, and that INSERT fails if the column is unique.",
    )


def _add(target: InPlace, options: SequenceOptions | None) -> Step:
    """The lock that ADD takes is kept until the sequence stands behind the numbers that there are."""
    relation = sql.Identifier(target.table.staged.schema, target.table.staged.name)
    return Step(
        id=target.place.id("identity"),
        part=Part.EXPAND,
        title=f"make {target.column.name} of {target.table.name} an identity column; numbers of old versions go on",
        statements=(
            target.alter_column(Part.EXPAND, _identity(f"{_named(target)} {_written(options)}".strip())),
            Statement(text=render(_behind(relation, target.column.staged, options))),
        ),
        undo=(target.alter_column(Part.EXPAND, sql.SQL("DROP IDENTITY IF EXISTS")),),
        done=target.done(Part.EXPAND, "attidentity <> ''"),
    )


def _named(target: InPlace) -> str:
    """The sequence's name, where it would get another one by the names until contract."""
    if target.table.until_contract is None and target.column.until_contract is None:
        return ""
    name = _sequence_name(target)
    return render(sql.SQL("SEQUENCE NAME {}").format(sql.Identifier(name.schema, name.name)))


def _identity(options: str) -> sql.Composable:
    inside = sql.SQL(f" ({options})" if options else "")
    return sql.SQL("ADD GENERATED BY DEFAULT AS IDENTITY{}").format(inside)


def _written(options: SequenceOptions | None) -> str:
    return "" if options is None else " ".join(render(clause) for clause in _clauses(options))


def _behind(relation: sql.Composable, column: str, options: SequenceOptions | None) -> sql.Composable:
    """The sequence goes on behind the greatest number, or the smallest where it counts down."""
    down = options is not None and (options.increment or 1) < 0
    bounds = () if options is None else (options.start, options.max_value if down else options.min_value)
    first = next((number for number in bounds if number is not None), -1 if down else 1)
    behind = "pg_catalog.min({0}) - 1" if down else "pg_catalog.max({0}) + 1"
    reached = "pg_catalog.min({0}) <= {1}" if down else "pg_catalog.max({0}) >= {1}"
    identifier = sql.Identifier(column)
    text = "SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence({}, {}), {}, false) FROM {} HAVING {}"
    return sql.SQL(text).format(
        sql.Literal(render(relation)),
        sql.Literal(column),
        sql.SQL(behind).format(identifier),
        relation,
        sql.SQL(reached).format(identifier, sql.Literal(first)),
    )


def _trial(target: InPlace, options: SequenceOptions) -> Trial:
    """The options on a sequence like its own; whether they fit the numbers that there are shows in expand alone."""
    column, before = sql.Identifier(target.column.name), target.column.identity
    actions = [sql.SQL("SET NOT NULL"), _identity(_written(options) if before is None else before.sequence_options)]
    if before is not None:
        actions.append(sql.SQL(" ").join(sql.SQL("SET {}").format(clause) for clause in _clauses(options)))
    alter = sql.SQL("ALTER TABLE {} ALTER COLUMN {} {}")
    return Trial(
        where=f"sequence of set_identity on {target.table.name}",
        shown=_written(options),
        columns=((target.column.name, target.column.type),),
        statement=render(sql.SQL("; ").join(alter.format(sql.SQL(TRIAL_TABLE), column, a) for a in actions)),
    )


def _kind_steps(target: InPlace, change: SetIdentity, identity: Identity) -> Iterator[Step]:
    always, by_default = sql.SQL("SET GENERATED ALWAYS"), sql.SQL("SET GENERATED BY DEFAULT")
    shown = f"{target.column.name} of {target.table.name}"
    if change.generated in ("by default", "never") and identity.always:
        yield Step(
            id=target.place.id("by_default"),
            part=Part.EXPAND,
            title=f"let every version write numbers of its own to {shown}",
            statements=(target.alter_column(Part.EXPAND, by_default),),
            undo=(target.alter_column(Part.EXPAND, always),),
            done=target.done(Part.EXPAND, "attidentity = 'd'"),
        )
    if change.generated == "always" and not identity.always:
        yield Step(
            id=target.place.id("always"),
            part=Part.HIDE,
            title=f"let the sequence alone give the numbers of {shown}",
            statements=(target.alter_column(Part.HIDE, always),),
            undo=(target.alter_column(Part.HIDE, by_default),),
            done=target.done(Part.HIDE, "attidentity = 'a'"),
        )
    if change.generated == "never":
        yield Step(
            id=target.place.id("ordinary"),
            part=Part.DROP,
            title=f"make {shown} an ordinary column; its sequence goes",
            statements=(target.alter_column(Part.DROP, sql.SQL("DROP IDENTITY IF EXISTS")),),
            done=target.done(Part.DROP, "attidentity = ''"),
        )


def _options(target: InPlace, identity: Identity, options: SequenceOptions) -> Step:
    sequence = sql.Identifier(identity.sequence.schema, identity.sequence.name)

    def alter(clauses: sql.Composable) -> Statement:
        return Statement(text=render(sql.SQL("ALTER SEQUENCE {} {}").format(sequence, clauses)))

    return Step(
        id=target.place.id("sequence"),
        part=Part.EXPAND,
        title=f"set how the sequence of {target.column.name} of {target.table.name} counts",
        statements=(alter(sql.SQL(_written(options))),),
        # A sequence that this run made goes with its column.
        undo=(alter(sql.SQL(identity.sequence_options)),) if identity.sequence_options else (),
        done="SELECT true",
    )


def _clauses(options: SequenceOptions) -> Iterator[sql.Composable]:
    for clause, number in (
        ("INCREMENT BY {}", options.increment),
        ("MINVALUE {}", options.min_value),
        ("MAXVALUE {}", options.max_value),
        ("START WITH {}", options.start),
        ("CACHE {}", options.cache),
    ):
        if number is not None:
            yield sql.SQL(clause).format(sql.Literal(number))
    if options.cycle is not None:
        yield sql.SQL("CYCLE" if options.cycle else "NO CYCLE")
