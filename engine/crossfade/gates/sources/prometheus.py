"""The source `prometheus`: an instant query gives one series for each live instance, with its version in a label.

No series is no proof that nothing runs: the target may not be scraped. A series whose value is 0 (`up`) may block, and
proves nothing; one whose sample is older than `ttl`, whose value is no number, or that lacks a label, makes the whole
answer doubtful.
"""

from __future__ import annotations

import math
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from crossfade.gates.request import Page
from crossfade.gates.sources.answer import Answer, Seen, Unreadable, failed, of_type
from crossfade.gates.sources.web import document, fetch
from crossfade.plan.addresses import shown_address
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    from crossfade.plan.sources import PrometheusQuery

_OK = 200
_MOST_TOLD = 5
"""How many series a failure is told of."""


def observe(_app: str, entry: PrometheusQuery, ttl: timedelta) -> Answer:
    """Ask once."""
    url = f"{entry.url.rstrip('/')}/api/v1/query"
    try:
        page = fetch(url, timeout=entry.timeout, token_env=entry.token_env, params={"query": entry.query})
        return read(_document(page, url), entry, ttl=ttl, now=_clock(page))
    except Unreadable as error:
        return failed(str(error))


def _document(page: Page, url: str) -> Any:
    """Of a refusal what it says; one with another status than 200 that says to be an answer is none."""
    try:
        found = document(page)
    except Unreadable as error:
        raise Unreadable(f"{shown_address(url)} answers {page.status}: {error}") from None
    if page.status != _OK and isinstance(found, dict) and found.get("status") == "success":
        raise Unreadable(f"{shown_address(url)} answers {page.status}, not {_OK}")
    return found


def _clock(page: Page) -> float:
    """Prometheus' own clock in Unix seconds, so that its difference to ours does not count. Raises Unreadable."""
    try:
        # What a cache hands out is as old as it says.
        return parsedate_to_datetime(page.date or "").timestamp() + float(page.age or 0)
    except ValueError:
        raise Unreadable("the answer has no Date by which its samples could be dated") from None


def read(document: Any, entry: PrometheusQuery, *, ttl: timedelta, now: float) -> Answer:
    """The instances as the answer has them. Raises Unreadable where it is none. Pure."""
    answer = of_type(document, dict, "the answer")
    if answer.get("status") != "success":
        raise Unreadable(f"the query fails: {answer.get('errorType')}: {answer.get('error')}")
    data = of_type(answer.get("data"), dict, "`data` of the answer")
    if data.get("resultType") != "vector":
        raise Unreadable(f"the query gives a {data.get('resultType')}, not an instant vector")
    result = of_type(data.get("result"), list, "`result` of the answer")
    warnings = of_type(answer.get("warnings") or [], list, "`warnings` of the answer")
    failures = [f"the answer is partial: {warning}" for warning in warnings]
    if not result:
        failures.append("the query gives no series, which is no proof that nothing runs")
    seen = []
    for series in result:
        try:
            seen.append(_instance(series, entry, ttl, now))
        except Unreadable as error:
            failures.append(str(error))
    more = len(failures) - _MOST_TOLD
    told = failures[:_MOST_TOLD] + ([f"{more} more of the kind"] if more > 0 else [])
    return Answer(seen=tuple(seen), failures=tuple(str(Unreadable(f)) for f in told))


def _instance(series: Any, entry: PrometheusQuery, ttl: timedelta, now: float) -> Seen:
    labels = of_type(of_type(series, dict, "a series").get("metric"), dict, "`metric` of a series")
    version, instance = labels.get(entry.version), labels.get(entry.instance)
    for name, value in ((entry.version, version), (entry.instance, instance)):
        if not isinstance(value, str) or not value:
            raise Unreadable(f"a series without the label {name}")
    at, value = _sample(series, f"{version} on {instance}")
    age = timedelta(seconds=now - at)
    if abs(age) > ttl:
        # The other series may be as late: what is stale here is the whole answer, not the instance.
        when = f"{format_duration(timedelta(seconds=round(abs(now - at))))} {'old' if now > at else 'ahead'}"
        raise Unreadable(f"the sample of {version} on {instance} is {when}, more than {format_duration(ttl)}")
    return Seen(version=str(version), instance=str(instance), age=max(age, timedelta(0)), proves=value > 0)


def _sample(series: dict[str, Any], whose: str) -> tuple[float, float]:
    """The time of a sample in Unix seconds, and its value."""
    try:
        at, value = series["value"]
        at, value = float(at), float(value)
    except (KeyError, TypeError, ValueError):
        raise Unreadable(f"the sample of {whose} is no number") from None
    if not math.isfinite(at) or abs(at) > 1e11 or not math.isfinite(value) or value < 0:
        raise Unreadable(f"the sample of {whose} is {value}, which counts nothing")
    return at, value
