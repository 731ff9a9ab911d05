"""What the stress tests share: figures that are shown at the end, and a place where runners live and die."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..scenarios.victims import Nursery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests measured: it is to be read, and no assertion depends on it."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, ())]
    measured = [r for r in reports if r.when == "call" and r.user_properties]
    if measured:
        terminalreporter.section("figures")
    for report in measured:
        said = ", ".join(f"{name} {value}" for name, value in report.user_properties)
        terminalreporter.line(f"{report.nodeid.rpartition('::')[2]}: {report.duration:.0f} s, {said}")


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str, object], None]:
    """Note a figure: `figure("deaths", 120)`."""
    return record_property


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made
