# SPDX-License-Identifier: Apache-2.0
"""What the chart renders is what Kubernetes takes, and all of it keeps the same rules."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml
from kubernetes.client import models
from pydantic import BaseModel

from tests.helm.chart import CHART, VALUES, Helm, Object, containers, pods

FILES = sorted(file.name for file in VALUES.glob("*.yaml"))
APART = sorted({*FILES} - {"dev.yaml"})
"""By which each process has pods of its own."""
LONGEST = "a-release-whose-name-is-as-long-as-helm-allows-it-x-y"
"""53 characters."""
KNOWN: Mapping[tuple[str, str], type[BaseModel]] = {
    ("apps/v1", "Deployment"): models.V1Deployment,
    ("batch/v1", "Job"): models.V1Job,
    ("networking.k8s.io/v1", "NetworkPolicy"): models.V1NetworkPolicy,
    ("policy/v1", "PodDisruptionBudget"): models.V1PodDisruptionBudget,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): models.V1ClusterRole,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): models.V1ClusterRoleBinding,
    ("rbac.authorization.k8s.io/v1", "Role"): models.V1Role,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): models.V1RoleBinding,
    ("v1", "ConfigMap"): models.V1ConfigMap,
    ("v1", "Pod"): models.V1Pod,
    ("v1", "Secret"): models.V1Secret,
    ("v1", "Service"): models.V1Service,
    ("v1", "ServiceAccount"): models.V1ServiceAccount,
}
"""The kinds that are rendered, all of them stable in Kubernetes 1.28, and their schemas: unknown fields and wrong types fail."""
OPERATORS = {"ServiceMonitor", "PrometheusRule"}
"""Kinds of the Prometheus operator, which has no schema here."""


@pytest.fixture(params=FILES)
def rendered(request: pytest.FixtureRequest, helm: Helm) -> Sequence[Object]:
    """The objects of one file of values."""
    return helm.template(request.param)


@pytest.mark.parametrize("values", FILES)
def test_helm_finds_nothing_to_say(helm: Helm, values: str) -> None:
    """No error, and no warning either."""
    helm.run("lint", "--strict", "--quiet", str(CHART), "--values", str(VALUES / values))


def test_kubernetes_takes_every_object(rendered: Sequence[Object]) -> None:
    """By the models of the client, which are made of Kubernetes' own OpenAPI."""
    for each in rendered:
        if each["kind"] in OPERATORS:
            assert each["apiVersion"] == "monitoring.coreos.com/v1"
            continue
        KNOWN[each["apiVersion"], each["kind"]].model_validate(each, by_alias=True, by_name=False)


def test_a_field_that_kubernetes_does_not_know_is_seen(helm: Helm) -> None:
    """The test above can fail."""
    deployment: Any = next(each for each in helm.template("minimal.yaml") if each["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["serviceAcount"] = "api"
    with pytest.raises(ValueError, match="serviceAcount"):
        models.V1Deployment.model_validate(deployment, by_alias=True, by_name=False)


def test_every_pod_keeps_the_restricted_standard(rendered: Sequence[Object]) -> None:
    """Pod Security Standard `restricted`, a read-only root file system, and a user by number."""
    for _, spec in pods(rendered):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        assert all(not one.keys() & {"hostPath"} for one in spec["volumes"])
    for _, container in containers(rendered):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_no_pod_gets_variables_of_services(rendered: Sequence[Object]) -> None:
    """A Service named relocate-api would otherwise set RELOCATE_API_PORT, to an address."""
    assert all(spec["enableServiceLinks"] is False for _, spec in pods(rendered))


def test_every_container_says_what_it_needs(rendered: Sequence[Object]) -> None:
    """Requests, a limit for memory, and none for CPU: a prober that is slowed down measures itself."""
    for _, container in containers(rendered):
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert container["resources"]["limits"].keys() == {"memory"}


def test_everything_has_the_recommended_labels(rendered: Sequence[Object]) -> None:
    """Kubernetes' recommended ones, and the chart."""
    for each in rendered:
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "edge-relocation"
        assert labels["app.kubernetes.io/instance"] == "edge"
        assert labels.keys() >= {
            "app.kubernetes.io/version",
            "app.kubernetes.io/component",
            "app.kubernetes.io/part-of",
        }


def test_everything_says_where_it_is(rendered: Sequence[Object]) -> None:
    """So that `helm template | kubectl apply` puts it there too."""
    for each in rendered:
        assert ("namespace" in each["metadata"]) is not each["kind"].startswith("ClusterRole")


def test_selectors_find_the_pods_of_one_process(helm: Helm) -> None:
    """Services, budgets and policies each select one Deployment's pods, and none of a hook."""
    objects = helm.template("full.yaml")
    by_component = {each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in _made_pods(objects)}
    for each in objects:
        selector = _selector(each)
        if selector is None:
            continue
        found = [name for name, pod in by_component.items() if selector.items() <= pod["metadata"]["labels"].items()]
        assert found == [each["metadata"]["labels"]["app.kubernetes.io/component"]], each["metadata"]["name"]


@pytest.mark.parametrize("release", [LONGEST, "r", "edge-relocation"])
def test_names_are_short_enough(helm: Helm, release: str) -> None:
    """63 characters, whatever the release is called, and two kinds of long names stay two."""
    objects = helm.template("full.yaml", release=release, namespace="n" * 63)
    names = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]
    assert max(len(name) for _, _, name in names) <= 63
    assert len(set(names)) == len(names)
    for each in objects:
        assert max(len(str(one)) for one in each["metadata"]["labels"].values()) <= 63


def test_two_releases_share_a_cluster(helm: Helm) -> None:
    """Of the same name in two namespaces, with rights in a third: nothing of one is the other's."""
    first, second = (_places(helm.template("full.yaml", namespace=namespace)) for namespace in ("one", "two"))
    assert not first & second


def test_the_charts_version_is_the_services() -> None:
    """The image that is installed is that of this source."""
    project = tomllib.loads((CHART.parents[1] / "pyproject.toml").read_text())["project"]
    told = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert told["appVersion"] == project["version"]


def _places(objects: Sequence[Object]) -> set[tuple[str, str, str]]:
    return {(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in objects}


def _made_pods(objects: Sequence[Object]) -> Sequence[Object]:
    return [each if each["kind"] == "Pod" else each["spec"]["template"] for each in objects if _makes_pods(each)]


def _makes_pods(each: Object) -> bool:
    return each["kind"] == "Pod" or "template" in each.get("spec", {})


def _selector(each: Object) -> Mapping[str, str] | None:
    spec = each.get("spec", {})
    match each["kind"]:
        case "Service":
            return dict(spec["selector"])
        case "NetworkPolicy":
            return dict(spec["podSelector"]["matchLabels"])
        case "Deployment" | "PodDisruptionBudget":
            return dict(spec["selector"]["matchLabels"])
    return None
