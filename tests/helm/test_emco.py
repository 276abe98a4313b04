# SPDX-License-Identifier: Apache-2.0
"""The chart as EMCO installs it: packages made by the how-to's own commands, and read and rendered as EMCO does it.

EMCO looks for the chart under the app's name, puts the profile's files in their places, and renders with a library of Helm's that
takes every cluster for Kubernetes 1.20 (docs/explanation/emco.md).
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.helm.chart import ROOT, Helm, HelmError, Object, one
from tests.workflow.emcoctl import documents, values

PAGE = (ROOT / "docs/how-to/move-by-emco.md").read_text()
STEP = PAGE[PAGE.index("\n## 4. ") : PAGE.index("\n## Without workflowmgr")]
COMMANDS = [line.removeprefix("$ ") for line in STEP.splitlines() if line.startswith("$ ")]
PACKING = [line for line in COMMANDS if re.match(r"mkdir|sed|tar", line)]
HERE = "default"
"""Where a logical cloud of level 0 puts things."""


class Packages(NamedTuple):
    """What emcoctl sends, unpacked."""

    app: Path
    profile: Path


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """Made in a work tree that has nothing but what the commands copy."""
    folder = tmp_path_factory.mktemp("emco")
    for name in ("docs", "helm"):
        (folder / name).symlink_to(ROOT / name)
    subprocess.run(["bash", "-e", "-c", "\n".join(PACKING)], cwd=folder, check=True)
    unpacked = Packages(folder / "app", folder / "profile")
    for package, into in zip((values()["ServiceChart"], values()["ServiceProfile"]), unpacked, strict=True):
        into.mkdir()
        subprocess.run(["tar", "-xzf", folder / "build/emco" / package, "-C", into], check=True)
    return unpacked


@pytest.fixture(scope="module")
def rendered(packages: Packages, helm: Helm) -> Sequence[Object]:
    """What EMCO hands to rsync."""
    _overlay(packages)
    return _template(helm, packages, "--kube-version", "1.20.0")


def test_emco_finds_the_chart_by_the_apps_name(packages: Packages) -> None:
    """The app's package has the chart in a folder of that name."""
    assert (packages.app / _app() / "values.schema.json").is_file()


def test_the_profile_has_what_its_manifest_names(packages: Packages) -> None:
    """Each file, and each has a place in the chart."""
    manifest = _manifest(packages)
    assert (packages.profile / manifest["values"]).is_file()
    for each in manifest["configresource"]:
        assert (packages.profile / each["filepath"]).is_file()
        assert (packages.app / each["chartpath"]).is_file()


def test_without_the_profiles_chart_yaml_it_would_be_refused(packages: Packages, helm: Helm) -> None:
    """So the detour is needed, as long as EMCO's Helm is that old."""
    with pytest.raises(HelmError, match="chart requires kubeVersion"):
        helm.run("template", str(ROOT / "helm/edge-relocation"), "--kube-version", "1.20.0", *_values(packages))


def test_emco_applies_what_helm_would_install(rendered: Sequence[Object], packages: Packages, helm: Helm) -> None:
    """Object by object, and the same each time that it renders: what Helm asks a cluster makes no difference."""
    command = ("template", _release(), str(ROOT / "helm/edge-relocation"), "--namespace", HERE)
    assert rendered == list(yaml.safe_load_all(helm.run(*command, *_values(packages))))


def test_emco_tells_everything_apart(rendered: Sequence[Object]) -> None:
    """By name and kind alone, and all of it is in the one namespace that it watches."""
    names = [(each["metadata"]["name"], each["kind"]) for each in rendered]
    assert len(set(names)) == len(names)
    assert {each["metadata"].get("namespace") for each in rendered} == {HERE}


def test_emco_runs_every_hook(rendered: Sequence[Object]) -> None:
    """There is none that only an upgrade runs."""
    hooks = [each["metadata"].get("annotations", {}).get("helm.sh/hook") for each in rendered]
    told = [set(hook.split(",")) for hook in hooks if hook]
    assert len(told) == 1
    assert all(events & {"pre-install", "post-install"} for events in told)


def test_every_secret_is_made_before(rendered: Sequence[Object]) -> None:
    """Those that the pods name are those that the how-to makes, and EMCO is given none."""
    made = {found[1] for line in COMMANDS if (found := re.search(r"-n default create secret generic (\S+)", line))}
    assert made == set(_secrets(rendered))
    assert "Secret" not in {each["kind"] for each in rendered}


def test_the_intents_find_it(rendered: Sequence[Object]) -> None:
    """The address that the how-to gives is the Service's, with the open port."""
    service = one(rendered, "Service", "-api")
    assert f"`{service['metadata']['name']}.{HERE}.svc.cluster.local`" in STEP
    ports = {each["name"]: each["port"] for each in service["spec"]["ports"]}
    assert ports["emco"] == values()["WorkflowClientPort"]
    assert f"service/{service['metadata']['name']} {ports['http']}:" in STEP


def test_what_is_waited_for_is_there(rendered: Sequence[Object]) -> None:
    """The Deployment whose roll-out the how-to shows, and the Job that it names."""
    found = {(each["kind"], each["metadata"]["name"]) for each in rendered}
    assert {("Deployment", name) for name in re.findall(r"deployment/(\S+)", STEP)} <= found
    assert {("Job", name) for name in re.findall(r"(?:Job `|job/)([\w-]+)", PAGE)} <= found


def test_workers_take_emcos_queues(rendered: Sequence[Object]) -> None:
    """`emco.enabled` is said, and the policy lets workflowmgr in."""
    worker = one(rendered, "Deployment", "-worker")
    assert "MIGRATION_TASK_Q" in str(worker)
    policy = one(rendered, "NetworkPolicy", "-api")
    assert "'kubernetes.io/metadata.name': 'emco'" in str(policy)


def _documents() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Of the sample file that defines it, by the last part of the anchor."""
    for each in documents("service/02.application.yaml", values()):
        yield each["resourceContext"]["anchor"].rpartition("/")[2], each


def _app() -> str:
    (app,) = (each["metadata"]["name"] for anchor, each in _documents() if anchor == "apps")
    return str(app)


def _release() -> str:
    (group,) = (each for anchor, each in _documents() if anchor == "deployment-intent-groups")
    return str(group["spec"]["version"])


def _manifest(packages: Packages) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load((packages.profile / "manifest.yaml").read_text())["type"]
    return found


def _overlay(packages: Packages) -> None:
    for each in _manifest(packages)["configresource"]:
        (packages.app / each["chartpath"]).write_bytes((packages.profile / each["filepath"]).read_bytes())


def _values(packages: Packages) -> Sequence[str]:
    return ("--values", str(packages.profile / _manifest(packages)["values"]))


def _template(helm: Helm, packages: Packages, *more: str) -> Sequence[Object]:
    command = ("template", _release(), str(packages.app / _app()), "--namespace", HERE, *_values(packages))
    return list(yaml.safe_load_all(helm.run(*command, *more)))


def _secrets(part: object) -> Iterator[str]:
    """Names of Secrets, as volumes and variables have them, however deep."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key == "secretName":
                yield value
            elif key in ("secretKeyRef", "secretRef") or (key == "secret" and "name" in value):
                yield value["name"]
            else:
                yield from _secrets(value)
    elif isinstance(part, Sequence) and not isinstance(part, str):
        for each in part:
            yield from _secrets(each)
