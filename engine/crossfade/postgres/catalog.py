"""The catalog: an immutable snapshot of the tables that a plan touches, and of what we may do in the database.

Operations compile against it, so it holds no connection and imports nothing but the standard library. A later change
of a plan sees the table as the earlier ones leave it: `Catalog.with_table`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Literal

from crossfade.postgres.catalog_objects import (
    Column,
    Constraint,
    ConstraintKind,
    DataType,
    Default,
    Dependent,
    DependentKind,
    Domain,
    ExtendedStatistics,
    ForeignKey,
    Identity,
    Index,
    KeepingFunction,
    Need,
    Policy,
    Privilege,
    Publication,
    Rule,
    Sequence,
    Shadow,
    SqlFunction,
    TextFunction,
    Trigger,
    TypeUse,
    VolatileFunction,
)
from crossfade.postgres.catalog_views import View
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.own_names import LEDGER_SCHEMA, is_own_name

__all__ = [
    "Catalog",
    "Column",
    "Constraint",
    "ConstraintKind",
    "DataType",
    "Default",
    "Dependent",
    "DependentKind",
    "Domain",
    "ExtendedStatistics",
    "ForeignKey",
    "Identity",
    "Index",
    "KeepingFunction",
    "Need",
    "Policy",
    "Privilege",
    "Publication",
    "QualifiedName",
    "Rule",
    "Sequence",
    "Shadow",
    "SqlFunction",
    "Table",
    "TableKind",
    "TextFunction",
    "Trigger",
    "TypeUse",
    "View",
    "VolatileFunction",
    "quoted",
]

TableKind = Literal["table", "partitioned", "foreign", "view", "materialized view"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, partition or view with all that hangs on it."""

    name: QualifiedName
    oid: int = 0
    kind: TableKind = "table"
    persistence: Literal["permanent", "unlogged", "temporary"] = "permanent"
    owner: str = ""
    owned: bool = True
    """The reader has the owner's rights."""
    can_create_in_schema: bool = True
    """The reader may create objects in the table's schema, as an index build needs."""
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    key_parts: tuple[str, ...] = ()
    """Names of what PostgreSQL keeps of its foreign keys for each partition of the table that one refers to: they come
    and go with the key, and nobody carries them."""
    incoming_foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[Rule, ...] = ()
    """A view's own one is not among them."""
    policies: tuple[str, ...] = ()
    row_security: bool = False
    force_row_security: bool = False
    acl: tuple[str, ...] = ()
    privileges: tuple[Privilege, ...] | None = None
    """The same, taken apart; None where nobody has granted or revoked anything."""
    default_grantees: tuple[str | None, ...] = ()
    """Whom default privileges give rights on tables that the reader creates, in whatever schema; None is PUBLIC."""
    publications: tuple[Publication, ...] = ()
    dependents: tuple[Dependent, ...] = ()
    policies_over: tuple[Policy, ...] = ()
    """Policies that use its columns, of whatever table."""
    sql_functions: tuple[SqlFunction, ...] = ()
    """Functions with a parsed body that uses its columns."""
    text_functions: tuple[TextFunction, ...] = ()
    """Those whose body has the table's name in it, and the functions of its triggers."""
    needs: tuple[Need, ...] = ()
    """In an outline: what its parts cannot be without, tables excepted."""
    replica_identity: Literal["default", "nothing", "full", "index"] = "default"
    replica_identity_index: str | None = None
    partition_key: str | None = None
    """`RANGE (created_at)`."""
    partition_key_columns: tuple[str, ...] = ()
    """Those inside expressions too."""
    partition_parent: QualifiedName | None = None
    partition_bound: str | None = None
    """`FOR VALUES FROM (1) TO (10)`, `DEFAULT`; None for a table that is no partition."""
    bound_columns: tuple[str, ...] = ()
    """Those of the partition keys of what it is a partition of, all the way up."""
    partitions: tuple[QualifiedName, ...] = ()
    """Direct ones only."""
    leaving: tuple[tuple[QualifiedName, str], ...] = ()
    """Partitions with their bounds that an earlier change of the plan takes off at contract."""
    inherits: tuple[QualifiedName, ...] = ()
    children: tuple[QualifiedName, ...] = ()
    """Direct inheritance children."""
    extended_statistics: tuple[ExtendedStatistics, ...] = ()
    storage_parameters: tuple[str, ...] = ()
    comment: str | None = None
    rows_estimate: int = -1
    """-1: never analysed. For a partitioned table, the sum of what is known of its leaves."""
    size_bytes: int = 0
    """The heap; for a partitioned table, that of its leaves together."""
    total_bytes: int = 0
    """With TOAST and indexes."""
    access_method: str | None = "heap"
    tablespace: str | None = None
    """That of the database too; None where it is not known, or there are no files."""
    typed_of: str | None = None
    attribute_count: int = 0
    """With the columns that were dropped, which count for ever; 0 where it was not read."""
    row_type_columns: tuple[str, ...] = ()
    """Columns of stored relations that hold its row type, also inside of other types: `public.events.actor`."""
    until_contract: QualifiedName | None = None
    """The name by which it is found until contract, where an earlier change of the plan gives it another one then."""

    @property
    def staged(self) -> QualifiedName:
        """The name that statements before contract have to use."""
        return self.until_contract or self.name

    @property
    def is_temporary(self) -> bool:
        """It lives in one session only."""
        return self.persistence == "temporary"

    @property
    def last_number(self) -> int:
        """The number of its latest column, one that was dropped included."""
        return max((self.attribute_count, *(c.number for c in self.columns)))

    @property
    def constraint_names(self) -> frozenset[str]:
        """The names that a new constraint of the table cannot have."""
        return frozenset((*(c.name for c in self.constraints), *self.key_parts))

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((c for c in self.columns if c.name == name), None)

    def never_null(self, column: str) -> bool:
        """Whether no row has NULL there: its NOT NULL was read for, and is not for new rows alone."""
        found = self.column(column)
        return found is not None and found.not_null and self.unproved_not_null(column) is None

    def unproved_not_null(self, column: str) -> Constraint | None:
        """The column's NOT NULL that is not validated, from PostgreSQL 18."""
        found = (c for c in self.constraints if c.kind == "not_null" and c.columns == (column,))
        return next((c for c in found if not c.validated), None)

    def index(self, name: str) -> Index | None:
        """The index of that name, without its schema: an index always lies in its table's."""
        return next((i for i in self.indexes if i.name.name == name), None)

    def indexes_using(self, column: str) -> tuple[Index, ...]:
        """Every index that needs the column, in whatever part."""
        return tuple(i for i in self.indexes if column in i.references)

    def constraints_using(self, column: str) -> tuple[Constraint, ...]:
        """Every constraint that needs the column, also through its index."""
        through_index = {i.constraint for i in self.indexes_using(column) if i.constraint}
        return tuple(c for c in self.constraints if column in c.columns or c.name in through_index)

    def dependents_on(self, column: str) -> tuple[Dependent, ...]:
        """Every object outside that the server knows to need the column."""
        return tuple(d for d in self.dependents if column in d.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What was read of one database in one snapshot."""

    server_version: int
    """`180006`."""
    server_version_text: str = ""
    database: str = ""
    types: tuple[DataType, ...] = ()
    """The types asked for that exist."""
    tables: tuple[Table, ...] = ()
    """The tables asked for, with all their partitions and inheritance children."""
    views: tuple[View, ...] = ()
    """Every view and materialised view on top of them, also through other views; what one needs comes before it."""
    all_table_names: tuple[QualifiedName, ...] = ()
    """Every table and view of the database outside the system's schemas."""
    relation_names: frozenset[QualifiedName] = frozenset()
    """Those, and indexes, sequences and composite types: the names that a new relation cannot have."""
    search_path: tuple[str, ...] = ("public",)
    """The session's, existing schemas only, without `pg_catalog`."""
    time_zone: str = "UTC"
    """The session's TimeZone, as it was set."""
    domains: tuple[Domain, ...] = ()
    volatile_functions: tuple[VolatileFunction, ...] = ()
    current_user: str = ""
    is_superuser: bool = False
    can_create_in_database: bool = False
    logical_slots: tuple[str, ...] = ()
    """Names of the logical replication slots of this database."""
    statements_extension: QualifiedName | None = None
    """Where `pg_stat_statements` is installed in this database."""

    def table(self, name: QualifiedName) -> Table | None:
        """The table of that name, if it was read."""
        return next((t for t in self.tables if t.name == name), None)

    def type(self, written: str) -> DataType | None:
        """The type that was asked for in these words, if there is one."""
        return next((t for t in self.types if t.asked == written), None)

    def with_type(self, made: DataType) -> Catalog:
        """A copy in which this type is there, by its bare name too if the search path finds it."""
        spellings = [str(made.name)]
        if made.name.schema in self.search_path[:1]:
            spellings.append(quoted(made.name.name))
        others = tuple(t for t in self.types if t.asked not in spellings)
        return replace(self, types=(*others, *(replace(made, asked=s) for s in spellings)))

    def resolve(self, schema: str | None, name: str) -> Table | None:
        """The table that a plan means; without a schema, the first one on the search path has it."""
        if schema is not None:
            return self.table(QualifiedName(schema, name))
        existing = {n.schema for n in self.all_table_names if n.name == name}
        existing |= {t.name.schema for t in self.tables if t.name.name == name}
        first = next((s for s in self.search_path if s in existing), None)
        return None if first is None else self.table(QualifiedName(first, name))

    def nearest_tables(self, name: str) -> tuple[str, ...]:
        """Up to three existing tables with a name like this one (`table` or `schema.table`), the most alike first.

        None of ours, which no plan means.
        """
        spellings: dict[str, str] = {}
        for existing in self.all_table_names:
            if existing.schema == LEDGER_SCHEMA or is_own_name(existing.name):
                continue
            spellings.setdefault(str(existing), str(existing))
            if existing.schema in self.search_path:
                spellings.setdefault(existing.name, quoted(existing.name))
            else:
                spellings.setdefault(existing.name, str(existing))
        near = difflib.get_close_matches(name, spellings, n=3, cutoff=0.6)
        return tuple(dict.fromkeys(spellings[n] for n in near))

    def leaves(self, table: Table) -> tuple[Table, ...]:
        """The relations that hold the table's rows: leaf partitions; or itself and its inheritance children."""
        by_name = {t.name: t for t in self.tables}
        found: dict[QualifiedName, Table] = {}
        pending = [table]
        while pending:
            here = pending.pop(0)
            if here.name in found:
                continue
            if here.kind != "partitioned":
                found[here.name] = here
            pending += [by_name[n] for n in (*here.partitions, *here.children) if n in by_name]
        return tuple(found.values())

    def without_table(self, name: QualifiedName) -> Catalog:
        """A copy in which there is no such table, and nothing of that name."""
        return replace(
            self,
            tables=tuple(t for t in self.tables if t.name != name),
            all_table_names=tuple(n for n in self.all_table_names if n != name),
            relation_names=self.relation_names - {name},
        )

    def with_table(self, table: Table) -> Catalog:
        """A copy in which this table stands in place of the one with its oid, or is added."""
        if any(t.oid == table.oid and t.oid for t in self.tables):
            tables = tuple(table if t.oid == table.oid else t for t in self.tables)
        elif self.table(table.name):
            tables = tuple(table if t.name == table.name else t for t in self.tables)
        else:
            tables = (*self.tables, table)
        old_names = {t.name for t in self.tables} - {t.name for t in tables}
        return replace(
            self,
            tables=tables,
            all_table_names=tuple(sorted({*self.all_table_names, table.name} - old_names)),
            relation_names=(self.relation_names | {table.name, *(i.name for i in table.indexes)}) - old_names,
        )
