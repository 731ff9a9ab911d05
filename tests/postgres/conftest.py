"""Fixtures for what reads and changes a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .shop import Shop, open_shop

if TYPE_CHECKING:
    from ..fixtures.database import Database


@pytest.fixture
def shop(database: Database) -> Shop:
    """A database with something of everything that the catalog has to tell."""
    return open_shop(database)
