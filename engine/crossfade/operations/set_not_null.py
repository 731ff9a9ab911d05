"""`set_not_null`: a column becomes NOT NULL while an old version may go on leaving it empty.

    with `fill`, a constant   expand: a trigger fills what would be NULL; backfill fills the rows, then a CHECK is added
                              NOT VALID and validated, which no write can break; contract: NOT NULL, which it proves
    with another `fill`       the same, but the expression may give NULL or fail, so what stays NULL is counted, and the
                              CHECK waits for contract
    without                   counted only

Where an earlier change of the plan renames the column, both of its names are filled.

`SET NOT NULL` and dropping the CHECK are two statements: in one the proof is gone before it is looked at, and all rows
are read (measured on 15 and 18).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns import constant_value
from crossfade.operations.columns.column_preflight import no_column, unproved
from crossfade.operations.constraints import constraint_preflight, unvalidated
from crossfade.operations.constraints.unvalidated import Unvalidated
from crossfade.operations.step import Caution, Compiled, Part, RowFill, Step, Turn
from crossfade.operations.sync import fill_trigger, row_functions, row_triggers, watching
from crossfade.operations.sync.row_functions import RowFunction
from crossfade.operations.sync.row_triggers import RowTrigger
from crossfade.operations.sync.watching import Watched
from crossfade.operations.tables.table_preflight import family_of, staged_members
from crossfade.operations.trial import Trial
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import SetNotNull
    from crossfade.postgres.catalog import Catalog, Column, QualifiedName, Table

_FIRST_WITH_NAMED_NOT_NULL = 180000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """One column that becomes NOT NULL."""

    change: SetNotNull
    place: Place
    table: Table
    column: Column
    below: tuple[Table, ...]
    """The inheritance children, which need triggers of their own."""
    own: tuple[Table, ...]
    """The partitions and children that are NOT NULL already and would lose that on the way back."""

    @property
    def members(self) -> tuple[QualifiedName, ...]:
        """The tables with triggers, until contract."""
        return (self.table.staged, *(t.staged for t in self.below))

    @property
    def final_members(self) -> tuple[QualifiedName, ...]:
        """The same after contract."""
        return (self.table.name, *(t.name for t in self.below))

    def name(self, purpose: str) -> str:
        """A name of ours for this column."""
        return self.place.name(purpose, self.table.name.schema, self.table.name.name, self.column.name)

    @property
    def proof(self) -> str:
        """The name of the CHECK."""
        return self.name("nn")

    @property
    def fill(self) -> tuple[RowFunction, ...]:
        """What takes the place of NULL, if the plan says so."""
        if self.change.fill is None:
            return ()
        return tuple(row_functions.fixes(self.place, self.table, {self.column.name: self.change.fill}).values())

    @property
    def triggers(self) -> tuple[RowTrigger, RowTrigger]:
        """What fills."""
        empty = sql.SQL("NEW.{} IS NULL").format(sql.Identifier(self.column.staged))
        # By their names they fire behind what keeps the column equal to another.
        name, function = self.name("zfill"), self.name("filling")
        return (
            RowTrigger(name=f"~{name}_insert", event="INSERT", function=function, when=empty),
            RowTrigger(name=f"~{name}_update", event="UPDATE", function=function, when=empty),
        )

    def names(self, part: Part) -> tuple[str, ...]:
        """The columns that are filled, by the names that they have while steps of this part run."""
        column, shadow = self.column, self.column.shadow
        if part is Part.HIDE:
            return (column.name, shadow.hidden) if shadow else (column.name,)
        return (column.staged, shadow.until_contract) if shadow else (column.staged,)

    @property
    def watched(self) -> Watched:
        """What is counted."""
        return Watched(
            place=self.place,
            table=self.table,
            members=self.members,
            constraint=f"NOT NULL of {self.column.name}",
            columns=(self.column,),
            holds=sql.SQL("$1 IS NOT NULL"),
        )

    def alter(self, action: sql.Composable) -> Statement:
        """An ALTER TABLE of its table, after contract."""
        relation = sql.Identifier(self.table.name.schema, self.table.name.name)
        return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(relation, action)))


def compile_change(change: SetNotNull, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one column that becomes NOT NULL; refusals instead where it cannot."""
    table = constraint_preflight.find(change.table, catalog)
    if isinstance(table, tuple):
        return Compiled(refusals=table, catalog=catalog)
    column = table.column(change.column)
    if column is None:
        return Compiled(refusals=(no_column(table, change.column),), catalog=catalog)
    refusals = tuple(_refusals(change, table, column, catalog))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    below = tuple(staged_members(catalog, table))
    own = tuple(_lost_on_the_way_back(table, column, catalog))
    setting = _Setting(change=change, place=place, table=table, column=column, below=below, own=own)
    watched = () if change.always_fills else (setting.watched,)
    return Compiled(
        steps=(
            *_filling(setting),
            *(watching.begin(w) for w in watched),
            *_proof(setting),
            _set(setting),
            *(watching.end(w, setting.final_members) for w in watched),
            *_no_filling(setting),
        ),
        fills=tuple(_fills(setting)),
        watches=tuple(watching.watch(w) for w in watched),
        cautions=tuple(_referring(setting)),
        trials=tuple(_trials(setting)),
        catalog=catalog.with_table(_afterwards(setting)),
    )


def _lost_on_the_way_back(table: Table, column: Column, catalog: Catalog) -> Iterator[Table]:
    """Before PostgreSQL 18 nobody knows whose NOT NULL it is: DROP NOT NULL takes it from all that are below."""
    if catalog.server_version < _FIRST_WITH_NAMED_NOT_NULL:
        for member in family_of(table, catalog):
            own = member.column(column.name)
            if own is not None and own.not_null:
                yield member


def _refusals(change: SetNotNull, table: Table, column: Column, catalog: Catalog) -> Iterator[Refusal]:
    used = () if change.fill is None else change.fill.columns
    yield from constraint_preflight.new_constraint(table, "", (column.name, *used), catalog, ())
    yield from unproved(table, column.name)
    if table.never_null(column.name):
        yield Refusal(
            code="already_not_null",
            object=f"{table.name}.{column.name}",
            message="the column is NOT NULL already.",
            instead="Leave this change out.",
        )
    if change.fill is not None and column.work == "replaced" and column.shadow is None:
        yield Refusal(
            code="filled_twice",
            object=f"{table.name}.{column.name}",
            message="an earlier change of this plan makes its values out of others, and a row that `fill` gave one "
            "would not agree with those any more.",
            instead="Leave `fill` out, and let that change's `using` give a value where there is none: coalesce(…); or "
            "put this change into a plan of its own, after this one.",
        )
    if change.fill is not None:
        yield from fill_trigger.gives_nothing(f"{table.name}.{column.name}", change.fill)
        yield from constraint_preflight.moved(table, [column.name], "fill", catalog)
    if change.fill is not None and column.generated:
        yield Refusal(
            code="generated_column",
            object=f"{table.name}.{column.name}",
            message="it is a generated column; nothing can be written to it.",
            instead="Leave `fill` out.",
        )


def _trials(setting: _Setting) -> Iterator[Trial]:
    change, table, column = setting.change, setting.table, setting.column
    if change.fill is not None:
        checks = constant_value.checks_alone(table, column, setting.place, change.table, Part.EXPAND)
        for trial in row_functions.fix_trials(change.kind, "fill", table, {column.name: change.fill}):
            yield constant_value.tried(trial, column, change.fill, checks)


def _referring(setting: _Setting) -> Iterator[Caution]:
    fill, name = setting.change.fill, setting.column.name
    if fill is None or not fill.is_constant:
        return
    for key in setting.table.constraints:
        if key.kind == "foreign" and key.columns == (name,):
            yield Caution(
                code="fill_refers",
                object=f"constraint {key.name} on {setting.table.name}",
                message=f"`fill` makes {name} refer to the row {fill.text} of {key.referenced}. Where there is none, "
                "every write that leaves it NULL fails from expand on.",
            )


def _filling(setting: _Setting) -> Iterator[Step]:
    """From expand on no write leaves a NULL, as far as the expression gives a value."""
    for function in setting.fill:
        filling, plan = row_triggers.own_function(setting.name("filling")), setting.place.plan
        yield Step(
            id=setting.place.id("fill"),
            part=Part.EXPAND,
            turn=Turn.AFTER,
            title=f"fill {setting.column.name} of {setting.table.name} where a write leaves it NULL",
            statements=(
                *row_functions.create(setting.place, (function,)),
                _fill_function(setting, function),
                *row_triggers.close_function(plan, filling),
                *row_triggers.create(plan, setting.members, setting.triggers),
            ),
            undo=_filling_away(setting, setting.members),
            done=watching.function_exists(setting.name("filling")),
        )


def _fill_function(setting: _Setting, function: RowFunction) -> Statement:
    """What the trigger does; `fill` reads no column whose name changes hands."""
    value = function.call(sql.SQL("NEW.{}").format(sql.Identifier(c.staged)) for c in function.columns)
    filled = _filled(setting.names(Part.EXPAND), value)
    if setting.column.shadow is not None:
        # Names change hands in the middle of contract: what is assigned first has its name until there, and only then.
        filled = sql.SQL("BEGIN {} EXCEPTION WHEN undefined_column THEN {} END;").format(
            filled, _filled(setting.names(Part.HIDE), value)
        )
    body = sql.SQL("BEGIN BEGIN {} EXCEPTION WHEN OTHERS THEN NULL; END; RETURN NEW; END").format(filled)
    return row_triggers.replace_function(setting.name("filling"), body)


def _filled(columns: tuple[str, ...], value: sql.Composable) -> sql.Composable:
    """The first column gets the value, and the others what it has."""
    first, *others = (sql.SQL("NEW.{}").format(sql.Identifier(name)) for name in columns)
    return sql.SQL(" ").join(
        sql.SQL("{} := {};").format(column, given) for column, given in ((first, value), *((o, first) for o in others))
    )


def _filling_away(setting: _Setting, members: tuple[QualifiedName, ...]) -> tuple[Statement, ...]:
    return (
        *row_triggers.drop(members, setting.triggers),
        *row_triggers.drop_functions((row_triggers.own_function(setting.name("filling")),)),
        *row_functions.drop(setting.fill),
    )


def _no_filling(setting: _Setting) -> Iterator[Step]:
    if setting.fill:
        there = sql.SQL(watching.function_exists(setting.name("filling")))
        yield Step(
            id=setting.place.id("filled"),
            part=Part.DROP,
            title=f"fill {setting.column.name} of {setting.table.name} no more",
            statements=_filling_away(setting, setting.final_members),
            done=render(sql.SQL("SELECT NOT ({})").format(there)),
        )


def _fills(setting: _Setting) -> Iterator[RowFill]:
    for function in setting.fill:
        name = sql.Identifier(setting.column.staged)
        yield RowFill(
            id=setting.place.id("fill"),
            schema=setting.table.staged.schema,
            table=setting.table.staged.name,
            assignment=render(sql.SQL("{} = {}").format(name, function.of_row())),
            pending=render(sql.SQL("({} IS NULL)").format(name)),
            touched=(setting.column.staged,),
            stays=setting.change.always_fills,
        )


def _proof(setting: _Setting) -> Iterator[Step]:
    """The CHECK: at the end of backfill where no write can break it, else behind the gates."""
    if setting.change.always_fills:
        yield from _check(setting, Part.SEAL)
        yield from _own_back(setting)
        _, validate = _check(setting, Part.HIDE)
        yield replace(
            validate,
            id=setting.place.id("proof_back"),
            title=f"nothing now; on the way back prove that {setting.column.name} of {setting.table.name} has no NULL",
            statements=(),
            undo=validate.statements,
            done="SELECT true",
        )
    else:
        add, validate = _check(setting, Part.HIDE)
        back = validate.statements if setting.own else ()
        yield from (add, *_own_back(setting), replace(validate, undo=back))


def _own_back(setting: _Setting) -> Iterator[Step]:
    """Taken back once the CHECK is validated again, which proves it."""
    name = sql.Identifier(setting.column.name)
    text = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL")
    if setting.own:
        yield Step(
            id=setting.place.id("own_back"),
            part=Part.HIDE,
            turn=Turn.AFTER,
            title=f"nothing now; on the way back let {', '.join(str(t.name) for t in setting.own)} keep NOT NULL of "
            f"{setting.column.name}",
            statements=(),
            undo=tuple(
                Statement(text=render(text.format(sql.Identifier(t.name.schema, t.name.name), name)))
                for t in setting.own
            ),
            done="SELECT true",
        )


def _check(setting: _Setting, part: Part) -> tuple[Step, Step]:
    table, column = setting.table, setting.column
    proof = Unvalidated(
        table=table if part is Part.HIDE else replace(table, name=table.staged),
        name=setting.proof,
        definition=sql.SQL("CHECK ({} IS NOT NULL)").format(sql.Identifier(setting.names(part)[0])),
        id=f"proof/{column.name}",
        comment=setting.place.mark,
        part=part,
    )
    add, validate = unvalidated.steps(setting.place, proof)
    return replace(add, turn=Turn.AFTER), replace(validate, turn=Turn.AFTER)


def _set(setting: _Setting) -> Step:
    column, proof = sql.Identifier(setting.column.name), sql.Identifier(setting.proof)
    again = sql.SQL("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID").format(proof, column)
    relation = sql.Literal(render(sql.Identifier(setting.table.name.schema, setting.table.name.name)))
    probe = sql.SQL(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({}) "
        "AND attname = {} AND attnotnull)"
    )
    return Step(
        id=setting.place.id("not_null"),
        part=Part.HIDE,
        turn=Turn.AFTER,
        title=f"make {setting.column.name} of {setting.table.name} NOT NULL, which the validated CHECK proves",
        statements=(
            setting.alter(sql.SQL("ALTER COLUMN {} SET NOT NULL").format(column)),
            setting.alter(sql.SQL("DROP CONSTRAINT {}").format(proof)),
        ),
        undo=(
            setting.alter(sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(column)),
            setting.alter(again),
            *unvalidated.comment_on(setting.table, setting.proof, setting.place.mark),
        ),
        done=render(probe.format(relation, sql.Literal(setting.column.name))),
    )


def _afterwards(setting: _Setting) -> Table:
    table = constraint_preflight.in_work(setting.table, [setting.column.name])
    columns = (replace(c, not_null=True) if c.name == setting.column.name else c for c in table.columns)
    return replace(table, columns=tuple(columns))
