"""`add_domain_check`: a check of a domain, which columns of it may still violate.

Expand counts, in every table with a column of the domain, the writes that the check would refuse; backfill repairs rows
by `fix`; contract adds it NOT VALID and validates it. PostgreSQL validates it with SHARE locks: writes of these tables
wait while they are read, so a table that is not small has to be accepted first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.acks import SCAN
from crossfade.operations.columns.column_preflight import SMALL_TABLE
from crossfade.operations.constraints import constraint_preflight
from crossfade.operations.step import Compiled, Part, RowFill, Step, Turn
from crossfade.operations.sync import row_functions, watching
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.sync.row_functions import RowFunction, body_over
from crossfade.operations.sync.watching import Watched
from crossfade.operations.tables.table_preflight import family_of, other_runs, staged_members
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.catalog import Constraint
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import AddDomainCheck
    from crossfade.postgres.catalog import Catalog, Column, Domain, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class _User:
    """A column of the domain."""

    place: Place
    change: AddDomainCheck
    table: Table
    column: Column
    below: tuple[Table, ...]
    """The inheritance children, which need triggers of their own."""

    @property
    def watched(self) -> Watched:
        """Its condition."""
        return Watched(
            place=self.place,
            table=self.table,
            members=(self.table.staged, *(t.staged for t in self.below)),
            constraint=f"{self.change.name} ({self.column.name})",
            columns=(self.column,),
            holds=body_over(self.change.expression.over({"value": self.column.name}), [self.column]),
        )

    @property
    def fix(self) -> tuple[RowFunction, ...]:
        """What takes the place of a value that violates it."""
        if self.change.fix is None:
            return ()
        fix = {self.column.name: self.change.fix.over({"value": self.column.name})}
        return tuple(row_functions.fixes(self.place, self.table, fix).values())


def compile_change(change: AddDomainCheck, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one new check of a domain against a catalog; refusals instead where it cannot be added."""
    domain = _find(change, catalog)
    if isinstance(domain, Refusal):
        return Compiled(refusals=(domain,), catalog=catalog)
    users = tuple(_users(change, place, domain, catalog))
    refusals = tuple(_refusals(change, domain, users, catalog))
    if any(r.ack is None for r in refusals):
        return Compiled(refusals=refusals, catalog=catalog)
    check = _check(change, place, domain)
    if not users:
        # Nobody can break it, so nothing has to be waited for.
        check = tuple(replace(step, part=Part.EXPAND) for step in check)
    return Compiled(
        steps=(*(_begin(u) for u in users), *check, *(_end(u) for u in users)),
        fills=tuple(fill for u in users for fill in _fills(u)),
        watches=tuple(watching.watch(u.watched) for u in users),
        refusals=refusals,
        trials=tuple(_trials(change, domain)),
        catalog=_afterwards(change, domain, users, catalog),
    )


def _find(change: AddDomainCheck, catalog: Catalog) -> Domain | Refusal:
    name = change.domain
    schemas = (name.schema,) if name.schema is not None else catalog.search_path
    by_name = {d.name: d for d in catalog.domains}
    for schema in schemas:
        if QualifiedName(schema, name.name) in by_name:
            return by_name[QualifiedName(schema, name.name)]
    if any(t.name.name == name.name and t.name.schema in schemas and not t.labels for t in catalog.types):
        return Refusal(
            code="not_together",
            object=str(name),
            message="an earlier change of this plan makes the domain.",
            instead="Write the check there: create_domain takes a `check`.",
        )
    return Refusal(
        code="no_such_type",
        object=str(name),
        message=f"there is no domain {name} in database {catalog.database}.",
        instead="Create it first, with create_domain, or name it as schema.domain if it is off the search_path.",
    )


def _meant(domain: Domain, catalog: Catalog) -> frozenset[QualifiedName]:
    """The domain and every one over it."""
    names = {domain.name}
    while more := {d.name for d in catalog.domains if d.type_name in names} - names:
        names |= more
    return frozenset(names)


def _users(change: AddDomainCheck, place: Place, domain: Domain, catalog: Catalog) -> Iterator[_User]:
    meant = _meant(domain, catalog)
    for table in catalog.tables:
        for column in table.columns:
            if column.type_name in meant and not column.inherited_count and table.kind in ("table", "partitioned"):
                below = tuple(staged_members(catalog, table))
                yield _User(place=place, change=change, table=table, column=column, below=below)


def _refusals(change: AddDomainCheck, domain: Domain, users: tuple[_User, ...], catalog: Catalog) -> Iterator[Refusal]:
    if not domain.owned:
        yield Refusal(
            code="not_owner",
            object=str(domain.name),
            message=f"this role is not (a member of) its owner {domain.owner}.",
            instead=f"Connect as {domain.owner}, or run: GRANT {domain.owner} TO the role crossfade uses.",
        )
    if any(c.name == change.name for c in domain.constraints):
        yield Refusal(
            code="constraint_exists",
            object=f"constraint {change.name} on {domain.name}",
            message="the domain has a constraint of that name already.",
            instead="Choose another name.",
        )
    if domain.held_in:
        yield Refusal(
            code="domain_inside",
            object=str(domain.name),
            message=f"columns hold it inside of an array, a composite type or a range: {', '.join(domain.held_in)}. "
            "PostgreSQL validates no check of a domain then.",
            instead="Let these columns have another type first; or add a check to the tables, with add_check.",
        )
    for user in users:
        family = family_of(user.table, catalog)
        yield from constraint_preflight.owned(family)
        if not constraint_preflight.is_of_this_plan(user.table, user.column.name):
            yield from other_runs(family, [user.column.name])
        if change.fix is not None:
            yield from constraint_preflight.moved(user.table, [user.column.name], "fix", catalog)
    for table in dict.fromkeys(u.table.name for u in users):
        size = max(u.table.size_bytes for u in users if u.table.name == table)
        if size > SMALL_TABLE:
            yield Refusal(
                code="scan",
                object=str(table),
                message=f"PostgreSQL reads the table ({size // 2**20} MB) while writes wait, to validate a domain's "
                "check.",
                instead="Add the check to the table, with add_check, or do it in a maintenance window.",
                ack=SCAN,
            )


def _begin(user: _User) -> Step:
    begin = watching.begin(user.watched)
    return replace(
        begin,
        statements=(*row_functions.create(user.place, user.fix), *begin.statements),
        undo=(*begin.undo, *row_functions.drop(user.fix)),
    )


def _end(user: _User) -> Step:
    end = watching.end(user.watched, (user.table.name, *(t.name for t in user.below)))
    return replace(end, statements=(*end.statements, *row_functions.drop(user.fix)))


def _fills(user: _User) -> Iterator[RowFill]:
    for function in user.fix:
        yield RowFill(
            id=user.place.id(f"fix/{user.watched.key}"),
            schema=user.table.staged.schema,
            table=user.table.staged.name,
            assignment=render(sql.SQL("{} = {}").format(sql.Identifier(user.column.staged), function.of_row())),
            pending=user.watched.pending,
            touched=(user.column.staged,),
            stays=False,
        )


def _check(change: AddDomainCheck, place: Place, domain: Domain) -> tuple[Step, ...]:
    name = sql.Identifier(change.name)

    def alter(action: sql.Composable) -> Statement:
        schema, own = domain.name.schema, domain.name.name
        return Statement(text=render(sql.SQL("ALTER DOMAIN {} {}").format(sql.Identifier(schema, own), action)))

    condition = sql.SQL(change.expression.sql)
    add = Step(
        id=place.id("add"),
        part=Part.HIDE,
        turn=Turn.AFTER,
        title=f"add check {change.name} to domain {domain.name}, not yet for the values that are there",
        statements=(
            USERS_PATH,
            alter(sql.SQL("ADD CONSTRAINT {} CHECK ({}) NOT VALID").format(name, condition)),
            OUR_PATH,
        ),
        undo=(alter(sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(name)),),
        done=_found(change, domain, ""),
    )
    validate = Step(
        id=place.id("validate"),
        part=Part.HIDE,
        turn=Turn.AFTER,
        title=f"validate check {change.name} of domain {domain.name}; writes of its tables wait",
        statements=(alter(sql.SQL("VALIDATE CONSTRAINT {}").format(name)),),
        done=_found(change, domain, " AND c.convalidated"),
    )
    return add, validate


def _found(change: AddDomainCheck, domain: Domain, condition: str) -> str:
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.contypid = pg_catalog.to_regtype({}) "
            "AND c.conname = {}{})"
        ).format(
            sql.Literal(render(sql.Identifier(domain.name.schema, domain.name.name))),
            sql.Literal(change.name),
            sql.SQL(condition),
        )
    )


def _trials(change: AddDomainCheck, domain: Domain) -> Iterator[Trial]:
    """The check, and the repair, on a column of the domain's own type."""
    columns = (("value", domain.type),)
    check = sql.SQL("ALTER TABLE {} ADD CHECK ({})").format(sql.SQL(TRIAL_TABLE), sql.SQL(change.expression.sql))
    where = f"add_domain_check on {domain.name}"
    yield Trial(
        where=f"expression of {where}",
        shown=change.expression.text,
        columns=columns,
        statement=render(check),
    )
    if change.fix is not None:
        fix = sql.SQL("UPDATE {} SET value = ({})").format(sql.SQL(TRIAL_TABLE), sql.SQL(change.fix.sql))
        yield Trial(
            where=f"fix of {where}",
            shown=change.fix.text,
            columns=columns,
            statement=render(fix),
            value=change.fix.sql,
            functions=change.fix.functions,
        )


def _afterwards(change: AddDomainCheck, domain: Domain, users: tuple[_User, ...], catalog: Catalog) -> Catalog:
    for user in users:
        table = catalog.table(user.table.name) or user.table
        catalog = catalog.with_table(constraint_preflight.in_work(table, [user.column.name]))
    definition = f"CHECK ({change.expression.sql})"
    added = Constraint(name=change.name, kind="check", columns=(), definition=definition)
    changed = replace(domain, constraints=(*domain.constraints, added))
    return replace(catalog, domains=tuple(changed if d.name == domain.name else d for d in catalog.domains))
