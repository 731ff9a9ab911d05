"""Fixtures of the fleet's tests: several databases of one server, each with the table of a plan, and a list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.fleet.databases import Database as Place
from crossfade.plan.load import parse_plan

from ..scenarios.users_table import make_users
from .servers import Shops, fresh_databases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crossfade.plan.model import Plan

    from ..fixtures.servers import Server

RUN = "users-email"
PLAN = f"""\
crossfade: 1
name: {RUN}
hold: 0s
changes:
  - rename_column: {{table: users, from: email, to: email_address}}
"""
NAMES = ("a", "b", "c")
UNREACHABLE = "postgresql://boss:s3cret@127.0.0.1:1/shop"


@pytest.fixture
def shops(server: Server) -> Iterator[Shops]:
    """Three databases by name, each with 200 users."""
    with fresh_databases(server, *NAMES) as made:
        for shop in made.values():
            make_users(shop)
        yield made


@pytest.fixture
def places(shops: Shops) -> tuple[Place, ...]:
    """The same, as a fleet has them."""
    return tuple(Place(name=name, url=shop.url) for name, shop in shops.items())


@pytest.fixture
def listed(shops: Shops, tmp_path: Path) -> Path:
    """A file that lists them."""
    file = tmp_path / "databases.txt"
    file.write_text("# shops\n" + "".join(f"{name} = {shop.url}\n" for name, shop in shops.items()))
    return file


@pytest.fixture
def plan() -> Plan:
    return parse_plan(PLAN, "plan.yaml")


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN)
    return file
