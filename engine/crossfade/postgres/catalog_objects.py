"""What belongs to a table, as values: columns, constraints, indexes, triggers, and what depends on its columns.

Expressions and definitions are PostgreSQL's own deparse under `search_path = pg_catalog`: every name outside
`pg_catalog` is qualified in them. Names are as stored, without quotes. Only the standard library is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crossfade.postgres.names import QualifiedName

ConstraintKind = Literal["primary", "unique", "check", "foreign", "exclusion", "not_null"]
DependentKind = Literal[
    "view",
    "materialized view",
    "rule",
    "policy",
    "function",
    "generated column",
    "publication",
    "foreign key",
    "statistics",
    "trigger",
    "row type",
    "other",
]
TEXT = QualifiedName("pg_catalog", "text")


TypeUseKind = Literal[
    "column", "default", "constraint", "index", "statistics", "view", "policy", "trigger", "function", "other"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeUse:
    """Something that the server knows to need a type, or an array of it."""

    kind: TypeUseKind
    """`column` is one of a table, of the type itself; `view` a view's query or column; `function` a parsed body."""
    described: str
    """In the server's own words: `column status of table public.orders`."""
    relation: QualifiedName | None = None
    """The table or view that it belongs to."""
    name: str | None = None
    """Of an index or statistics without schema; of a function with its arguments: `public.total(integer)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingFunction:
    """A function whose text may name a type: a session that has called it keeps what it found there."""

    name: QualifiedName
    arguments: str
    """Identity arguments: `integer, text`."""
    security_definer: bool = False
    owned: bool = True
    """The reader has the owner's rights."""

    def __str__(self) -> str:
        return f"{self.name}({self.arguments})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Privilege:
    """One right on an object, as `aclexplode` tells it."""

    grantee: str | None
    """The role; None is PUBLIC."""
    privilege: str
    """`SELECT`, `INSERT`, `UPDATE`, `REFERENCES` …"""
    grantable: bool
    grantor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataType:
    """A type that exists."""

    asked: str
    """As it was asked for, printed from its parse tree."""
    spelling: str
    """PostgreSQL's own: `numeric(12,2)`, `public.status`."""
    name: QualifiedName
    category: str
    """`pg_type.typcategory`; `E` is an enum."""
    base: QualifiedName
    """What a domain comes down to at last; else the type itself."""
    constrained: bool = False
    """It is a domain that checks something, itself or further down."""
    labels: tuple[str, ...] = ()
    """Of an enum, in its order."""
    owner: str = ""
    owned: bool = True
    """The reader has the owner's rights."""
    collation_deterministic: bool = True
    comment: str | None = None
    privileges: tuple[Privilege, ...] | None = None
    """In stored order; None where nobody has granted or revoked anything."""
    default_grantees: tuple[str | None, ...] = ()
    """Whom default privileges give rights on a type that the reader creates there; None is PUBLIC."""
    uses: tuple[TypeUse, ...] = ()
    """Of an enum: all that needs it, its own array type apart."""
    kept_by: tuple[KeepingFunction, ...] = ()
    """Of an enum: the functions in PL/pgSQL or SQL whose text has its name in it, or `%TYPE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """A column's DEFAULT."""

    expression: str
    volatile: bool = False
    """It calls a volatile function or operator, so each row needs its own value."""
    owned_sequence: QualifiedName | None = None
    """The sequence that it draws from, where the column owns it (a serial column)."""
    of_plan: bool = False
    """As a plan has it, so that a name without a schema is one of the users' search path; the server's own text has
    the schema with every name outside `pg_catalog`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence that a column owns, or that its identity draws from."""

    name: QualifiedName
    type: str
    """`smallint`, `integer` or `bigint`."""
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 2**63 - 1
    cache: int = 1
    cycles: bool = False
    owner: str = ""
    privileges: tuple[Privilege, ...] | None = None
    """In stored order; None where nobody has granted or revoked anything."""
    default_grantees: tuple[str | None, ...] = ()
    """Whom default privileges give rights on a new sequence of this owner there; None is PUBLIC."""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """GENERATED … AS IDENTITY. A partition's identity is its root's."""

    always: bool
    sequence: QualifiedName
    sequence_options: str = ""
    """`START WITH 1 INCREMENT BY 1 …`: fit for the parentheses of `AS IDENTITY (…)`."""
    sequence_acl: tuple[str, ...] = ()
    sequence_comment: str | None = None


Work = Literal["filled", "constrained", "replaced"]
"""What an earlier change of a plan does with a column until the run is over: rows get a value; something is asked of
its values; it is one of two columns, which exchange their names or places at contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """A column that triggers keep equal to another, until it goes at the end: the names that it has in turn."""

    until_contract: str
    hidden: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A live column of a table."""

    name: str
    number: int
    type: str
    """With its modifier: `character varying(20)`, `public.status`."""
    type_name: QualifiedName = TEXT
    type_category: str = "S"
    """`pg_type.typcategory`."""
    base_type: QualifiedName = TEXT
    """What the domain comes down to at last; else the type itself."""
    element_type: QualifiedName | None = None
    """Of an array (or a domain over one): the base type of its elements."""
    domain_constrained: bool = False
    """Its type is a domain that checks something, itself or further down; adding such a column rewrites the table."""
    collation: QualifiedName | None = None
    """Only where it is not the type's own."""
    collation_deterministic: bool = True
    not_null: bool = False
    not_null_constraint: str | None = None
    """The constraint's name, from PostgreSQL 18."""
    default: Default | None = None
    identity: Identity | None = None
    generated: Literal["stored", "virtual"] | None = None
    generation_expression: str | None = None
    owned_sequences: tuple[QualifiedName, ...] = ()
    """Every sequence that would be dropped with the column, its identity's apart."""
    sequences: tuple[Sequence, ...] = ()
    """The same, taken apart, and its identity's."""
    statistics_target: int | None = None
    storage: Literal["plain", "external", "extended", "main"] = "extended"
    storage_is_default: bool = True
    compression: Literal["pglz", "lz4"] | None = None
    comment: str | None = None
    acl: tuple[str, ...] = ()
    """Column privileges as `aclitem` texts, as stored."""
    privileges: tuple[Privilege, ...] = ()
    """The same, taken apart."""
    inherited_count: int = 0
    """From how many parents the column comes."""
    is_local: bool = True
    options: tuple[str, ...] = ()
    """Such as `n_distinct=-0.5`."""
    has_missing_value: bool = False
    """Rows older than the column take a stored value (a fast ADD COLUMN … DEFAULT)."""
    average_width: int | None = None
    """In bytes, from the statistics, where the reader may see them."""
    until_contract: str | None = None
    """The name by which it is found until contract, where an earlier change of the plan gives it another one then."""
    work: Work | None = None
    """What an earlier change of the plan is about with it."""
    shadow: Shadow | None = None
    """The column that an earlier change of the plan keeps equal to it."""

    @property
    def staged(self) -> str:
        """The name that statements before contract have to use."""
        return self.until_contract or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A constraint of a table."""

    name: str
    kind: ConstraintKind
    columns: tuple[str, ...]
    """In key order. Of an exclusion constraint only the plain columns; its index knows the others."""
    definition: str
    validated: bool = True
    enforced: bool = True
    deferrable: bool = False
    deferred: bool = False
    index: str | None = None
    """The index that holds up a primary key, unique or exclusion constraint; it lies in the table's schema."""
    comment: str | None = None
    no_inherit: bool = False
    referenced: QualifiedName | None = None
    referenced_columns: tuple[str, ...] = ()
    inherited: bool = False
    """It comes from a parent, or is the copy that a partition has of its parent's."""
    is_local: bool = True
    """It was declared on this table too."""
    needed_by: tuple[str, ...] = ()
    """Views, rules and functions that go with it: `view public.totals`, whose GROUP BY names a primary key alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A foreign key that points here; also the table's own, where it points at itself."""

    name: str
    table: QualifiedName
    """The table that references."""
    columns: tuple[str, ...]
    referenced_columns: tuple[str, ...]
    definition: str
    validated: bool = True
    until_contract: bool = False
    """An earlier change of the plan drops it, at contract and before any name changes hands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index of a table."""

    name: QualifiedName
    definition: str
    oid: int = 0
    method: str = "btree"
    columns: tuple[str | None, ...] = ()
    """Key columns, then INCLUDE; None stands for an expression."""
    key_count: int = 1
    references: frozenset[str] = frozenset()
    """Every column that it uses: keys, INCLUDE, expressions, predicate."""
    unique: bool = False
    primary: bool = False
    exclusion: bool = False
    valid: bool = True
    ready: bool = True
    nulls_not_distinct: bool = False
    partial: bool = False
    has_expressions: bool = False
    constraint: str | None = None
    parent: QualifiedName | None = None
    """The partitioned index that it is attached to."""
    replica_identity: bool = False
    clustered: bool = False
    tablespace: str | None = None
    comment: str | None = None
    statistics_targets: tuple[tuple[int, int], ...] = ()
    """Position of the index column (from 1) and its target, where one is set."""
    size_bytes: int = 0
    extensions: tuple[str, ...] = ()
    """Those that it is marked to depend on."""
    until_contract: str | None = None
    """The name by which it is found until contract, where an earlier change of the plan gives it another one then."""

    @property
    def staged(self) -> str:
        """The name that statements before contract have to use, in the table's schema."""
        return self.until_contract or self.name.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A user's trigger; the server's own (foreign keys) are left out."""

    name: str
    function: QualifiedName
    timing: Literal["before", "after", "instead"]
    events: frozenset[str]
    """Of `insert`, `update`, `delete`, `truncate`."""
    row: bool
    columns: tuple[str, ...] = ()
    """Of `UPDATE OF …`."""
    enabled: Literal["O", "D", "R", "A"] = "O"
    definition: str = ""
    when: str | None = None
    references: frozenset[str] = frozenset()
    """The columns that it names, in `UPDATE OF` or in its WHEN clause."""
    function_body: str = ""
    function_language: str = "plpgsql"
    parent_inherited: bool = False
    """The clone of a partitioned table's trigger."""
    comment: str | None = None
    extensions: tuple[str, ...] = ()
    """Those that it is marked to depend on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something without which a part of a table or view, or all of it, cannot be, directly or through other things."""

    what: str
    """As PostgreSQL calls it: `operator class`; every kind of function is a `function`."""
    name: tuple[str, ...]
    """In full: of what is in no schema one part, of a column three."""
    arguments: tuple[str | None, ...] = ()
    """Of a function or operator: the types, without their schemas; None for an operand that there is not."""
    goes: str | None = None
    """What goes with it: `a default`, `a column`; None for the table or view itself."""
    column: str | None = None
    """Which column, where it is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """An object outside the columns' own table definition that the server knows to depend on them.

    A view, rule or function that uses the table without naming a column has `columns` empty, as has whatever is made of
    its row type.
    """

    kind: DependentKind
    name: str
    """As a person would write it: `public.active_users`, `only_mine on public.users`."""
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFunction:
    """A function whose body is text to the server, so that no dependency is recorded for what it names."""

    name: QualifiedName
    arguments: str
    """Identity arguments: `integer, text`."""
    language: str
    body: str

    def __str__(self) -> str:
        return f"{self.name}({self.arguments})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rewrite rule: what the server makes of a statement on the table."""

    name: str
    event: Literal["select", "insert", "update", "delete"]
    instead: bool = False
    """In place of the statement, where its condition holds; else beside it."""
    conditional: bool = False
    enabled: str = "O"
    """`O`: enabled, `D`: disabled, `R`: replica, `A`: always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A publication that sends the table's changes, directly, by schema, by ancestor, or as one of all tables."""

    name: str
    all_tables: bool = False
    columns: tuple[str, ...] | None = None
    """The column list; None where there is none."""
    row_filter: str | None = None
    owned: bool = True
    """The reader has its owner's rights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedStatistics:
    """CREATE STATISTICS over the table."""

    name: QualifiedName
    definition: str
    columns: tuple[str, ...]
    """Every column that it uses, in expressions too."""
    target: int | None = None
    comment: str | None = None
    owner: str = ""
    owned: bool = True
    """The reader has the owner's rights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A row security policy that uses columns of a table, its own or another."""

    name: str
    table: QualifiedName
    """The one that it is on."""
    using: str | None
    check: str | None
    columns: tuple[str, ...]
    """Those that it uses of the table with which it is listed."""
    owned: bool = True
    """The reader has the rights of its table's owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlFunction:
    """A function whose body PostgreSQL keeps parsed (`BEGIN ATOMIC`), and that uses columns of a table."""

    name: str
    """With its arguments: `public.total(integer)`."""
    definition: str
    """A whole CREATE OR REPLACE."""
    columns: tuple[str, ...]
    owned: bool = True
    """The reader has the owner's rights."""
    extensions: tuple[str, ...] = ()
    """Those that it is marked to depend on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A domain of the database outside the system's schemas."""

    name: QualifiedName
    type: str
    """What it is over, with its modifier; perhaps another domain."""
    type_name: QualifiedName
    """The same without the modifier."""
    not_null: bool = False
    default: str | None = None
    constraints: tuple[Constraint, ...] = ()
    """Its CHECKs."""
    held_in: tuple[str, ...] = ()
    """Columns that hold it inside of an array, a composite type or a range: `public.orders.amounts`."""
    owner: str = ""
    owned: bool = True
    """The reader has the owner's rights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatileFunction:
    """A user's function that is declared VOLATILE (or has an overload that is)."""

    name: QualifiedName
    body: str | None = None
    """Only where the planner may put it in place of the call: one overload, in SQL, without settings of its own."""
