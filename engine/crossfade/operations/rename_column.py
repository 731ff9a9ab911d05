"""`rename_column`: a column gets another name while both versions of the app keep working.

    expand    a twin column under the new name, and triggers that keep the two equal
    backfill  old rows are filled; the column's indexes are built over the twin; planner statistics
    contract  hide: in one transaction the twin steps aside under a name of ours and the column itself is renamed;
              the triggers go on, so that the hidden twin stays in step and `revert` only renames back
              drop: the twin and the triggers go

Since it is the original column that ends up under the new name, whatever hangs on it (constraints, identity, sequences,
foreign keys in both directions, views, policies, generated columns, publications, comments, rights, statistics, its
place in the table) is afterwards exactly what a plain RENAME COLUMN leaves. While both names are served the original
enforces every constraint for both, because the triggers run before constraints are checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations import rename_column_alias
from crossfade.operations.columns import rename_preflight
from crossfade.operations.indexes import index_build, index_copy
from crossfade.operations.step import Compiled, Dropped, Part, RowChange, Step
from crossfade.operations.sync import column_sync, constants, sameness
from crossfade.operations.sync.plan_defaults import readable
from crossfade.operations.tables.table_preflight import descendants_by_inheritance, family_of
from crossfade.postgres.catalog import Shadow
from crossfade.postgres.own_names import mark
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.operations.sync.column_sync import Pair
    from crossfade.plan.changes import RenameColumn
    from crossfade.postgres.catalog import Catalog, Column, Table


@dataclass(frozen=True, slots=True)
class _Rename:
    """What all the steps need: the change against its catalog."""

    place: Place
    pair: Pair
    table: Table
    column: Column
    catalog: Catalog

    @property
    def hidden(self) -> str:
        """The twin's name once it has stepped aside."""
        return self.pair.name("twin")

    @property
    def relation(self) -> sql.Identifier:
        """The table, for SQL."""
        return sql.Identifier(self.table.name.schema, self.table.name.name)

    def alter(self, action: sql.Composable) -> Statement:
        """An ALTER TABLE of the table."""
        return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(self.relation, action)))

    def rename(self, source: str, target: str) -> Statement:
        """Give one column another name."""
        return self.alter(sql.SQL("RENAME COLUMN {} TO {}").format(sql.Identifier(source), sql.Identifier(target)))


def compile_change(change: RenameColumn, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one rename against a catalog; refusals instead where it cannot be done."""
    if change.strategy == "alias":
        return rename_column_alias.compile_change(change, place, catalog)
    table = catalog.resolve(change.table.schema, change.table.name)
    refusals, cautions = rename_preflight.check(change, table, catalog)
    column = table.column(change.from_) if table else None
    if table is None or column is None:
        return Compiled(refusals=refusals, cautions=cautions, catalog=catalog)
    pair = _pair(change, place.plan, table, column, catalog)
    rename = _Rename(place=place, pair=pair, table=table, column=column, catalog=catalog)
    steps = (_add_twin(rename), *_index_steps(rename), _analyze(rename))
    return Compiled(
        steps=(*steps, _hide(rename), _drop(rename)),
        rows=(_rows(rename),),
        refusals=refusals,
        cautions=cautions,
        catalog=_afterwards(rename),
    )


def _pair(change: RenameColumn, plan: str, table: Table, column: Column, catalog: Catalog) -> Pair:
    default = column.default
    constant = default is not None and constants.is_constant(default.expression)
    generated = column.identity is not None or (default is not None and not constant)
    return column_sync.Pair(
        plan=plan,
        table=table.name,
        members=(table.name, *descendants_by_inheritance(catalog, table)),
        old=change.from_,
        new=change.to,
        type=column.type,
        exact=sameness.is_exact(column),
        default=None if generated else default,
        volatile_default=generated,
        nullable=not column.not_null,
    )


def _add_twin(rename: _Rename) -> Step:
    pair, column, new = rename.pair, rename.column, sql.Identifier(rename.pair.new)
    statements = [rename.alter(sql.SQL("ADD COLUMN {} {}").format(new, _type(column)))]
    statements += _default(rename)
    statements += [rename.alter(sql.SQL("ALTER COLUMN {} {}").format(new, a)) for a in _attributes(column)]
    statements.append(
        Statement(
            text=render(
                sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(rename.relation, new, sql.Literal(mark(pair.plan)))
            )
        )
    )
    statements += _grants(rename)
    statements += column_sync.create(pair)
    return Step(
        id=rename.place.id("add"),
        part=Part.EXPAND,
        title=f"add {pair.new} beside {pair.old} on {rename.table.name}, kept equal by triggers",
        statements=tuple(statements),
        undo=(
            *column_sync.drop(pair),
            rename.alter(sql.SQL("DROP COLUMN IF EXISTS {}").format(new)),
        ),
        done=_column_exists(rename, pair.new),
    )


def _type(column: Column) -> sql.Composable:
    text = sql.SQL(column.type)
    if column.collation is None:
        return text
    return sql.SQL("{} COLLATE {}").format(text, sql.Identifier(column.collation.schema, column.collation.name))


def _default(rename: _Rename) -> Iterator[Statement]:
    """Set after ADD COLUMN, so that rows of before are NULL and not "filled" with a default."""
    pair = rename.pair
    if pair.shares_default and pair.default is not None:
        text = sql.SQL("ALTER COLUMN {} SET DEFAULT {}")
        given = rename.alter(text.format(sql.Identifier(pair.new), sql.SQL(pair.default.expression)))
        yield from readable((given,), pair.default)


def _attributes(column: Column) -> Iterator[sql.Composable]:
    """ALTER COLUMN actions that give the twin what matters to its users and to the planner."""
    if not column.storage_is_default:
        yield sql.SQL("SET STORAGE {}").format(sql.SQL(column.storage.upper()))
    if column.compression is not None:
        yield sql.SQL("SET COMPRESSION {}").format(sql.SQL(column.compression))
    if column.statistics_target is not None:
        yield sql.SQL("SET STATISTICS {}").format(sql.Literal(column.statistics_target))
    if column.options:
        options = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
            for name, _, value in (o.partition("=") for o in column.options)
        )
        yield sql.SQL("SET ({})").format(options)


def _grants(rename: _Rename) -> Iterator[Statement]:
    for right in rename.column.privileges:
        grantee = sql.SQL("PUBLIC") if right.grantee is None else sql.Identifier(right.grantee)
        yield Statement(
            text=render(
                sql.SQL("GRANT {} ({}) ON TABLE {} TO {}{}").format(
                    sql.SQL(right.privilege),
                    sql.Identifier(rename.pair.new),
                    rename.relation,
                    grantee,
                    sql.SQL(" WITH GRANT OPTION" if right.grantable else ""),
                )
            )
        )


def _index_steps(rename: _Rename) -> Iterator[Step]:
    pair = rename.pair
    lax = index_copy.deferrable(rename.table)
    copied = index_copy.copies(pair.plan, rename.table, {pair.old: pair.new}, rename.catalog, lax=lax)
    return index_build.steps(rename.place, index_copy.builds(pair.plan, copied), Part.SEAL)


def _rows(rename: _Rename) -> RowChange:
    pair, name = rename.pair, rename.table.name
    return RowChange(
        id=rename.place.id("rows"),
        schema=name.schema,
        table=name.name,
        old=(pair.old,),
        new=(pair.new,),
        assignment=render(sql.SQL("{} = {}").format(sql.Identifier(pair.new), sql.Identifier(pair.old))),
        pending=render(column_sync.pending_rows(pair)),
        dropped=(Dropped(column=pair.new, hidden=rename.hidden, kept=pair.old, renamed=pair.new, gone=pair.old),),
        triggers=column_sync.in_place(pair),
        inserts_visible=not pair.volatile_default,
        behind=render(sameness.differs(sql.Identifier(pair.new), sql.Identifier(rename.hidden), exact=pair.exact)),
    )


def _analyze(rename: _Rename) -> Step:
    """Without statistics the planner would guess at the twin, and at the expressions of its indexes."""
    name = rename.table.name
    return Step(
        id=rename.place.id("analyze"),
        part=Part.SEAL,
        title=f"gather planner statistics of {rename.pair.new}",
        statements=(Statement(text=render(sql.SQL("ANALYZE {}").format(rename.relation))),),
        transactional=False,
        done=render(
            sql.SQL(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_stats "
                "WHERE schemaname = {} AND tablename = {} AND attname = {})"
            ).format(sql.Literal(name.schema), sql.Literal(name.name), sql.Literal(rename.pair.new))
        ),
    )


def _hide(rename: _Rename) -> Step:
    pair = rename.pair
    return Step(
        id=rename.place.id("hide"),
        part=Part.HIDE,
        title=f"rename {pair.old} to {pair.new} on {rename.table.name}; the twin steps aside, still in step",
        statements=(
            rename.rename(pair.new, rename.hidden),
            rename.rename(pair.old, pair.new),
            *column_sync.functions(pair, old=pair.new, new=rename.hidden, noting=False),
        ),
        undo=(
            rename.rename(pair.new, pair.old),
            rename.rename(rename.hidden, pair.new),
            *column_sync.functions(pair, old=pair.old, new=pair.new),
        ),
        done=_column_exists(rename, rename.hidden),
    )


def _drop(rename: _Rename) -> Step:
    pair = rename.pair
    exists = _column_exists(rename, rename.hidden)
    return Step(
        id=rename.place.id("drop"),
        part=Part.DROP,
        title=f"drop the hidden twin of {pair.new} on {rename.table.name}, with its indexes and triggers",
        statements=(
            *column_sync.drop(pair),
            rename.alter(sql.SQL("DROP COLUMN IF EXISTS {}").format(sql.Identifier(rename.hidden))),
        ),
        done=render(sql.SQL("SELECT NOT ({})").format(sql.SQL(exists))),
    )


def _column_exists(rename: _Rename, column: str) -> str:
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({}) "
            "AND attname = {} AND NOT attisdropped)"
        ).format(sql.Literal(render(rename.relation)), sql.Literal(column))
    )


def _afterwards(rename: _Rename) -> Catalog:
    """The catalog with the column renamed throughout the table's family."""
    catalog = rename.catalog
    for table in family_of(rename.table, catalog):
        catalog = catalog.with_table(_renamed(table, rename))
    return catalog


def _renamed(table: Table, rename: _Rename) -> Table:
    pair = rename.pair
    shadow = Shadow(until_contract=pair.new, hidden=rename.hidden)

    def name(column: str) -> str:
        return pair.new if column == pair.old else column

    return replace(
        table,
        columns=tuple(
            replace(c, name=pair.new, until_contract=pair.old, work="replaced", shadow=shadow)
            if c.name == pair.old
            else c
            for c in table.columns
        ),
        constraints=tuple(replace(c, columns=tuple(name(k) for k in c.columns)) for c in table.constraints),
        indexes=tuple(
            replace(
                i,
                columns=tuple(None if k is None else name(k) for k in i.columns),
                references=frozenset(name(k) for k in i.references),
                definition=index_copy.over_twins(i, {pair.old: pair.new}, frozenset())
                if pair.old in i.references
                else i.definition,
            )
            for i in table.indexes
        ),
    )
