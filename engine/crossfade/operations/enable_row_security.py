"""`enable_row_security`: policies say from contract on which rows a role may see and write.

An old version may need the rows that a policy keeps from it, so everything belongs to contract, behind the gates; the
policies come with it in one transaction. Roles that own the table or have BYPASSRLS are not asked, unless it is forced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.tables.ownership import owner_refusals
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import EnableRowSecurity
    from crossfade.plan.changes.enable_row_security import NewPolicy
    from crossfade.postgres.catalog import Catalog, Table

_COMMANDS = {word: sql.SQL(word.upper()) for word in ("all", "select", "insert", "update", "delete")}


def compile_change(change: EnableRowSecurity, place: Place, catalog: Catalog) -> Compiled:
    """The step of one change against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    refusals = (*owner_refusals((table,)), *_refusals(change, table))
    return Compiled(
        steps=(_step(change, place, table),),
        refusals=refusals,
        cautions=tuple(_cautions(change, table)),
        trials=tuple(_trial(policy, table) for policy in change.policies),
        catalog=catalog.with_table(_secured(change, table)),
    )


def _secured(change: EnableRowSecurity, table: Table) -> Table:
    return replace(
        table,
        row_security=True,
        force_row_security=table.force_row_security or change.force,
        policies=tuple(sorted({*table.policies, *(p.name for p in change.policies)})),
    )


def _step(change: EnableRowSecurity, place: Place, table: Table) -> Step:
    relation = identifier(table.name)
    do = [_create(policy, relation) for policy in change.policies]
    undo = [sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(sql.Identifier(p.name), relation) for p in change.policies]
    for word, back, is_new in (
        ("FORCE", "NO FORCE", change.force and not table.force_row_security),
        ("ENABLE", "DISABLE", not table.row_security),
    ):
        if is_new:
            do.append(sql.SQL("ALTER TABLE {} {} ROW LEVEL SECURITY").format(relation, sql.SQL(word)))
            undo.insert(0, sql.SQL("ALTER TABLE {} {} ROW LEVEL SECURITY").format(relation, sql.SQL(back)))
    return Step(
        id=place.id("enable"),
        part=Part.HIDE,
        title=f"let policies say who sees which rows of {table.name}",
        statements=(USERS_PATH, *(Statement(text=render(text)) for text in do), OUR_PATH),
        undo=tuple(Statement(text=render(text)) for text in undo),
        done=_done(change, table),
    )


def _create(policy: NewPolicy, relation: sql.Composable) -> sql.Composed:
    parts: list[sql.Composable] = [sql.SQL("CREATE POLICY {} ON {}").format(sql.Identifier(policy.name), relation)]
    if policy.restrictive:
        parts.append(sql.SQL("AS RESTRICTIVE"))
    parts.append(sql.SQL("FOR {}").format(_COMMANDS[policy.for_]))
    if policy.to:
        parts.append(sql.SQL("TO {}").format(sql.SQL(", ").join(map(sql.Identifier, policy.to))))
    if policy.using is not None:
        parts.append(sql.SQL("USING ({})").format(sql.SQL(policy.using.sql)))
    if policy.check is not None:
        parts.append(sql.SQL("WITH CHECK ({})").format(sql.SQL(policy.check.sql)))
    return sql.SQL(" ").join(parts)


def _done(change: EnableRowSecurity, table: Table) -> str:
    text = sql.SQL(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass({}) "
        "AND c.relrowsecurity AND (c.relforcerowsecurity OR NOT {}) AND {}::pg_catalog.text[] OPERATOR(pg_catalog.<@) "
        "ARRAY(SELECT p.polname::pg_catalog.text FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid))"
    )
    return render(
        text.format(
            sql.Literal(render(identifier(table.name))),
            sql.Literal(change.force),
            sql.Literal([policy.name for policy in change.policies]),
        )
    )


def _refusals(change: EnableRowSecurity, table: Table) -> Iterator[Refusal]:
    taken = [policy.name for policy in change.policies if policy.name in table.policies]
    for name in taken:
        yield Refusal(
            code="name_taken",
            object=f"policy {name} on {table.name}",
            message="the table has a policy of that name already.",
            instead="Choose another name, or drop that policy first.",
        )
    is_on = table.row_security and (table.force_row_security or not change.force)
    if is_on and not change.policies:
        yield Refusal(
            code="nothing_to_do",
            object=str(table.name),
            message="row security is on already, and the plan has no policy.",
            instead="Leave the change out.",
        )


def _cautions(change: EnableRowSecurity, table: Table) -> Iterator[Caution]:
    permissive = [policy for policy in change.policies if not policy.restrictive]
    if not table.policies and not permissive:
        yield Caution(
            code="no_policy",
            object=str(table.name),
            message="no policy lets anybody see a row: from contract on only the owner and roles with BYPASSRLS do"
            f"{' not even the owner, since it is forced' if change.force else ''}.",
        )
    if table.kind == "partitioned":
        yield Caution(
            code="partitions_apart",
            object=str(table.name),
            message="the policies are for statements that name the table itself; a partition that is named directly "
            "has its own row security.",
        )


def _trial(policy: NewPolicy, table: Table) -> Trial:
    """Whether its expressions are sound, and its roles there."""
    written = [str(e) for e in (policy.using, policy.check) if e is not None]
    return Trial(
        where=f"policy {policy.name} on {table.name}",
        shown=" and ".join(written) or policy.name,
        columns=tuple((column.name, column.type) for column in table.columns),
        statement=render(_create(policy, sql.SQL(TRIAL_TABLE))),
    )
