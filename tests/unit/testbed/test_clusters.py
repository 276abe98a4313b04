# SPDX-License-Identifier: Apache-2.0
"""Which clusters the tests use, as the environment says."""

from pathlib import Path

import pytest

from tests.testbed import kind
from tests.testbed.clusters import clusters, missing


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Kubeconfigs of three clusters that exist."""
    made = [tmp_path / name for name in "abc"]
    for file in made:
        file.touch()
    return [*map(str, made)]


def test_two_clusters_that_exist(files: list[str]) -> None:
    """Gateways are configured in the first; images are there already."""
    environment = {"E2E_KUBECONFIGS": ":".join(files[:2])}
    assert not missing(environment)
    with clusters(environment) as found:
        assert [*map(str, found.edges.values())] == files[:2]
        assert str(found.hub) == files[0]
        assert not found.loading("edge-a", Path("image.tar"))


def test_third_cluster_is_the_hub(files: list[str]) -> None:
    """Where gateways are configured."""
    with clusters({"E2E_KUBECONFIGS": ":".join(files)}) as found:
        assert str(found.hub) == files[2]
        assert sorted(found.edges) == ["edge-a", "edge-b"]


def test_images_are_loaded_as_one_was_told(files: list[str]) -> None:
    """A command with the kubeconfig and the archive at its end."""
    with clusters({"E2E_KUBECONFIGS": ":".join(files), "E2E_LOAD": "push --to 'my registry'"}) as found:
        assert found.loading("edge-b", Path("i.tar")) == ["push", "--to", "my registry", files[1], "i.tar"]


@pytest.mark.parametrize(
    ("environment", "lacking"),
    [
        ({"E2E_KUBECONFIGS": "one"}, "two or three files"),
        ({"E2E_KUBECONFIGS": "not-there:nor-this"}, "the kubeconfig not-there"),
        ({"E2E_CLUSTERS": "minikube"}, "kind"),
    ],
)
def test_what_cannot_be_is_said(environment: dict[str, str], lacking: str) -> None:
    """Before anything is tried."""
    assert any(lacking in one for one in missing(environment))


def test_kind_needs_docker_and_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither is there where nothing is."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [one.split(",")[0] for one in missing({"E2E_CLUSTERS": "kind"})] == ["docker", "kind"]


def test_commands_for_kind() -> None:
    """A cluster by its name, and its kubeconfig in a file of its own rather than in the user's."""
    file = Path("/tmp/edge-a.kubeconfig")  # noqa: S108 - nothing is written
    assert kind.creating("c", file)[:7] == ["kind", "create", "cluster", "--name", "c", "--kubeconfig", str(file)]
    assert kind.loading("c", Path("i.tar")) == ["kind", "load", "image-archive", "i.tar", "--name", "c"]
    assert kind.deleting("c", file) == ["kind", "delete", "cluster", "--name", "c", "--kubeconfig", str(file)]
