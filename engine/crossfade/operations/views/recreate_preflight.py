"""What stands in the way of making views again: pure functions over what was read of them.

Each thing that would be lost, or that this role may not do, is a refusal of its own with its name. A person can drop
it first and make it again afterwards; we would have to guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal

if TYPE_CHECKING:
    from crossfade.postgres.catalog_views import View


def refusals(views: Iterable[View]) -> Iterator[Refusal]:
    """Every reason why one of these views (in the catalog's order) could not be dropped and made again as it was."""
    later = {view.name: view for view in views}
    for view in tuple(later.values()):
        yield from _nature(view)
        if not view.temporary:
            yield from _rights(view)
        yield from _dependents(view)
        # What a view needs comes before it, unless it is needed by that as well.
        del later[view.name]
        for use in view.uses:
            if use.relation in later:
                yield _circle(view, later[use.relation])


def _nature(view: View) -> Iterator[Refusal]:
    if view.temporary:
        yield Refusal(
            code="temporary_view",
            object=str(view.name),
            message="it is a temporary view of another session, in which nobody else can make it again.",
            instead="Drop it there, or let that session end.",
        )
    if view.extension is not None:
        yield Refusal(
            code="extension_member",
            object=str(view.name),
            message=f"the {view.kind} belongs to extension {view.extension}; made again, it would not.",
            instead=f"Drop extension {view.extension} first, or ALTER EXTENSION {view.extension} DROP the {view.kind}.",
        )
    for extension in view.extension_dependencies:
        yield Refusal(
            code="extension_member",
            object=str(view.name),
            message=f"it, an index or a trigger of it is marked DEPENDS ON EXTENSION {extension}.",
            instead=f"Take the mark off (NO DEPENDS ON EXTENSION {extension}) and set it again afterwards.",
        )
    for provider in view.label_providers:
        yield Refusal(
            code="security_label",
            object=str(view.name),
            message=f"it carries a security label of {provider}, which its provider alone can judge.",
            instead="Take the label off (SECURITY LABEL … IS NULL) and set it again afterwards.",
        )


def _rights(view: View) -> Iterator[Refusal]:
    if not view.owned:
        yield Refusal(
            code="not_owner",
            object=str(view.name),
            message=f"this role is not (a member of) the {view.kind}'s owner {view.owner}, to whom it has to go back.",
            instead=f"Connect as {view.owner}, or run: GRANT {view.owner} TO the role crossfade uses.",
        )
    if not view.can_create_in_schema:
        yield Refusal(
            code="no_create_right",
            object=view.name.schema,
            message=f"this role may not make {view.kind} {view.name} again in schema {view.name.schema}.",
            instead=f"GRANT CREATE ON SCHEMA {view.name.schema} to it.",
        )
    if not view.owner_can_create_in_schema:
        yield Refusal(
            code="no_create_right",
            object=view.name.schema,
            message=f"{view.owner}, the owner of {view.kind} {view.name}, may not create in schema "
            f"{view.name.schema}; without that PostgreSQL gives it to nobody.",
            instead=f"GRANT CREATE ON SCHEMA {view.name.schema} TO {view.owner}, at least meanwhile.",
        )
    for grantor in view.unreachable_grantors:
        yield Refusal(
            code="grantor",
            object=str(view.name),
            message=f"{grantor} has granted rights on it to others, which only {grantor} can do again.",
            instead=f"GRANT {grantor} TO the role crossfade uses, or let {view.owner} make these grants instead.",
        )


def _dependents(view: View) -> Iterator[Refusal]:
    for dependent in view.dependents:
        yield Refusal(
            code="view_dependent",
            object=str(dependent),
            message=f"it depends on {view.kind} {view.name}, which has to be dropped and made again.",
            instead="Drop it first, and make it again afterwards.",
        )


def _circle(view: View, other: View) -> Refusal:
    return Refusal(
        code="view_circle",
        object=str(view.name),
        message=f"it and {other.kind} {other.name} need each other, by a rule; neither can be made first.",
        instead="Drop the rule first, and make it again afterwards; or make a trigger of it.",
    )
