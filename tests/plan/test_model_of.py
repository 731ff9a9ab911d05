"""The models of changes, each out of its file."""

from __future__ import annotations

import subprocess
import sys

import pytest

from crossfade.plan import changes
from crossfade.plan.changes import Change, model_of
from crossfade.plan.entries import kinds_of

ONE = """
import sys
from crossfade.plan.changes import model_of
model_of("add_column")
print(*(name for name in sys.modules if name.startswith("crossfade.plan.changes.")))
"""


def test_every_kind_has_its_model_in_a_file_of_its_name() -> None:
    assert {kind: model_of(kind) for kind in kinds_of(Change)} == kinds_of(Change)


def test_the_model_of_a_kind_comes_without_the_others() -> None:
    done = subprocess.run([sys.executable, "-c", ONE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["crossfade.plan.changes.fields", "crossfade.plan.changes.add_column"]


def test_a_name_that_is_no_kind_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'AddNothing'"):
        changes.AddNothing  # type: ignore[attr-defined]  # noqa: B018  # asking for it is the test
