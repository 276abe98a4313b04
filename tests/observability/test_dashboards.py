# SPDX-License-Identifier: Apache-2.0
"""Every query of every dashboard gives data, on a real Prometheus that scrapes a real service.

Grafana itself is not here: no package index that this project uses has it. So its files are held to a schema of what it reads.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import pytest_asyncio
import yaml

from tests.observability.scraping import Service
from tests.observability.server import Prometheus, scraping
from tests.observability.test_rules import NAME, RULES

FOLDER = Path(__file__).resolve().parents[2] / "helm/edge-relocation/files/grafana/dashboards"
SCHEMA = json.loads((Path(__file__).parent / "dashboard.schema.json").read_text())
DASHBOARDS = {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}
SHOWN = {"$__rate_interval": "2m", "$__range": "10m"}
"""What Grafana puts in for these."""


def queries() -> Iterator[tuple[str, str]]:
    """Every expression, by where it stands."""
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                yield f"{name}: {panel['title']}: {target['refId']}", target["expr"]


def variables() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every variable that is looked up, by where it stands."""
    for name, dashboard in DASHBOARDS.items():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{name}: {variable['name']}", variable


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def watched(
    service: Service, prometheus: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Prometheus]:
    """Prometheus has seen relocations, one that went back among them, from before their beginning to their end."""
    async with scraping(prometheus, tmp_path_factory.mktemp("prometheus"), service.ports) as watching:
        await watching.until("count(relocate_build_info) == 3")
        await service.relocate()
        await service.go_back()
        await service.relocate()
        await service.go_back()
        await watching.until("min(changes(relocate_relocations_total{outcome=~'completed|cancelled'}[10m])) >= 2")
        yield watching


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_what_grafana_reads(name: str) -> None:
    """By the schema beside this test; every panel has a title, a unit and a place of its own."""
    dashboard = DASHBOARDS[name]
    jsonschema.Draft202012Validator(SCHEMA).validate(dashboard)
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    cells = [cell for panel in dashboard["panels"] for cell in _cells(panel["gridPos"])]
    assert len(set(cells)) == len(cells), "panels overlap"
    assert max(x for x, _ in cells) < 24


def test_dashboards_have_names_of_their_own() -> None:
    """Grafana keeps one of each uid."""
    uids = [dashboard["uid"] for dashboard in DASHBOARDS.values()]
    assert len(uids) == 4
    assert len(set(uids)) == 4


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_variable_is_used_and_every_used_one_exists(name: str) -> None:
    """A variable that no query names changes nothing."""
    dashboard = DASHBOARDS[name]
    expressions = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ()))
    used = set(re.findall(r"\$(\w+)", expressions)) - {"__rate_interval", "__range"}
    assert used == {one["name"] for one in dashboard["templating"]["list"]} - {"datasource"}


@pytest.mark.parametrize(("where", "expression"), list(queries()), ids=lambda value: value if ": " in value else "")
async def test_a_panel_shows_something(watched: Prometheus, where: str, expression: str) -> None:
    """Its query gives at least one number once there have been relocations."""
    assert await watched.query(shown(expression)), where


@pytest.mark.parametrize(("where", "variable"), list(variables()), ids=lambda value: value if ": " in value else "")
async def test_a_variable_has_something_to_choose(watched: Prometheus, where: str, variable: dict[str, Any]) -> None:
    """`label_values(metric, label)` is one request to Prometheus; each value that is chosen leaves data to show."""
    metric, label = re.findall(r"\w+", variable["definition"].removeprefix("label_values"))
    assert variable["query"]["query"] == variable["definition"]
    values = await watched.ask(f"label/{label}/values", **{"match[]": metric})
    assert values, where
    dashboard = DASHBOARDS[where.partition(":")[0]]
    mine = [
        target["expr"]
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
        if f"${variable['name']}" in target["expr"]
    ]
    for value in values:
        assert any([await watched.query(shown(one, **{variable["name"]: value})) for one in mine]), value


async def test_rules_are_loaded_and_nothing_fires(watched: Prometheus) -> None:
    """A service that works and has no trouble alarms nobody; each metric of each rule exists."""
    groups = (await watched.ask("rules"))["groups"]
    found = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in found} <= {"ok", "unknown"}
    assert [rule["name"] for rule in found if rule["state"] == "firing"] == []
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    for name in sorted({name for rule in rules for name in NAME.findall(rule["expr"])}):
        assert await watched.query(f"count({name})"), name


def shown(expression: str, **chosen: str) -> str:
    """An expression as Grafana sends it; what is not chosen is all."""
    for name, value in SHOWN.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$(\w+)", lambda found: chosen.get(found[1], ".*"), expression)


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y
