"""Who sights the instances of an app: `sources` of the roster, a list of names and of mappings with one key.

    sources: [heartbeat, activity, {http: {urls: ["http://10.0.0.7:8080/version"]}}]

Credentials never stand in a plan. Where one is needed, the plan names the environment variable that has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeAlias, get_args

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import CoreSchema, core_schema

from crossfade.plan.addresses import web_address
from crossfade.plan.durations import Between
from crossfade.plan.entries import Entry, Given, OneKey, kinds_of
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.selectors import label_selector
from crossfade.plan.variables import VariableName
from crossfade.plan.words import nearest, one_of, shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

Name: TypeAlias = Literal["heartbeat", "activity", "record"]
NAMES: tuple[Name, ...] = get_args(Name)
DEFAULT: tuple[Name, ...] = ("heartbeat", "activity")


def _application_name(text: str) -> str:
    try:
        groups = re.compile(text, re.DOTALL).groupindex
    except (re.error, OverflowError, RecursionError) as error:
        raise fault(f"not a regular expression: {error}", "write it as Python's re module reads it") from None
    missing = [name for name in ("app", "version") if name not in groups]
    if missing:
        raise fault(
            f"the pattern has no group {one_of(missing)}",
            "name the groups: `(?P<app>…)`, `(?P<version>…)` and, if there is one, `(?P<instance>…)`",
        )
    return text


def _base(url: str) -> str:
    if "?" in url or "#" in url:
        raise fault("an address with a query of its own", "write it up to the path; `query` is what is asked there")
    return url


_Text = Annotated[str, StringConstraints(min_length=1, max_length=253)]
_Pattern = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_application_name)]
_Address = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(web_address)]
_Timeout = Annotated[timedelta, Between(low=timedelta(milliseconds=100), high=timedelta(seconds=30))]
_PATTERN = (
    "A regular expression that the whole application_name has to match, with the groups app, version and instance."
)
_TOKEN = "The environment variable with the bearer token to send."  # noqa: S105 - a description


class ActivityNames(Entry):
    """Open connections whose application_name follows a pattern of your own."""

    kind: ClassVar[str] = "activity"

    pattern: _Pattern = Field(
        description=_PATTERN, examples=[r"(?P<app>[^:]+):(?P<version>[^:]+)(?::(?P<instance>.+))?"]
    )


class OutsideSource(Entry):
    """A source that is asked outside of the database."""

    timeout: _Timeout = Field(default=timedelta(seconds=5), description="How long it may take to answer.")


class PgbouncerClients(OutsideSource):
    """Clients of a PgBouncer by their application_name, as SHOW CLIENTS on its admin console has it."""

    kind: ClassVar[str] = "pgbouncer"

    url_env: VariableName = Field(
        description="The environment variable with the URL of the admin console.", examples=["CROSSFADE_PGBOUNCER_URL"]
    )
    database: Annotated[_Text | None, Given()] = Field(
        default=None, description="Only clients of this database, as PgBouncer calls it.", examples=["shop"]
    )
    pattern: Annotated[_Pattern | None, Given()] = Field(default=None, description=_PATTERN)


class KubernetesWorkloads(OutsideSource):
    """Pods, and whatever can start some: ReplicaSets, Deployments, StatefulSets, DaemonSets, Jobs and CronJobs."""

    kind: ClassVar[str] = "kubernetes"

    namespace: _Text = Field(description="The namespace.", examples=["shop"])
    selector: Annotated[_Text, AfterValidator(label_selector)] = Field(
        description="The labels of the app's pods, as for `kubectl -l`.", examples=["app=api"]
    )
    version: Literal["image", "label"] = Field(
        default="image", description="Where a pod's version stands: in its image's tag, or in a label."
    )
    container: Annotated[_Text | None, Given()] = Field(
        default=None,
        description="With `image`, the container; left out, the only one that a pod has.",
        examples=["api"],
    )
    label: Annotated[_Text | None, Given()] = Field(
        default=None, description="With `label`, which one.", examples=["app.kubernetes.io/version"]
    )
    context: Annotated[_Text | None, Given()] = Field(
        default=None, description="The context of the kubeconfig; left out, its current one.", examples=["production"]
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.version == "label" and self.label is None:
            raise faults_at([FaultAt(("version",), "`version: label` needs `label`", "say which label")], self)
        unfit = "container" if self.version == "label" else "label"
        if getattr(self, unfit) is not None:
            message = f"`{unfit}` says nothing with `version: {self.version}`"
            raise faults_at([FaultAt((unfit,), message, "remove one of them")], self)
        return self


class PrometheusQuery(OutsideSource):
    """An instant query whose series are the live instances."""

    kind: ClassVar[str] = "prometheus"

    url: Annotated[_Address, AfterValidator(_base)] = Field(
        description="Prometheus, without /api.", examples=["http://prometheus:9090"]
    )
    query: Annotated[str, StringConstraints(min_length=1, max_length=10_000)] = Field(
        description="What gives one series for each instance.", examples=['app_info{app="api"}']
    )
    version: _Text = Field(default="version", description="The label with the version.")
    instance: _Text = Field(default="instance", description="The label with the instance.")
    token_env: Annotated[VariableName | None, Given()] = Field(
        default=None, description=_TOKEN, examples=["PROM_TOKEN"]
    )


class HttpInstances(OutsideSource):
    """The instances themselves, each asked at an address of its own."""

    kind: ClassVar[str] = "http"

    urls: tuple[_Address, ...] = Field(
        min_length=1,
        max_length=100,
        description="One address for each instance; behind a load balancer some would never be asked.",
        examples=[["http://10.0.0.7:8080/version"]],
    )
    path: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(
        default="version", description="Names and positions, with dots between, of the version in the answer's JSON."
    )
    token_env: Annotated[VariableName | None, Given()] = Field(default=None, description=_TOKEN, examples=["API_TOKEN"])


_Mapped: TypeAlias = ActivityNames | PgbouncerClients | KubernetesWorkloads | PrometheusQuery | HttpInstances
KINDS: tuple[str, ...] = tuple(dict.fromkeys((*NAMES, *kinds_of(_Mapped))))
"""Every kind of source there is, in the order in which a plan lists them."""


@dataclass(frozen=True, slots=True)
class OrName:
    """Marks a union of one-key entries of which some kinds can be written as their name alone."""

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A name stays a text in the model; a mapping is read as `OneKey` does."""
        mapped = handler(_Mapped)
        as_mapping = mapped["serialization"]["function"]

        def read(value: object, entry: core_schema.ValidatorFunctionWrapHandler) -> object:
            if isinstance(value, str):
                return _named(value)
            if isinstance(value, dict) and len(value) == 1 and not {*value} <= {*kinds_of(_Mapped)}:
                kind = next(iter(value))
                raise fault(*_unmapped(kind))
            return entry(value)

        def written(source: Source, info: core_schema.SerializationInfo) -> object:
            return source if isinstance(source, str) else as_mapping(source, info)

        return core_schema.no_info_wrap_validator_function(
            read,
            mapped,
            serialization=core_schema.plain_serializer_function_ser_schema(written, info_arg=True),
            # Of the kinds that are mappings, for the JSON Schema that `OneKey` makes of them.
            metadata={"kinds": mapped["metadata"]["kinds"]},
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A name, or one object per kind."""
        return {"oneOf": [{"type": "string", "enum": list(NAMES)}, *handler(schema)["oneOf"]]}


Source: TypeAlias = Annotated[Name | _Mapped, OneKey("source"), OrName()]
"""A name, or an entry with keys of its own."""


def kind_of(source: Name | _Mapped) -> str:
    """What a sighting calls it."""
    return source if isinstance(source, str) else source.kind


def _named(name: str) -> str:
    if name in NAMES:
        return name
    if name in KINDS:
        raise fault(f"the source {shown(name)} needs keys of its own", f"write `{name}: {{…}}`")
    raise fault(f"expected {one_of(KINDS)}; got {shown(name)}", nearest(name, KINDS) or "this version knows no other")


def _unmapped(kind: str) -> tuple[str, str]:
    if kind in NAMES:
        return f"the source {shown(kind)} has no keys", f"write `{kind}` alone"
    return f"unknown source {shown(kind)}", nearest(kind, KINDS) or f"this version knows {one_of(KINDS)}"
