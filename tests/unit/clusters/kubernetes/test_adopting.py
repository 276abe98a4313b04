# SPDX-License-Identifier: Apache-2.0
"""What runs, compared with what an application says, and how the pods of it are found."""

from typing import Any

import pytest

from relocate.clusters.kubernetes.adopting import selectors, unlike


def workload(selector: dict[str, Any]) -> dict[str, Any]:
    """Something that has pods."""
    return {"kind": "Deployment", "spec": {"selector": selector, "template": {"spec": {"containers": []}}}}


@pytest.mark.parametrize(
    ("wanted", "found", "said"),
    [
        ({"a": 1}, {"a": 1, "filled in": 2}, []),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 1, "d": 2}]}}, []),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 2}]}}, ["a.b[0].c: there is 2, the next cluster gets 1"]),
        ({"a": "x"}, {}, ["a: there is nothing, the next cluster gets x"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a: there is [1, 2], the next cluster gets [1]"]),
        ({"a": {}}, {}, []),
    ],
)
def test_what_differs_is_told_with_its_place(wanted: dict[str, Any], found: dict[str, Any], said: list[str]) -> None:
    """What the cluster has filled in is no difference, and neither is what was left empty."""
    assert list(unlike(wanted, found)) == said


def test_pods_are_found_by_the_selectors_of_their_workloads() -> None:
    """As API servers take them; what has no pods has none."""
    expressions = [
        {"key": "tier", "operator": "In", "values": ["web", "api"]},
        {"key": "old", "operator": "DoesNotExist"},
        {"key": "app", "operator": "Exists"},
    ]
    service = {"kind": "Service", "spec": {"selector": {"app": "shop"}}}
    found = selectors(
        [service, workload({"matchLabels": {"app": "shop"}}), workload({"matchExpressions": expressions})]
    )
    assert found == ("app=shop", "tier in (web,api),!old,app")
