"""Views and materialised views, as values: all that has to be said to make one again exactly as it is.

Definitions are PostgreSQL's own deparse under `search_path = pg_catalog`, without a semicolon at their end. Names are
as stored, without quotes. Only the standard library is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from crossfade.postgres.catalog_objects import Column, ExtendedStatistics, Index, Privilege, Trigger
from crossfade.postgres.names import QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a view, with its rules, reads or writes of one relation."""

    relation: QualifiedName
    columns: frozenset[str] = frozenset()
    """Empty where it counts rows only, or takes the row as a whole."""
    whole_row: bool = False
    """It uses the row as one value, or the relation's row type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRule:
    """A rule on a view, besides the one that makes it a view."""

    name: str
    definition: str
    """A whole CREATE RULE. It is enabled: on a view PostgreSQL lets nobody disable one."""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ViewDependent:
    """Something other than a view that depends on a view or on its row type, in PostgreSQL's words."""

    kind: str
    """`function`, `rule`, `policy`, `table column` …"""
    name: str
    """Qualified and quoted: `public.f(integer)`, `p on public.users`."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view or a materialised view with all that hangs on it."""

    name: QualifiedName
    definition: str
    """The query."""
    oid: int = 0
    kind: Literal["view", "materialized view"] = "view"
    temporary: bool = False
    owner: str = ""
    owned: bool = True
    """The reader has the owner's rights, and may become it."""
    creator: str = ""
    """The role that read the catalog, and that will own the view when it is made again."""
    can_create_in_schema: bool = True
    """The reader may create objects in the view's schema."""
    owner_can_create_in_schema: bool = True
    """The owner may; else the view could not be given to it."""
    columns: tuple[Column, ...] = ()
    options: tuple[str, ...] = ()
    """As stored: `security_invoker=true`, `check_option=local`, `fillfactor=70`, `toast.autovacuum_enabled=off`."""
    tablespace: str | None = None
    """None: the database's."""
    access_method: str | None = None
    populated: bool = True
    replica_identity: Literal["default", "nothing", "full"] = "nothing"
    """A materialised view may have any of them."""
    comment: str | None = None
    privileges: tuple[Privilege, ...] | None = None
    """In stored order; None where nobody has granted or revoked anything. A column's are with the column."""
    default_grantees: tuple[str | None, ...] | None = None
    """Whom default privileges give rights on what the reader creates in this schema (None is PUBLIC); None where
    nothing is set."""
    unreachable_grantors: tuple[str, ...] = ()
    """Roles other than the owner that granted something, and that the reader may not become."""
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[ViewRule, ...] = ()
    indexes: tuple[Index, ...] = ()
    extended_statistics: tuple[ExtendedStatistics, ...] = ()
    label_providers: tuple[str, ...] = ()
    """Those with a security label on it or a column."""
    extension: str | None = None
    """The extension that it belongs to."""
    extension_dependencies: tuple[str, ...] = ()
    """Extensions that it, an index or a trigger of it is marked to depend on."""
    uses: tuple[Use, ...] = ()
    dependents: tuple[ViewDependent, ...] = ()
    """What is not a view and would not come back with it."""

    def uses_of(self, relation: QualifiedName) -> Use | None:
        """What it takes of that relation, if it does."""
        return next((use for use in self.uses if use.relation == relation), None)


_FIELDS = frozenset(View.__dataclass_fields__)


def from_row(
    row: Mapping[str, Any],
    *,
    columns: tuple[Column, ...],
    indexes: tuple[Index, ...],
    triggers: tuple[Trigger, ...],
    extended_statistics: tuple[ExtendedStatistics, ...],
) -> View:
    """A row of `sql/catalog_views.sql` as a view, with the parts of it that were read with those of the tables."""
    fields: dict[str, Any] = {
        key: tuple(row[key]) if isinstance(row[key], list) else row[key] for key in row if key in _FIELDS
    }
    uses = (
        Use(relation=QualifiedName(*u["relation"]), columns=frozenset(u["columns"]), whole_row=u["whole_row"])
        for u in row["uses"]
    )
    privileges = None if row["privileges"] is None else tuple(Privilege(**p) for p in row["privileges"])
    own = {
        "name": QualifiedName(*row["name"]),
        "privileges": privileges,
        "rules": tuple(ViewRule(**rule) for rule in row["rules"]),
        "uses": tuple(uses),
        "dependents": tuple(sorted(ViewDependent(**d) for d in row["dependents"])),
        "columns": columns,
        "indexes": indexes,
        "triggers": triggers,
        "extended_statistics": extended_statistics,
    }
    return View(**fields | own)


def in_order(views: Iterable[View]) -> tuple[View, ...]:
    """The views so that what one needs comes before it; else by name.

    Only rules can make two views need each other; then one of them comes before what it needs.
    """
    by_name = {view.name: view for view in sorted(views, key=lambda v: v.name)}
    found: dict[QualifiedName, View] = {}
    begun: set[QualifiedName] = set()

    def visit(view: View) -> None:
        if view.name in begun:
            return
        begun.add(view.name)
        for use in view.uses:
            if use.relation in by_name:
                visit(by_name[use.relation])
        found[view.name] = view

    for view in by_name.values():
        visit(view)
    return tuple(found.values())
