# SPDX-License-Identifier: Apache-2.0
"""Names of Services, as pods resolve them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.programs.build import KUBERNETES, build
from tests.testbed.clusters import Clusters
from tests.testbed.images import write

IMAGE = "docker.io/testbed/kubectl:1"
POD = "ask-by-name"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "here", "cluster": {"certificate-authority": f"{ACCOUNT}/ca.crt"}}],
    "users": [{"name": "me", "user": {"tokenFile": f"{ACCOUNT}/token"}}],
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    "current-context": "here",
}
"""Of a pod that speaks with its cluster; whoever runs it says by which name."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def program(edge_clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """kubectl, of which the clusters have an image as well."""
    folder, built = tmp_path_factory.mktemp("kubectl"), build(KUBERNETES) / "kubectl"
    kubeconfig, archive = folder / "kubeconfig", folder / "kubectl.tar"
    kubeconfig.write_text(yaml.safe_dump(KUBECONFIG))
    write(IMAGE, archive, {"kubectl": built, "kubeconfig": kubeconfig}, ["/kubectl", "--kubeconfig=/kubeconfig"])
    edge_clusters.load(archive)
    return built


@pytest.fixture(params=["edge-a", "edge-b"])
def kubectl(request: pytest.FixtureRequest, edge_clusters: Clusters, program: Path) -> Iterator[list[str]]:
    """The command that speaks with one edge cluster; the pod is gone afterwards."""
    command = [str(program), "--kubeconfig", str(edge_clusters.edges[request.param])]
    yield command
    subprocess.run([*command, "delete", "pod", POD, "--now", "--ignore-not-found"], check=True)


@pytest.mark.parametrize("name", ["kubernetes.default", "kubernetes.default.svc"])
def test_pod_reaches_a_service_by_its_name(kubectl: list[str], name: str) -> None:
    """The kubelet gave it the address to ask at, and the list of what may follow a short name."""
    run = ["run", POD, f"--image={IMAGE}", "--image-pull-policy=Never", "--restart=Never"]
    subprocess.run([*kubectl, *run, "--", f"--server=https://{name}", "get", "--raw=/version"], check=True)
    ended = ["wait", f"pod/{POD}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=30s"]
    waited = subprocess.run([*kubectl, *ended], check=False).returncode
    said = subprocess.run([*kubectl, "logs", POD], capture_output=True, text=True, check=False)
    assert waited == 0, said.stdout + said.stderr
    assert json.loads(said.stdout)["major"] == "1"
