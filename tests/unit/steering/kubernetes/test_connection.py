# SPDX-License-Identifier: Apache-2.0
"""Credentials that are in a Secret of another cluster."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from steering.kubernetes.api import Api
from steering.kubernetes.connection import Kubeconfig, Secret
from steering.kubernetes.errors import Unauthorized
from steering.kubernetes.objects import Kind
from tests.unit.steering.kubernetes.server import Server

POD = Kind("v1", "Pod")


@pytest.fixture
async def api(server: Server, tmp_path: Path) -> AsyncIterator[Api]:
    """Asks as the kubeconfig in the Secret says; the Secret is read as the file says."""
    through = Kubeconfig(file=tmp_path / "kubeconfig")
    found = Api(Secret(namespace="clusters", name="mec-b", through=through), manager="test", seconds=2.0)
    yield found
    await found.close()


def _hold(server: Server, tmp_path: Path, **user: Any) -> None:
    content = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    content["users"][0]["user"] |= user
    server.secret = {"kubeconfig": base64.b64encode(yaml.safe_dump(content).encode()).decode()}


async def test_a_secret_that_was_renewed_is_read_anew(server: Server, api: Api, tmp_path: Path) -> None:
    """A token that the cluster does not know any more is fetched again, and the question asked again: nobody notices."""
    server.say(200, {"metadata": {"name": "web"}})
    _hold(server, tmp_path)
    assert (await api.get(POD, "apps", "web"))["metadata"]["name"] == "web"
    server.token = "renewed"  # noqa: S105 - a test's
    with pytest.raises(Unauthorized):
        await api.get(POD, "apps", "web")
    content = (tmp_path / "kubeconfig").read_text()
    (tmp_path / "kubeconfig").write_text(content.replace("right", server.token))
    _hold(server, tmp_path)
    assert (await api.get(POD, "apps", "web"))["metadata"]["name"] == "web"


async def test_what_a_secret_holds_runs_no_program_and_reads_no_file(server: Server, api: Api, tmp_path: Path) -> None:
    """Whoever may write a Secret may not therefore run programs where we run."""
    for foreign in ({"exec": {"command": "id"}}, {"tokenFile": "/etc/hostname"}):
        _hold(server, tmp_path, **foreign)
        with pytest.raises(Unauthorized, match=next(iter(foreign))):
            await api.get(POD, "apps", "web")


async def test_a_secret_without_that_key_is_named(server: Server, api: Api) -> None:
    """The reason says which Secret lacks what."""
    server.secret = {"config": ""}
    with pytest.raises(Unauthorized, match="Secret clusters/mec-b has no kubeconfig"):
        await api.get(POD, "apps", "web")
