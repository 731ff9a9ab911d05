"""`set_replica_identity`."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from crossfade.plan.changes.fields import Name, TableChange
from crossfade.plan.faults import fault


class SetReplicaIdentity(TableChange):
    """Say which columns logical replication sends of a row that is updated or deleted."""

    kind: ClassVar[str] = "set_replica_identity"

    to: Annotated[
        Literal["default", "full", "nothing", "index"],
        Field(
            description="`default` is the primary key, `full` the whole row, `nothing` no column, `index` those of the "
            "unique index that `index` names."
        ),
    ]
    index: Name = Field(
        default=None,
        description="The unique index, for `to: index`; its columns are NOT NULL.",
        examples=["users_email_key"],
    )

    @model_validator(mode="after")
    def _index_where_one_is_meant(self) -> Self:
        if self.to == "index" and self.index is None:
            raise fault("`to: index` without an index", "name a unique index of the table under `index`")
        if self.to != "index" and self.index is not None:
            raise fault(f"`index` says nothing where `to` is `{self.to}`", "remove `index`, or write `to: index`")
        return self
