"""What a backfill waits for, as a plan writes it: one flat key per throttle. Pure; `crossfade.backfill` obeys them.

In the model a throttle that is off is None; in files and in JSON it is `off`, so that a default can be switched off.

The defaults are those that a small, quiet server never reaches by a backfill alone. Replica lag, slots and the archive
do not exist where nothing replicates or archives. Nobody waits a quarter of a second for a batch that lasts a few dozen
milliseconds. Dead rows count only in a table that has very many and that autovacuum is about to clean, and old
transactions only beside those. What depends on the machine or on its habits (active sessions, requested checkpoints)
is off until the plan says a number.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from crossfade.plan.addresses import web_address
from crossfade.plan.durations import EXPECTED as EXPECTED_DURATION
from crossfade.plan.durations import Between
from crossfade.plan.entries import PlanPart
from crossfade.plan.faults import fault
from crossfade.plan.sizes import EXPECTED as EXPECTED_SIZE
from crossfade.plan.sizes import Size, SizeBetween
from crossfade.plan.statements import one_select
from crossfade.plan.words import shown

OFF = "off"
_MEGABYTE = Size(1024**2)
_TERABYTE = Size(1024**4)
_SHORTEST = timedelta(milliseconds=100)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OrOff:
    """Marks a throttle's key: `off` is None, and a key left empty is a slip."""

    expected: str
    """What else it takes, for messages."""
    example: str
    """How that is written."""

    def read(self, value: object, inner: ValidatorFunctionWrapHandler) -> Any:
        """None for `off`, else what the type makes of the value."""
        if value is None:
            raise fault("a key without a value", "write the limit after the colon, or `off`")
        if value == OFF:
            return None
        try:
            return inner(value)
        except ValidationError as error:
            if error.errors(include_url=False)[0]["type"] not in {"int_type", "string_type"}:
                raise
            raise fault(f"{self.expected}, or `off`; got {shown(value)}", f"write {self.example}") from None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """What the type takes, and `off`."""
        return core_schema.no_info_wrap_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The type's own schema, or the word."""
        return {"anyOf": [handler(schema), {"const": OFF}]}


_Percent = Annotated[int, Field(ge=1, le=100)]
_Bytes = Annotated[Size, SizeBetween(low=_MEGABYTE, high=_TERABYTE)]
_DURATION = OrOff(EXPECTED_DURATION, "a whole number and its unit: `5s`")
_SIZE = OrOff(EXPECTED_SIZE, "a whole number and its unit: `64MB`")
_NUMBER = OrOff("expected a whole number", "digits only, without quotes")
_TEXT = OrOff("expected text", "it in quotes")


class Throttles(PlanPart):
    """When a backfill waits. Each limit is also the only one of its kind: the first that is reached stops the batches.

    It goes on once everything has been below 80 % of its limit for 5 s.
    """

    max_replica_lag: Annotated[Annotated[timedelta, Between(low=_SHORTEST, high=_DAY)] | None, _DURATION] = Field(
        default=timedelta(seconds=5),
        description="Wait while any streaming replica replays later than this, or is still catching up.",
    )
    max_replica_bytes: Annotated[_Bytes | None, _SIZE] = Field(
        default=Size(256 * _MEGABYTE), description="Wait while any streaming replica has more WAL than this to replay."
    )
    max_slot_retention: Annotated[_Percent | None, _NUMBER] = Field(
        default=50,
        description="Wait while a replication slot retains more than this percentage of `max_slot_wal_keep_size`, "
        "or is about to be lost.",
    )
    max_archive_backlog: Annotated[_Bytes | None, _SIZE] = Field(
        default=Size(640 * _MEGABYTE), description="Wait while more WAL than this has not been archived."
    )
    max_blocked: Annotated[
        Annotated[timedelta, Between(low=timedelta(milliseconds=10), high=timedelta(minutes=1))] | None, _DURATION
    ] = Field(
        default=timedelta(milliseconds=250),
        description="Wait, and give the batch in hand up, where it has blocked somebody for longer than this.",
    )
    max_active_sessions: Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, _NUMBER] = Field(
        default=None, description="Wait while more sessions than this are active, ours not counted."
    )
    max_xmin_age: Annotated[
        Annotated[timedelta, Between(low=timedelta(seconds=1), high=7 * _DAY)] | None, _DURATION
    ] = Field(
        default=timedelta(minutes=10),
        description="Wait while a transaction older than this keeps dead rows from being removed, and more than 20 % "
        "of the table are dead.",
    )
    max_dead_rows: Annotated[_Percent | None, _NUMBER] = Field(
        default=30, description="Wait for autovacuum while more than this percentage of the table's rows are dead."
    )
    max_checkpoints: Annotated[Annotated[int, Field(ge=1, le=60)] | None, _NUMBER] = Field(
        default=None, description="Wait while more checkpoints than this were requested in the last minute."
    )
    throttle_sql: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=10_000), AfterValidator(one_select)] | None, _TEXT
    ] = Field(
        default=None,
        description="Wait while this SELECT gives true or a number above 0; no row and NULL do not count. It runs once "
        "a second, read-only, with the search path `pg_catalog`.",
        examples=["SELECT count(*) > 100 FROM public.queue"],
    )
    throttle_http: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(web_address)] | None, _TEXT
    ] = Field(
        default=None,
        description="Wait while a HEAD request to this address is answered by anything but 200 within a second.",
        examples=["https://status.example.com/may-backfill"],
    )

    @model_serializer(mode="wrap")
    def _off_is_said(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A default that is switched off has to survive a round trip through JSON, where None is left out."""
        written: dict[str, Any] = inner(self)
        for name, field in Throttles.model_fields.items():
            if getattr(self, name) is None:
                written.pop(name, None)
                if field.default is not None:
                    written[name] = OFF
        return written
