"""What hangs on a table: triggers, rules, policies, comments, statistics, publications. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import ExtendedStatistics, Publication, QualifiedName, Rule, Table, Trigger
from crossfade.postgres.forecast.draft import Unforeseeable
from crossfade.postgres.forecast.trees import columns_of, names
from crossfade.postgres.forecast.views import INSTEAD, RULE_EVENTS, trigger_events
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.postgres.forecast.draft import Draft

_SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
_AX = LockMode.ACCESS_EXCLUSIVE
_RELATIONS = frozenset({"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"})


def known_table(draft: Draft, relation: Any) -> Table:
    """The table of a RangeVar. Raises Unforeseeable where there is none."""
    table = draft.schema.find(relation.schemaname, relation.relname)
    if table is None:
        name = draft.schema.qualify(relation.schemaname, relation.relname)
        raise Unforeseeable(f"there is no table {name} in the catalog")
    return table


def create_trigger(draft: Draft, node: Any) -> None:
    """CREATE TRIGGER: one for each row is made on every partition too."""
    table = known_table(draft, node.relation)
    spread = node.row and table.kind == "partitioned"
    members = draft.schema.family(table.name) if spread else (table,)
    draft.lock_all(members, LockMode.SHARE_ROW_EXCLUSIVE)
    *above, function = names(node.funcname)
    made = Trigger(
        name=node.trigname,
        function=QualifiedName(above[-1] if above else draft.schema.creation_schema, function),
        timing="instead" if node.timing == INSTEAD else "before" if node.timing else "after",
        events=trigger_events(node),
        row=bool(node.row),
    )
    for member in members:
        kept = tuple(t for t in member.triggers if t.name != made.name)
        own = replace(made, parent_inherited=member is not table)
        draft.schema = draft.schema.put(replace(member, triggers=(*kept, own)))


def create_rule(draft: Draft, node: Any) -> None:
    """CREATE RULE."""
    table = known_table(draft, node.relation)
    draft.lock(table.name, _AX)
    rule = Rule(
        name=node.rulename,
        event=RULE_EVENTS.get(node.event.name, "select"),
        instead=bool(node.instead),
        conditional=node.whereClause is not None,
    )
    kept = tuple(r for r in table.rules if r.name != rule.name)
    draft.schema = draft.schema.put(replace(table, rules=(*kept, rule)))


def create_policy(draft: Draft, node: Any) -> None:
    """CREATE POLICY."""
    table = known_table(draft, node.table)
    draft.lock(table.name, _AX)
    draft.schema = draft.schema.put(replace(table, policies=(*table.policies, node.policy_name)))


def alter_policy(draft: Draft, node: Any) -> None:
    """ALTER POLICY."""
    draft.lock(known_table(draft, node.table).name, _AX)


def comment(draft: Draft, node: Any) -> None:
    """COMMENT ON and SECURITY LABEL ON a relation or a column; on anything else no table is locked."""
    what, parts = node.objtype.name, names(node.object)
    if what == "OBJECT_COLUMN":
        parts = parts[:-1]
    elif what not in _RELATIONS:
        return
    if parts:
        table = draft.schema.find(parts[-2] if len(parts) > 1 else None, parts[-1])
        if table is not None:
            draft.lock(table.name, _SUE)


def create_statistics(draft: Draft, node: Any) -> None:
    """CREATE STATISTICS."""
    for relation in node.relations:
        table = known_table(draft, relation)
        draft.lock(table.name, _SUE)
        *above, name = names(node.defnames) or (f"{table.name.name}_stat",)
        made = ExtendedStatistics(
            name=QualifiedName(above[-1] if above else draft.schema.creation_schema, name),
            definition="",
            columns=tuple(c for e in node.exprs for c in ((e.name,) if e.name else columns_of(e.expr))),
        )
        draft.schema = draft.schema.put(replace(table, extended_statistics=(*table.extended_statistics, made)))


def create_publication(draft: Draft, node: Any) -> None:
    """CREATE PUBLICATION FOR TABLE."""
    _publish(draft, node)


def alter_publication(draft: Draft, node: Any) -> None:
    """ALTER PUBLICATION: SET takes the tables that leave as well."""
    if node.action.name == "AP_SetObjects":
        published = [t for t in draft.schema.tables.values() if _is_published(t, node.pubname)]
        draft.lock_all(published, _SUE)
    _publish(draft, node)


def _publish(draft: Draft, node: Any) -> None:
    for table in _published_tables(draft, node):
        draft.lock(table.name, _SUE)
        kept = tuple(p for p in table.publications if p.name != node.pubname)
        draft.schema = draft.schema.put(replace(table, publications=(*kept, Publication(name=node.pubname))))


def _is_published(table: Table, publication: str) -> bool:
    return any(p.name == publication and not p.all_tables for p in table.publications)


def _published_tables(draft: Draft, node: Any) -> Iterator[Table]:
    for entry in node.pubobjects or ():
        if entry.pubtable is None:
            continue
        table = known_table(draft, entry.pubtable.relation)
        spread = table.kind != "partitioned" and entry.pubtable.relation.inh
        yield from draft.schema.family(table.name) if spread else (table,)
