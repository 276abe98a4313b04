# SPDX-License-Identifier: Apache-2.0
"""From what an application says to the objects of one cluster."""

from pathlib import Path

import pytest

from relocate.checking import checked
from relocate.clusters.kubernetes.settings import FIELD, KubernetesSettings, KubernetesWorkload
from relocate.clusters.kubernetes.sources import namespace_of, objects
from relocate.clusters.kubernetes.sources.patches import merged
from relocate.errors import InvalidWorkload

SETTINGS = KubernetesSettings(namespaces=("apps", "more"))
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it"}, "data": {"a": "1", "b": "2"}}


def _workload(**said) -> KubernetesWorkload:
    return checked(KubernetesWorkload, {"manifests": [CONFIG]} | said, at=FIELD, error=InvalidWorkload)


async def _objects(workload: KubernetesWorkload, settings: KubernetesSettings = SETTINGS, cluster: str = "mec-b"):
    return await objects(cluster, settings, "echo", workload)


async def test_each_object_gets_the_namespace():
    """The application's, where it names none itself."""
    (found,) = await _objects(_workload())
    assert found["metadata"] == {"name": "it", "namespace": "apps"}


async def test_what_differs_on_one_cluster_is_merged_in():
    """And on no other."""
    patch = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it"}, "data": {"a": "9", "b": None}}
    workload = _workload(overrides={"mec-b": {"patches": [patch], "namespace": "more"}})
    (here,) = await _objects(workload)
    (there,) = await _objects(workload, cluster="mec-a")
    assert (here["data"], here["metadata"]["namespace"]) == ({"a": "9"}, "more")
    assert (there["data"], there["metadata"]["namespace"]) == ({"a": "1", "b": "2"}, "apps")


async def test_a_patch_for_nothing_is_refused():
    """A slip of the pen must not pass silently."""
    patch = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "its"}}
    with pytest.raises(InvalidWorkload, match=r"^workloads\.kubernetes\.overrides: .* ConfigMap its, which is not"):
        await _objects(_workload(overrides={"mec-b": {"patches": [patch]}}))


async def test_an_object_that_stands_twice_is_refused():
    """Which of both is meant cannot be known."""
    with pytest.raises(InvalidWorkload, match="ConfigMap it stands twice"):
        await _objects(_workload(manifests=[CONFIG, CONFIG]))


async def test_an_object_without_a_name_is_refused():
    """With what is there of it."""
    nameless = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}
    with pytest.raises(InvalidWorkload, match=r"each object needs apiVersion, kind and metadata\.name"):
        await _objects(_workload(manifests=[nameless]))


def test_a_namespace_that_the_cluster_does_not_allow_is_refused():
    """And those that it allows are named."""
    with pytest.raises(InvalidWorkload, match=r"^workloads\.kubernetes\.namespace: other is none of .* apps, more"):
        namespace_of("mec-b", SETTINGS, _workload(namespace="other"))


@pytest.mark.parametrize("said", [{}, {"manifests": [CONFIG], "kustomize": "folder"}])
def test_an_application_says_exactly_one_source(said):
    """None is as wrong as two."""
    with pytest.raises(InvalidWorkload, match="exactly one of manifests, kustomize, helm"):
        checked(KubernetesWorkload, said, at=FIELD, error=InvalidWorkload)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("../elsewhere", "leads out of the cluster's sources"),
        ("/etc", "leads out of the cluster's sources"),
        ("not-there", "is not in the cluster's sources on this worker"),
    ],
)
async def test_paths_stay_inside_the_sources(tmp_path: Path, path: str, complaint: str):
    """What an application's author writes must not read the worker's disk."""
    settings = KubernetesSettings(sources=tmp_path)
    with pytest.raises(InvalidWorkload, match=complaint):
        await _objects(KubernetesWorkload(kustomize=path), settings)


async def test_a_cluster_without_sources_renders_no_folder():
    """The setting that is missing is named."""
    with pytest.raises(InvalidWorkload, match="settings name no folder `sources`"):
        await _objects(KubernetesWorkload(kustomize="folder"))


async def test_a_worker_without_the_program_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Charts are rendered by helm, and helm has to be there."""
    (tmp_path / "chart").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidWorkload, match="the worker has no program helm"):
        await _objects(KubernetesWorkload(helm={"chart": "chart"}), KubernetesSettings(sources=tmp_path))


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merging_is_that_of_rfc_7386(target, patch, result):
    """Cases of its appendix A."""
    assert merged(target, patch) == result
