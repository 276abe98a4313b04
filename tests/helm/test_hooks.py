# SPDX-License-Identifier: Apache-2.0
"""Hooks: migrations before, configuration after, and a test that asks for a plan."""

from relocate.configuration import parse
from tests.helm.chart import Helm, one, variables


def test_documents_are_those_of_the_values(helm: Helm) -> None:
    """The service reads from the ConfigMap what the values say, large numbers and strange characters too."""
    objects = helm.template("full.yaml")
    text = one(objects, "ConfigMap", "-configuration")["data"]["documents.yaml"]
    found = {each.entry.name: each.entry for each in parse(text, "documents.yaml")}
    assert found.keys() == {"edge", "mec-a", "mec-b", "navigator"}
    assert found["mec-a"].model_dump()["memory_mib"] == 1048576
    assert found["navigator"].model_dump()["routes"][0]["watch"]["path"] == "/whoami?a=1&b=<2>"


def test_migrations_need_nothing_of_the_release(helm: Helm) -> None:
    """They come before everything else: no service account, no ConfigMap of the chart."""
    job = one(helm.template("full.yaml"), "Job", "-migrations")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    spec = job["spec"]["template"]["spec"]
    assert "serviceAccountName" not in spec
    assert all("configMap" not in volume for volume in spec["volumes"])


def test_configuration_comes_after_the_processes(helm: Helm) -> None:
    """After an upgrade and a rollback as well, as documents may have changed with it."""
    job = one(helm.template("full.yaml"), "Job", "-configuration")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "post-install,post-upgrade,post-rollback"
    assert "configuration" not in {
        each["metadata"]["name"].rpartition("-")[2] for each in helm.template("minimal.yaml")
    }


def test_hooks_leave_nothing_behind(helm: Helm) -> None:
    """What Helm does not take away by itself goes when it has succeeded, or in time; whoever waits for it sees why it failed."""
    for each in helm.template("full.yaml"):
        annotations = each["metadata"].get("annotations", {})
        if "helm.sh/hook" in annotations:
            assert "hook-succeeded" in annotations["helm.sh/hook-delete-policy"]
            assert "hook-failed" in annotations["helm.sh/hook-output-log-policy"]
            assert each["kind"] == "Pod" or each["spec"]["ttlSecondsAfterFinished"] > 0


def test_the_test_asks_for_a_plan(helm: Helm) -> None:
    """A real dry run, through the Service."""
    pod = one(helm.template("full.yaml"), "Pod", "-dry-run")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    (container,) = pod["spec"]["containers"]
    assert container["args"] == ["start", "navigator", "--target", "mec-b", "--dry-run"]
    assert variables(container)["RELOCATE_SERVER"] == "https://edge-edge-relocation-api.relocation.svc:8070"


def test_what_asks_the_api_trusts_its_authority_and_has_no_key(helm: Helm) -> None:
    """Of the Secret that is named, or of the certificate's own, as cert-manager writes it; without TLS there is nothing to trust."""
    for more, secret in ((), "api-authority"), (("--set", "api.tls.caSecret.name="), "api-tls"):
        objects = helm.template("full.yaml", *more)
        for spec in (
            one(objects, "Job", "-configuration")["spec"]["template"]["spec"],
            one(objects, "Pod", "-dry-run")["spec"],
        ):
            (container,) = spec["containers"]
            assert variables(container)["RELOCATE_CA_FILE"] == "/etc/relocate/api-authority/ca.crt"
            (volume,) = (volume for volume in spec["volumes"] if volume["name"] == "api-authority")
            assert volume["secret"] == {"secretName": secret, "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    asks = ("--set", "test.application=navigator,test.target=mec-b,tokens.clientSecret.name=admin")
    (container,) = one(helm.template("minimal.yaml", *asks), "Pod", "-dry-run")["spec"]["containers"]
    assert variables(container)["RELOCATE_SERVER"] == "http://edge-edge-relocation-api.relocation.svc:8070"
    assert "RELOCATE_CA_FILE" not in variables(container)
