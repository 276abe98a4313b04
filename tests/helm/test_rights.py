# SPDX-License-Identifier: Apache-2.0
"""No process may do more, hold more or be reached by more than it needs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from tests.helm.chart import PROCESSES, ROOT, Helm, Object, containers, one, pods, variables
from tests.helm.test_manifests import APART


def rules(objects: Sequence[Object], component: str) -> Iterator[tuple[str, Any]]:
    """What the service account of a process may do: namespace, or nothing for the whole cluster, and rule."""
    roles = {
        each["metadata"]["name"] + each["metadata"].get("namespace", ""): each for each in objects if "rules" in each
    }
    for binding in objects:
        if not any(subject["name"].endswith(f"-{component}") for subject in binding.get("subjects", ())):
            continue
        namespace = binding["metadata"].get("namespace", "")
        yield from ((namespace, rule) for rule in roles[binding["roleRef"]["name"] + namespace]["rules"])


def test_rights_are_the_published_ones(helm: Helm) -> None:
    """The worker may do what the reference says, and nothing else."""
    found = list(rules(helm.template("full.yaml"), "worker"))
    driver = _published("kubernetes/cluster-role.yaml")
    steering = _published("gateway-api-role.yaml")
    for namespace, expected in {
        "": driver["", "edge-relocation"],
        "games": driver["apps", "edge-relocation"],
        "apps": [*driver["apps", "edge-relocation"], *steering["apps", "edge-relocation-steering"]],
        "infra": steering["infra", "edge-relocation-gateway"],
    }.items():
        assert _sorted(rule for place, rule in found if place == namespace) == _sorted(expected)
    assert {place for place, _ in found} == {"", "games", "apps", "infra"}


def test_the_control_plane_only_looks_at_instances(helm: Helm) -> None:
    """It reads what the worker writes; only routes are its own to write."""
    found = list(rules(helm.template("full.yaml"), "gateway-control"))
    writing = {verb for _, rule in found for verb in rule["verbs"]} - {"get", "list", "watch"}
    assert writing == {"create", "update", "delete"}
    written = {kind for _, rule in found if set(rule["verbs"]) & writing for kind in rule["resources"]}
    assert written == {"httproutes", "grpcroutes", "services", "endpointslices"}
    reads = {(place, kind) for place, rule in found for kind in rule["resources"] if "list" in rule["verbs"]}
    worker_reads = {
        (place, kind)
        for place, rule in rules(helm.template("full.yaml"), "worker")
        for kind in rule["resources"]
        if "list" in rule["verbs"]
    }
    assert reads == worker_reads


def test_the_api_only_looks_at_routes(helm: Helm) -> None:
    """It plans and reports; instances it may write as a dry run asks for that right."""
    found = [rule for _, rule in rules(helm.template("full.yaml"), "api")]
    of_routes = [rule for rule in found if "gateway.networking.k8s.io" in rule["apiGroups"]]
    assert {kind for rule in of_routes for kind in rule["resources"]} == {"httproutes", "grpcroutes", "gateways"}
    assert {verb for rule in of_routes for verb in rule["verbs"]} == {"get", "list"}


def test_nobody_has_rights_where_none_are_named(helm: Helm) -> None:
    """No role, no binding, and no token of a service account in any pod."""
    objects = helm.template("minimal.yaml")
    assert not [each for each in objects if each["kind"].endswith(("Role", "RoleBinding"))]
    assert all(spec["automountServiceAccountToken"] is False for _, spec in pods(objects))


def test_a_token_is_mounted_where_there_are_rights(helm: Helm) -> None:
    """In the processes; what only asks the API or the database has none."""
    mounted = {name: spec["automountServiceAccountToken"] for name, spec in pods(helm.template("full.yaml"))}
    assert {name.removeprefix("edge-edge-relocation-") for name, has in mounted.items() if has} == set(PROCESSES)


def test_no_rights_are_wildcards(helm: Helm) -> None:
    """Nor is there any to read Secrets, or to become somebody else."""
    for each in helm.template("full.yaml"):
        for rule in each.get("rules", ()):
            said = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            assert not said & {"*", "secrets", "impersonate", "escalate", "bind", "pods/exec"}


def test_secrets_are_only_referred_to(helm: Helm) -> None:
    """No object holds one, and no variable that is a secret has a value."""
    for values in APART:
        objects = helm.template(values)
        assert "Secret" not in {each["kind"] for each in objects}
        for _, container in containers(objects):
            for name, value in variables(container).items():
                secret = name.endswith(("PASSWORD", "TOKEN", "TOKENS", "API_KEY"))
                assert not secret or value.keys() == {"secretKeyRef"}, name


def test_who_may_connect_is_what_values_say(helm: Helm) -> None:
    """Each process's ports, each from its own peers."""
    objects = helm.template("full.yaml")
    policy = one(objects, "NetworkPolicy", "-gateway-control")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["ports"][0]["port"] for rule in policy["ingress"]] == ["health", "xds"]
    assert policy["ingress"][1]["from"] == [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
    callers = one(objects, "NetworkPolicy", "-api")["spec"]["ingress"][0]["from"]
    assert callers[0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "engine"}
    hook = one(objects, "Job", "-configuration")["spec"]["template"]["metadata"]["labels"]
    assert callers[1]["podSelector"]["matchLabels"].items() <= hook.items()
    worker_policy = one(objects, "NetworkPolicy", "-worker")["spec"]
    assert [rule["ports"][0]["port"] for rule in worker_policy["ingress"]] == ["health"]


def _published(file: str) -> Mapping[tuple[str, str], Any]:
    """The rules in docs/reference, by namespace and name."""
    objects = yaml.safe_load_all((ROOT / "docs/reference" / file).read_text())
    return {
        (each["metadata"].get("namespace", ""), each["metadata"]["name"]): each["rules"]
        for each in objects
        if "rules" in each
    }


def _sorted(found: Any) -> list[str]:
    return sorted(json.dumps(rule, sort_keys=True) for rule in found)
