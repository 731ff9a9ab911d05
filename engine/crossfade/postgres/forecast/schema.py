"""The schema as a program of statements finds it: what the catalog was read with, and what each statement has changed.

An immutable model; every change gives a new one. Relations are kept by the name they have now, with the name they had
before the first statement; one that was created since has none, and nobody else can see it, so its locks are of no
interest. A table that the catalog names without having read it is taken for a plain one that nothing hangs on. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import Catalog, Constraint, Domain, Index, Need, QualifiedName, Table

TEMPORARY = "pg_temp"
"""The schema of temporary relations, by the name that every session has for its own."""

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crossfade.postgres.forecast.draft import Forecast
    from crossfade.postgres.forecast.views import Viewed


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Tables with all that belongs to them, domains, and the names of volatile functions."""

    server_version: int
    time_zone: str
    search_path: tuple[str, ...]
    default_path: tuple[str, ...]
    """The search_path that SET … TO DEFAULT goes back to."""
    tables: Mapping[QualifiedName, Table]
    """Tables, partitioned and foreign ones, views and materialized views."""
    origins: Mapping[QualifiedName, QualifiedName]
    """The name before the first statement, by the name now; relations created since are not in it."""
    domains: tuple[Domain, ...]
    volatile_functions: Mapping[QualifiedName, str | None]
    """The body of those that the planner may put in place of a call."""
    other_relations: frozenset[QualifiedName]
    """Indexes, sequences and composite types, of tables that were not read too."""
    is_complete: bool = False
    """It begins with a database, so that what it does not have by name is not there."""
    views: Mapping[QualifiedName, Viewed] = field(default_factory=dict)
    """What statements have made, and what an outline of the database has; the others are not in it."""
    needs: Mapping[QualifiedName, tuple[Need, ...]] = field(default_factory=dict)
    """Of functions, types and all else that is no relation, as an outline of the database has it."""
    sequence_owners: Mapping[QualifiedName, QualifiedName | None] = field(default_factory=dict)
    """The tables of sequences that a column owns, as statements or the database say; None for OWNED BY NONE."""
    kept_path: tuple[str, ...] | None = None
    """The search_path that comes back at the end of the transaction, after SET LOCAL."""
    kept_zone: str | None = None
    """The same of the time zone."""
    has_temporary: bool = False
    """Statements have made temporary relations."""
    until_commit: frozenset[QualifiedName] = frozenset()
    """Those that are gone at the end of the transaction."""

    @classmethod
    def of(cls, catalog: Catalog) -> Schema:
        """The model before the first statement."""
        tables = {name: Table(name=name) for name in catalog.all_table_names} | {t.name: t for t in catalog.tables}
        return cls(
            server_version=catalog.server_version,
            time_zone=catalog.time_zone,
            search_path=catalog.search_path,
            default_path=catalog.search_path,
            tables=_with_keys_of_the_unread(tables),
            origins={name: name for name in tables},
            domains=catalog.domains,
            volatile_functions={f.name: f.body for f in catalog.volatile_functions},
            other_relations=catalog.relation_names - tables.keys(),
        )

    def seen_by_others(self) -> Schema:
        """The same once it is committed: relations count under the names that they have now, and new ones count too.

        What was created may have rows by then. Temporary tables stay their session's own, and hide no others.
        """
        left = self.committed()
        left = left.without(_hiding(left.tables)) if left.has_temporary else left
        filled = {n: replace(t, rows_estimate=-1) for n, t in left.tables.items() if left.is_empty(t)}
        tables = {**left.tables, **filled}
        origins = {name: name for name, table in tables.items() if not table.is_temporary}
        return replace(left, tables=tables, origins=origins, search_path=left.default_path)

    def committed(self) -> Schema:
        """Once the transaction is over, and with it what was for it alone: SET LOCAL, and ON COMMIT DROP."""
        left = self.without(self.until_commit) if self.until_commit else self
        if left.kept_path is None and left.kept_zone is None and not left.until_commit:
            return left
        return replace(
            left,
            search_path=left.search_path if left.kept_path is None else left.kept_path,
            time_zone=left.kept_zone or left.time_zone,
            kept_path=None,
            kept_zone=None,
            until_commit=frozenset(),
        )

    def foresee(self, sql: str) -> tuple[Forecast, Schema]:
        """What one statement locks, rewrites and scans, and the model as it leaves it."""
        from crossfade.postgres.forecast.foresee import foresee

        return foresee(self, sql)

    def foresee_tree(self, node: Any) -> tuple[Forecast, Schema]:
        """The same of a statement that is parsed already, as pglast's node."""
        from crossfade.postgres.forecast.foresee import foresee_tree

        return foresee_tree(self, node)

    def qualify(self, schema: str | None, name: str) -> QualifiedName:
        """The relation or type that a name in a statement means; a new one comes first on the search path.

        Before that come temporary ones, where the path does not say otherwise.
        """
        if schema is not None:
            return QualifiedName(schema, name)
        if self.has_temporary and TEMPORARY not in self.search_path:
            temporary = QualifiedName(TEMPORARY, name)
            if self._has(temporary):
                return temporary
        created_in = self.creation_schema
        if self.search_path == (created_in,):
            return QualifiedName(created_in, name)
        first = next((s for s in self.search_path if self._has(QualifiedName(s, name))), None)
        return QualifiedName(first or created_in, name)

    def _has(self, name: QualifiedName) -> bool:
        """Whether there is a relation of that name."""
        if name in self.tables or name in self.other_relations:
            return True
        return self._index(name) is not None

    @property
    def creation_schema(self) -> str:
        """Where a relation without a schema is created."""
        return next((s for s in self.search_path if not s.startswith("pg_")), "public")

    def place_of(self, relation: Any) -> QualifiedName:
        """Where a statement makes the relation of a RangeVar."""
        above = TEMPORARY if relation.relpersistence == "t" else relation.schemaname
        return QualifiedName(above or self.creation_schema, relation.relname)

    def find(self, schema: str | None, name: str) -> Table | None:
        """The table, view or materialized view of that name."""
        return self.tables.get(self.qualify(schema, name))

    def find_index(self, schema: str | None, name: str) -> tuple[Table, Index] | None:
        """The index of that name and its table."""
        return self._index(self.qualify(schema, name))

    def _index(self, wanted: QualifiedName) -> tuple[Table, Index] | None:
        same = ((t, i) for t in self.tables.values() for i in t.indexes if i.name.name == wanted.name)
        return next((found for found in same if found[1].name == wanted), None)

    def owner_of(self, sequence: QualifiedName) -> QualifiedName | None:
        """The table of the column that owns the sequence, or has it for its identity."""
        if sequence in self.sequence_owners:
            return self.sequence_owners[sequence]
        return next((t.name for t in self.tables.values() if _owns(t, sequence)), None)

    def family(self, name: QualifiedName) -> tuple[Table, ...]:
        """The relation and all partitions and children below it."""
        found: dict[QualifiedName, Table] = {}
        waiting = [name]
        while waiting:
            here = self.tables.get(waiting.pop(0))
            if here is not None and here.name not in found:
                found[here.name] = here
                waiting += [*here.partitions, *here.children]
        return tuple(found.values())

    def incoming(self, name: QualifiedName) -> tuple[tuple[Table, Constraint], ...]:
        """Foreign keys that point at the table or at one that it is a partition of, each with the table that has it."""
        targets = frozenset(self._with_parents(name))
        return tuple(
            (table, key)
            for table in self.tables.values()
            for key in table.constraints
            if key.kind == "foreign" and key.referenced in targets
        )

    def _with_parents(self, name: QualifiedName) -> Iterator[QualifiedName]:
        here: QualifiedName | None = name
        while here is not None:
            yield here
            table = self.tables.get(here)
            here = table.partition_parent if table is not None else None

    def named(self, text: str) -> Table | None:
        """The relation that a catalog text such as `public.active_users` names."""
        return next((t for t in self.tables.values() if str(t.name) == text), None)

    def default_partition(self, parent: Table) -> Table | None:
        """The partition that takes the rows no other one takes."""
        members = (self.tables.get(name) for name in parent.partitions)
        return next((m for m in members if m is not None and m.partition_bound == "DEFAULT"), None)

    def is_empty(self, table: Table) -> bool:
        """It was created by an earlier statement, and nothing was put into it since."""
        return table.rows_estimate == 0 and table.name not in self.origins

    def put(self, table: Table) -> Schema:
        """With this table in place of the one of its name, or added."""
        return replace(self, tables={**self.tables, table.name: table})

    def without(self, gone: Iterable[QualifiedName]) -> Schema:
        """Without these relations, the foreign keys that point at them, and their place in a family."""
        away = frozenset(gone)
        texts = frozenset(map(str, away))
        kept = {n: _cut_off(table, away, texts) for n, table in self.tables.items() if n not in away}
        return replace(self, tables=kept, origins={now: was for now, was in self.origins.items() if now not in away})

    def rename(self, old: QualifiedName, new: QualifiedName) -> Schema:
        """With the relation under another name, wherever it is named."""

        def renamed(name: QualifiedName) -> QualifiedName:
            return new if name == old else name

        tables = {}
        for name, table in self.tables.items():
            tables[renamed(name)] = replace(
                table,
                name=renamed(name),
                indexes=_moved(table.indexes, new.schema) if name == old else table.indexes,
                constraints=tuple(
                    replace(c, referenced=renamed(c.referenced)) if c.referenced else c for c in table.constraints
                ),
                partition_parent=table.partition_parent and renamed(table.partition_parent),
                partitions=tuple(renamed(n) for n in table.partitions),
                inherits=tuple(renamed(n) for n in table.inherits),
                children=tuple(renamed(n) for n in table.children),
                dependents=tuple(replace(d, name=str(new)) if d.name == str(old) else d for d in table.dependents),
            )
        return replace(
            self,
            tables=tables,
            origins={renamed(now): was for now, was in self.origins.items()},
            sequence_owners=dict(_in_schema_of_owner(self.sequence_owners, old, new)),
        )


def _with_keys_of_the_unread(tables: dict[QualifiedName, Table]) -> dict[QualifiedName, Table]:
    """Foreign keys of tables that were not read, as far as the tables they point at tell them."""
    known = dict(tables)
    for table in tables.values():
        for key in table.incoming_foreign_keys:
            holder = known.get(key.table, Table(name=key.table))
            if key.name not in {c.name for c in holder.constraints}:
                constraint = Constraint(
                    name=key.name,
                    kind="foreign",
                    columns=key.columns,
                    definition=key.definition,
                    validated=key.validated,
                    referenced=table.name,
                    referenced_columns=key.referenced_columns,
                )
                known[key.table] = replace(holder, constraints=(*holder.constraints, constraint))
    return known


def _owns(table: Table, sequence: QualifiedName) -> bool:
    return any(
        sequence in c.owned_sequences or (c.identity is not None and c.identity.sequence == sequence)
        for c in table.columns
    )


def _hiding(names: Iterable[QualifiedName]) -> Iterator[QualifiedName]:
    """Temporary relations with the name of one that is not."""
    known = tuple(names)
    others = {name.name for name in known if name.schema != TEMPORARY}
    return (name for name in known if name.schema == TEMPORARY and name.name in others)


def _cut_off(table: Table, gone: frozenset[QualifiedName], texts: frozenset[str]) -> Table:
    """The table without what is gone; `texts` are these names as the catalog's texts have them."""
    family = (table.partition_parent, *table.partitions, *table.inherits, *table.children)
    is_apart = gone.isdisjoint(family) and gone.isdisjoint(c.referenced for c in table.constraints)
    if is_apart and texts.isdisjoint(d.name for d in table.dependents):
        return table
    return replace(
        table,
        constraints=tuple(c for c in table.constraints if c.referenced not in gone),
        partition_parent=None if table.partition_parent in gone else table.partition_parent,
        partitions=tuple(n for n in table.partitions if n not in gone),
        inherits=tuple(n for n in table.inherits if n not in gone),
        children=tuple(n for n in table.children if n not in gone),
        dependents=tuple(d for d in table.dependents if d.name not in texts),
    )


def _in_schema_of_owner(
    owners: Mapping[QualifiedName, QualifiedName | None], old: QualifiedName, new: QualifiedName
) -> Iterator[tuple[QualifiedName, QualifiedName | None]]:
    """A sequence is always in the schema of the table that it belongs to."""
    for sequence, owner in owners.items():
        yield (QualifiedName(new.schema, sequence.name), new) if owner == old else (sequence, owner)


def _moved(indexes: tuple[Index, ...], schema: str) -> tuple[Index, ...]:
    return tuple(replace(i, name=QualifiedName(schema, i.name.name)) for i in indexes)
