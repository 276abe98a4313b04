# SPDX-License-Identifier: Apache-2.0
"""Alerts: each has a case in which it fires and one in which it does not, says what it is about, and has a page to go to."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.metrics_page import api_rows, control_rows, worker_rows

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "helm/edge-relocation/files/prometheus/rules.yaml"
CASES = Path(__file__).parent / "rules_test.yaml"
NAME = re.compile(r"\b((?:relocate|temporal)_[a-z_]+)\b")


def rules() -> list[dict[str, Any]]:
    """Every alert."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def cases(alert: str) -> list[dict[str, Any]]:
    """What the unit tests say of one alert."""
    tests = yaml.safe_load(CASES.read_text())["tests"]
    return [case for test in tests for case in test["alert_rule_test"] if case["alertname"] == alert]


def test_promtool_understands_every_rule(promtool: str) -> None:
    """The syntax of rules, expressions and templates."""
    subprocess.run([promtool, "check", "rules", str(RULES)], check=True, capture_output=True)


def test_alerts_fire_when_they_should_and_not_before(promtool: str) -> None:
    """Every case of rules_test.yaml."""
    found = subprocess.run([promtool, "test", "rules", str(CASES)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_is_whole(rule: dict[str, Any]) -> None:
    """Severity, summary, description, and a section of a page that exists."""
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    page, _, section = rule["annotations"]["runbook_url"].partition("#")
    assert section == rule["alert"].lower()
    assert f"## {rule['alert']}\n" in (ROOT / page).read_text()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(rule: dict[str, Any]) -> None:
    """An alert that nobody has seen fire is a hope."""
    assert {bool(case.get("exp_alerts")) for case in cases(rule["alert"])} == {True, False}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_is_about_metrics_that_exist(rule: dict[str, Any]) -> None:
    """Those of the reference page. Temporal's own are looked for in a real scrape, with the dashboards."""
    known = {row.name for rows in (api_rows(), worker_rows(), control_rows()) for row in rows}
    ours = {name for name in NAME.findall(rule["expr"]) if name.startswith("relocate_")}
    assert ours <= known
