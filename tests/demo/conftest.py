"""A server with a small shop, for the tests of the demo's parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from crossfade.demo import shop
from crossfade.demo.app import Settings
from crossfade.demo.traffic import AppProcess
from crossfade.postgres.server import EmbeddedServer

from ..fixtures import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.demo.happenings import Happening

ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The shop, a connection of its owner, and the settings of an app that has it to itself."""

    server: EmbeddedServer
    connection: psycopg.Connection[Any]
    settings: Settings


@pytest.fixture
def shop_server(running_servers: servers.Servers) -> Iterator[EmbeddedServer]:
    """The embedded server of the session; the shop's databases and role are gone from it afterwards."""
    server = running_servers.get(servers.Choice(kind="embedded"))
    assert isinstance(server, EmbeddedServer)
    try:
        yield server
    finally:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            for name in (shop.DATABASE, shop.TWIN_DATABASE):
                admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(shop.APP_ROLE)))


@pytest.fixture
def small_shop(shop_server: EmbeddedServer) -> Iterator[Shop]:
    """A shop whose apps find the function that their heartbeats call."""
    server = shop_server
    with psycopg.connect(shop.make_shop(server, ROWS), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA crossfade")
        connection.execute(
            "CREATE FUNCTION crossfade.heartbeat(app text, version text, instance text) RETURNS void LANGUAGE sql AS ''"
        )
        connection.execute("GRANT USAGE ON SCHEMA crossfade TO shop_app")
        settings = Settings(
            url=shop.app_url(server),
            version="1.4.0",
            instance="pod-a",
            column="email",
            rows=ROWS,
            share=0,
            shares=1,
            rate=1000,
        )
        yield Shop(server=server, connection=connection, settings=settings)


@pytest.fixture
def heard() -> list[Happening]:
    """What a listener heard; its `append` is the listener."""
    return []


@pytest.fixture
def app(small_shop: Shop, heard: list[Happening]) -> Iterator[AppProcess]:
    """One app at work in the shop."""
    process = AppProcess(small_shop.settings, heard.append)
    try:
        process.await_work()
        yield process
    finally:
        process.kill()
