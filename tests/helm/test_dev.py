# SPDX-License-Identifier: Apache-2.0
"""A trial: one pod with everything in it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from relocate.demo.system import TEMPORAL_TUNING
from relocate.workflow.visibility import KEYS
from tests.helm.chart import PROCESSES, Helm, Object, containers, one, variables

VALUES = "dev.yaml"


@pytest.fixture
def objects(helm: Helm) -> Sequence[Object]:
    """What is installed when nothing else is said."""
    return helm.template(VALUES)


def _pod(objects: Sequence[Object]) -> Mapping[str, Any]:
    template: Mapping[str, Any] = one(objects, "Deployment", "-dev")["spec"]["template"]
    return template


def test_there_is_one_pod_with_every_process(objects: Sequence[Object]) -> None:
    """No hook, and no budget that would keep a node from being drained."""
    assert [each["metadata"]["name"] for each in objects if each["kind"] in {"Deployment", "Job"}] == [
        "edge-edge-relocation-dev"
    ]
    assert [one["name"] for one in _pod(objects)["spec"]["containers"]] == ["temporal", *PROCESSES]
    assert "PodDisruptionBudget" not in {each["kind"] for each in objects}


def test_nothing_has_to_be_there_before(objects: Sequence[Object]) -> None:
    """Every Secret that is read is the release's own: a token that the API takes."""
    made = one(objects, "Secret", "-dev-tokens")
    read = [value for _, each in containers(objects) for value in variables(each).values() if isinstance(value, dict)]
    assert {value["secretKeyRef"]["name"] for value in read} == {made["metadata"]["name"]}
    (token,) = json.loads(made["stringData"]["tokens"])
    assert (token["token"], token["scopes"]) == (made["stringData"]["token"], ["admin"])
    assert len(token["token"]) == 40


def test_each_release_has_a_token_of_its_own(helm: Helm, objects: Sequence[Object]) -> None:
    """It is made when it is installed."""
    tokens = {one(each, "Secret", "-dev-tokens")["stringData"]["token"] for each in (objects, helm.template(VALUES))}
    assert len(tokens) == 2


def test_temporal_is_as_the_service_wants_it(objects: Sequence[Object]) -> None:
    """With its search attributes, quick polls, and its file where the database is."""
    (temporal,) = [each for _, each in containers(objects) if each["name"] == "temporal"]
    told = list(zip(temporal["args"], temporal["args"][1:], strict=False))
    assert [after for option, after in told if option == "--search-attribute"] == [
        f"{key.name}=Keyword" for key in KEYS
    ]
    tuned = [after for option, after in told if option == "--dynamic-config-value"]
    assert sorted(tuned) == sorted(TEMPORAL_TUNING)
    mounts = {mount["mountPath"] for mount in temporal["volumeMounts"] if not mount.get("readOnly")}
    assert mounts == {"/tmp", "/var/lib/relocate"}  # noqa: S108 - of a container


def test_services_and_policies_reach_the_pod(helm: Helm) -> None:
    """By its labels and by ports that it has, each once."""
    objects = helm.template(VALUES, "--set", "gatewayControl.tlsSecret=control")
    pod = _pod(objects)
    ports = [port for each in pod["spec"]["containers"] for port in each.get("ports", ())]
    names = [port["name"] for port in ports]
    assert len({*names}) == len({port["containerPort"] for port in ports}) == len(ports)
    services = [each["spec"] for each in objects if each["kind"] == "Service"]
    assert len(services) == 3
    for spec in services:
        assert spec["selector"].items() <= pod["metadata"]["labels"].items()
        assert {port["targetPort"] for port in spec["ports"]} <= {*names}
    policy = one(objects, "NetworkPolicy", "-dev")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert [rule["ports"][0]["port"] for rule in policy["ingress"]] == ["http", "health", "xds"]


def test_it_has_the_rights_of_all_processes(helm: Helm) -> None:
    """By one account: that is what one pod means."""
    objects = helm.template(VALUES, "--set", "rights.applications[0]=games")
    subjects = {subject["name"] for each in objects for subject in each.get("subjects", ())}
    assert subjects == {one(objects, "ServiceAccount", "-dev")["metadata"]["name"]}
    spec = _pod(objects)["spec"]
    assert ({spec["serviceAccountName"]}, spec["automountServiceAccountToken"]) == (subjects, True)


def test_what_it_keeps_goes_with_the_pod_or_stays_in_a_claim(helm: Helm, objects: Sequence[Object]) -> None:
    """One pod at a time writes it."""
    assert one(objects, "Deployment", "-dev")["spec"]["strategy"] == {"type": "Recreate"}
    for found, source in (
        (objects, "emptyDir"),
        (helm.template(VALUES, "--set", "dev.claim=kept"), "persistentVolumeClaim"),
    ):
        (state,) = [volume for volume in _pod(found)["spec"]["volumes"] if volume["name"] == "state"]
        assert source in state


@pytest.mark.parametrize(
    "setting",
    [
        "database.host=db.internal",
        "database.urlSecret.name=database",
        "database.passwordSecret.name=database",
        "temporal.address=temporal:7233",
        "temporal.tls.enabled=true",
        "temporal.apiKeySecret.name=key",
        "worker.versioning.enabled=true",
        "worker.versioning.draining[0].tag=one",
    ],
)
def test_what_makes_no_sense_beside_it_is_refused_by_name(helm: Helm, setting: str) -> None:
    """Nobody is to believe that his database is used."""
    assert f"{setting.partition('=')[0].partition('[')[0]}: not beside dev.enabled" in helm.refusal(
        "--set", setting, values=VALUES
    )
