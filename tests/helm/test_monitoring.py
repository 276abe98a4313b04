# SPDX-License-Identifier: Apache-2.0
"""Alerts, dashboards and what is scraped."""

import json
from collections.abc import Mapping

import yaml

from tests.helm.chart import PROCESSES, ROOT, Helm, one


def test_alerts_and_dashboards_are_the_files(helm: Helm) -> None:
    """As they are tested in tests/observability, templates of Prometheus untouched."""
    files = ROOT / "helm/edge-relocation/files"
    objects = helm.template("full.yaml")
    told = one(objects, "PrometheusRule", "")["spec"]
    assert told == yaml.safe_load((files / "prometheus/rules.yaml").read_text())
    shown: Mapping[str, str] = one(objects, "ConfigMap", "-dashboards")["data"]
    kept = {file.name: json.loads(file.read_text()) for file in (files / "grafana/dashboards").glob("*.json")}
    assert {name: json.loads(text) for name, text in shown.items()} == kept


def test_every_process_is_scraped(helm: Helm) -> None:
    """By one monitor, which finds the three Services without an address."""
    objects = helm.template("full.yaml")
    selector = one(objects, "ServiceMonitor", "")["spec"]["selector"]["matchLabels"]
    found = [
        each for each in objects if each["kind"] == "Service" and selector.items() <= each["metadata"]["labels"].items()
    ]
    assert {each["spec"]["selector"]["app.kubernetes.io/component"] for each in found} == set(PROCESSES)
    assert {each["spec"]["ports"][0]["name"] for each in found} == {"health"}
