# SPDX-License-Identifier: Apache-2.0
"""Charts and kustomizations, rendered by the real programs, and placed on a real cluster."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from relocate.clusters.contract import InstanceState, Workload
from relocate.errors import InvalidWorkload
from tests.e2e.edge import Edge
from tests.e2e.ground import APPLICATION, INSTANCE, Ground
from tests.e2e.sample import manifests
from tests.programs.build import HELM, KUBERNETES, build

HOOK = """
apiVersion: v1
kind: ConfigMap
metadata: {name: hook, annotations: {helm.sh/hook: pre-install}}
"""
SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {greeting: {{ .Values.greeting | quote }}, release: {{ .Release.Name | quote }}, in: {{ .Release.Namespace | quote }}}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def ground(edge_a: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    """A cluster whose sources are a folder of this test's, on a worker that has both programs."""
    programs = f"{build(HELM)}:{build(KUBERNETES)}"
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    (tmp_path / "sources").mkdir()
    async with Ground.open(edge_a, tmp_path, sources=str(tmp_path / "sources")) as ground:
        yield ground


def _workload(**said: Any) -> Workload:
    return Workload(application=APPLICATION, instance=INSTANCE, ports=("http",), settings=said)


async def test_a_chart_is_rendered_with_the_clusters_own_values(ground: Ground, tmp_path: Path) -> None:
    """Its release is the application's name; hooks are left out, and so is Helm's record of a release."""
    chart = tmp_path / "sources" / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "chart", "version": "1.0.0"}))
    (chart / "values.yaml").write_text("greeting: nobody\n")
    (chart / "templates" / "sample.yaml").write_text(yaml.safe_dump_all(manifests("echo")))
    (chart / "templates" / "settings.yaml").write_text(SETTINGS)
    (chart / "templates" / "hook.yaml").write_text(HOOK)
    helm = {"chart": "chart", "values": {"greeting": "everybody"}}
    await ground.deploy(_workload(helm=helm, overrides={"mec-a": {"values": {"greeting": "mec-a"}}}))
    await ground.reaches(InstanceState.RUNNING)
    found = await ground.find("v1", "ConfigMap", "settings")
    assert found is not None
    assert found["data"] == {"greeting": "mec-a", "release": "echo", "in": ground.namespace}
    assert await ground.find("v1", "ConfigMap", "hook") is None
    await ground.remove()
    await ground.is_gone()
    assert await ground.find("v1", "ConfigMap", "settings") is None


async def test_a_chart_that_cannot_be_rendered_says_why(ground: Ground, tmp_path: Path) -> None:
    """In helm's words, under the field's name; nothing is made."""
    chart = tmp_path / "sources" / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "chart", "version": "1.0.0"}))
    (chart / "templates" / "broken.yaml").write_text('{{ required "greeting is needed" .Values.greeting }}\n')
    with pytest.raises(InvalidWorkload, match=r"^workloads\.kubernetes\.helm: helm: .*greeting is needed"):
        await ground.deploy(_workload(helm={"chart": "chart"}))
    assert (await ground.observe()).state is InstanceState.ABSENT


async def test_a_kustomization_has_an_overlay_for_each_cluster(ground: Ground, tmp_path: Path) -> None:
    """The folder that the cluster's override names, in place of the other."""
    base, overlay = tmp_path / "sources" / "base", tmp_path / "sources" / "mec-a"
    for folder in (base, overlay):
        folder.mkdir()
    (base / "sample.yaml").write_text(yaml.safe_dump_all(manifests("echo")))
    (base / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["sample.yaml"]}))
    replicas = {"resources": ["../base"], "replicas": [{"name": "echo", "count": 2}]}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(replicas))
    await ground.deploy(_workload(kustomize="base", overrides={"mec-a": {"kustomize": "mec-a"}}))
    assert (await ground.reaches(InstanceState.RUNNING)).capacity == 2
