"""Names of plans that come from statements."""

from __future__ import annotations

import pytest

from crossfade.migrations.typed import plan_name


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"add_enum_value": {"type": '"Role"', "value": "x"}}, "add-enum-value-role"),
        ({"drop_table": {"table": '"Odd.Shop"."Üser s"'}}, "drop-table-odd-shop-ser-s"),
        ({"drop_column": {"table": "t" * 63, "column": "c"}}, "drop-column-" + "t" * 43),
    ],
)
def test_names(entry: dict[str, dict[str, str]], name: str) -> None:
    assert plan_name((entry,)) == name
    assert len(name) <= 55
