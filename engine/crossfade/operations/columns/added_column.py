"""A column that is to be added, against its catalog: what it is, and how it comes to its values.

at once     nothing, a default that is the same for all rows, a virtual expression: the catalog alone is changed
in batches  a volatile default, or `fill`: the column comes empty
a rewrite   a stored expression, an identity, a domain that checks something: only where the table is small
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import Part, Turn
from crossfade.operations.sync import sameness
from crossfade.operations.sync.constants import is_constant
from crossfade.operations.sync.fill_trigger import Filling
from crossfade.operations.tables.table_preflight import descendants_by_inheritance, family_of
from crossfade.operations.tables.turn import turn_of
from crossfade.plan.changes.drop_default import DropDefault
from crossfade.plan.changes.set_default import SetDefault
from crossfade.postgres.catalog import Column, Default, Identity, QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.operations.step import Place
    from crossfade.plan.changes import AddColumn
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Catalog, DataType, Table


@dataclass(frozen=True, kw_only=True)
class Added:
    """The change against its catalog."""

    change: AddColumn
    place: Place
    table: Table
    type: DataType
    catalog: Catalog

    @property
    def family(self) -> tuple[Table, ...]:
        """The table with its partitions and children."""
        return family_of(self.table, self.catalog)

    @property
    def shown(self) -> str:
        """The column, for people."""
        return f"{self.table.name}.{self.change.name}"

    @property
    def column(self) -> sql.Identifier:
        """The column, for SQL."""
        return sql.Identifier(self.change.name)

    @property
    def made(self) -> Column:
        """The column, as the table gets it."""
        return self.made_on(self.table).columns[-1]

    def made_on(self, member: Table) -> Table:
        """A table of the family with the column."""
        change, kind = self.change, self.type
        sequence = QualifiedName(member.name.schema, f"{member.name.name}_{change.name}_seq")
        column = Column(
            name=change.name,
            number=max((c.number for c in member.columns), default=0) + 1,
            type=kind.spelling,
            type_name=kind.name,
            type_category=kind.category,
            base_type=kind.base,
            domain_constrained=kind.constrained,
            not_null=not change.nullable or change.identity is not None,
            default=self._default,
            identity=Identity(always=change.identity == "always", sequence=sequence) if change.identity else None,
            generated=change.generated.kind if change.generated else None,
            generation_expression=change.generated.expression.sql if change.generated else None,
            comment=change.comment,
            work="filled" if self.is_filled else None,
            inherited_count=int(member is not self.table),
        )
        return replace(member, columns=(*member.columns, column))

    @property
    def _default(self) -> Default | None:
        written = self.change.default
        return Default(expression=written.sql, volatile=self.is_volatile, of_plan=True) if written else None

    def turn_over(self, columns: Iterable[str]) -> Turn:
        """When in contract something over these columns comes: behind whatever gives one of them its name then."""
        return turn_of(self.table, (name for name in columns if name != self.change.name), None)

    def relation(self, part: Part) -> sql.Identifier:
        """The table, for SQL of this part."""
        name = self.table.name if part in (Part.HIDE, Part.DROP) else self.table.staged
        return sql.Identifier(name.schema, name.name)

    def alter(self, part: Part, action: sql.Composable) -> Statement:
        """An ALTER TABLE of the table."""
        return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(self.relation(part), action)))

    @cached_property
    def is_volatile(self) -> bool:
        """Whether each row gets a value of its own from the default."""
        return self.change.default is not None and self._calls_volatile(self.change.default.sql)

    def _calls_volatile(self, text: str) -> bool:
        from crossfade.postgres.forecast.trees import expression
        from crossfade.postgres.forecast.volatility import is_volatile

        functions = {f.name: f.body for f in self.catalog.volatile_functions}
        return is_volatile(expression(text), functions, self.catalog.search_path)

    @cached_property
    def default_of_domain(self) -> str | None:
        """What its type gives it by itself."""
        return next((d.default for d in self.catalog.domains if d.name == self.type.name), None)

    @cached_property
    def is_volatile_by_itself(self) -> bool:
        """Whether each row would get a value of its own from the type."""
        default = self.default_of_domain
        return self.change.default is None and default is not None and self._calls_volatile(default)

    @property
    def is_filled(self) -> bool:
        """Whether its rows are filled in batches."""
        return self.change.fill is not None or self.is_volatile

    @property
    def has_default_at_once(self) -> bool:
        """Whether the default comes with the column, for all rows."""
        return self.change.default is not None and not self.is_filled

    @property
    def is_not_null_at_once(self) -> bool:
        """Whether NOT NULL comes with the column: where each row has a value from the beginning."""
        return not self.change.nullable and not self.is_filled

    @cached_property
    def filling(self) -> Filling | None:
        """What rows of old versions get; None where a default gives it."""
        if self.change.fill is None:
            return None
        return Filling(
            place=self.place,
            table=self.table.staged,
            members=(self.table.staged, *descendants_by_inheritance(self.catalog, self.table)),
            column=self.change.name,
            type=self.type.spelling,
            base=self.type.base,
            exact=sameness.is_exact_type(self.type),
            expression=self.change.fill.over({c.name: c.staged for c in self.table.columns}),
            types={c.staged: c.type for c in self.table.columns},
        )

    @property
    def proven_in(self) -> Part:
        """When NOT NULL is proven: in contract, unless no write of an old version could leave the column empty."""
        sure = self.change.fill is None or self.change.fill.is_constant
        return Part.SEAL if sure else Part.HIDE

    @property
    def constrained_in(self) -> Part:
        """When constraints hold: in contract, where a value that an old version's row gets could break them."""
        given = self.change.fill or self.change.default
        return Part.EXPAND if given is None else Part.HIDE

    @property
    def checked_in(self) -> Part:
        """The same for the CHECK, which a constant can be tried on before anything is touched."""
        return Part.EXPAND if self.checks_its_default_alone else self.constrained_in

    @property
    def checks_its_default_alone(self) -> bool:
        """Whether the CHECK is over the column alone, whose default is a constant."""
        return not self.is_filled and bool(self.constants_under_its_check)

    @property
    def constants_under_its_check(self) -> tuple[Expression, ...]:
        """The constants that its rows get, where the CHECK is over the column alone."""
        check, given = self.change.check, (self.change.default, self.change.fill)
        if check is None or not set(check.columns) <= {self.change.name}:
            return ()
        return tuple(value for value in given if value is not None and is_constant(value.sql))

    @property
    def default_can_be_told(self) -> bool:
        """Whether a value that was written can be told from one that the default gave."""
        default = self.change.default
        known = default is None or (not self.is_volatile and is_constant(default.sql))
        return known and all(value is None or is_constant(value.sql) for value in self.later_defaults)

    @property
    def later_defaults(self) -> tuple[Expression | None, ...]:
        """What later changes of the plan make its default until contract; None for no default."""
        change = self.change
        return tuple(
            later.value if isinstance(later, SetDefault) else None
            for later in self.place.later
            if isinstance(later, SetDefault | DropDefault)
            and (later.table, later.column) == (change.table, change.name)
        )
