# SPDX-License-Identifier: Apache-2.0
"""Workers of several builds: a Deployment for each, and hooks that keep those that are needed."""

from typing import Any

import pytest

from tests.helm.chart import Helm, containers, one, variables

LONG = "a-build-whose-name-is-rather-longer-than-others"
IMAGES = {
    "v0.2_rc.1": "edge-relocation:v0.2_rc.1",
    LONG: f"edge-relocation:{LONG}",
    "0123456789ab": f"edge-relocation@sha256:{'0123456789abcdef' * 4}",
}
"""Of tests/helm/values/builds.yaml, by build."""


def test_each_build_has_workers_of_its_own(helm: Helm) -> None:
    """Of its image, and they say which they are; no two Deployments select the same pods."""
    found = [each for each in helm.template("builds.yaml") if "-worker-" in each["metadata"]["name"]]
    workers = [each for each in found if each["kind"] == "Deployment"]
    told = {variables(one)["RELOCATE_WORKER_BUILD"]: one["image"] for _, one in containers(workers)}
    assert told == IMAGES
    selectors = [each["spec"]["selector"]["matchLabels"] for each in workers]
    assert len({one["relocate.edge/build"] for one in selectors}) == len(IMAGES)


def test_an_upgrade_leaves_the_pods_of_a_kept_build_alone(helm: Helm) -> None:
    """A build that was the release's image and now drains has the very same Deployment."""
    before = _worker(helm, "image.tag=one")
    assert before["metadata"]["name"].endswith("-worker-one")
    assert _worker(helm, "image.tag=two", "worker.versioning.draining[0].tag=one") == before


def test_hooks_name_what_is_kept(helm: Helm) -> None:
    """Before an upgrade or a way back, by name; afterwards the release's own build is promoted."""
    objects = helm.template("builds.yaml")
    kept = [part for build in IMAGES for part in ("--keep", build)]
    for name, hook, arguments in (
        ("-drained", "pre-upgrade", ["builds", *kept]),
        ("-drained-back", "pre-rollback", ["builds", "--going-back", *kept]),
        ("-promotion", "post-install,post-upgrade,post-rollback", ["promote", "v0.2_rc.1"]),
    ):
        job = one(objects, "Job", name)
        assert job["metadata"]["annotations"]["helm.sh/hook"] == hook
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["args"] == arguments


def test_without_versioning_there_are_no_builds(helm: Helm) -> None:
    """One Deployment of workers that say nothing; builds that drain would be carried on by nobody."""
    objects = helm.template("minimal.yaml")
    (container,) = one(objects, "Deployment", "-worker")["spec"]["template"]["spec"]["containers"]
    assert "RELOCATE_WORKER_BUILD" not in variables(container)
    assert "draining: needs worker.versioning.enabled" in helm.refusal("--set", "worker.versioning.draining[0].tag=one")


@pytest.mark.parametrize("draining", ["{tag: a, digest: b}", "{}", "a"])
def test_a_draining_build_has_one_name(helm: Helm, draining: str) -> None:
    """A tag or a digest."""
    assert "draining" in helm.refusal("--set-json", f"worker.versioning.draining=[{draining}]")


def _worker(helm: Helm, *values: str) -> Any:
    """The Deployment of the workers of build `one`."""
    told = [part for value in ("worker.versioning.enabled=true", *values) for part in ("--set", value)]
    return one(helm.template("minimal.yaml", *told), "Deployment", "-worker-one")
