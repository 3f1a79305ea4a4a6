"""The dashboard: JSON that Grafana loads, and panels that ask for what is really exported."""

import json
from itertools import combinations
from typing import Any

import pytest
from exported_series import CONFIG, exported, unknown

BOARD: dict[str, Any] = json.loads((CONFIG / "grafana" / "genesis-ops.json").read_text())
PANELS: list[dict[str, Any]] = BOARD["panels"]
TITLES = [panel["title"] for panel in PANELS]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def test_it_has_what_grafana_needs_to_load_it() -> None:
    assert BOARD["uid"] == "genesis-ops"
    assert BOARD["schemaVersion"] >= 36
    assert "id" not in BOARD, "an id belongs to one installation"
    ids = [panel["id"] for panel in PANELS]
    assert len(ids) == len(set(ids))
    variables = {variable["name"]: variable["type"] for variable in BOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "instance": "query", "market": "query"}


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_a_panel_asks_for_what_is_exported_from_the_source_and_host_that_were_chosen(panel: dict[str, Any]) -> None:
    assert panel["type"] in {"stat", "timeseries", "state-timeline"}
    assert panel["targets"]
    for target in panel["targets"]:
        assert list(unknown(target["expr"], exported())) == []
        assert 'instance=~"$instance",market=~"$market"' in target["expr"]
        assert target["datasource"] == panel["datasource"] == SOURCE


def test_the_variables_ask_for_what_is_exported() -> None:
    asked = [variable["query"] for variable in BOARD["templating"]["list"] if variable["type"] == "query"]
    assert [name for query in asked for name in unknown(query, exported())] == []


def test_no_two_panels_lie_over_each_other_and_none_beside_the_screen() -> None:
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        under = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or under
