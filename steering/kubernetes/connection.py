# SPDX-License-Identifier: Apache-2.0
"""Where an API server is, and as whom it is asked."""

import asyncio
import base64
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from kubernetes.aio.client import ApiClient, ApiException, Configuration, CoreV1Api
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config_from_dict
from pydantic import Field

from steering.kubernetes.errors import Unauthorized
from steering.model import Model, Name


class Kubeconfig(Model):
    """A kubeconfig file, read anew whenever the API server does not know us any more."""

    kind: Literal["kubeconfig"] = "kubeconfig"
    file: Path
    context: str | None = None
    """None: the file's current one."""


class InCluster(Model):
    """The service account of the pod that this process runs in."""

    kind: Literal["in_cluster"] = "in_cluster"


class Secret(Model):
    """A kubeconfig in a Secret, read anew whenever the API server does not know us any more.

    It holds everything by itself: it names no files, and no program that would be run here.
    """

    kind: Literal["secret"] = "secret"
    namespace: Name
    name: str = Field(min_length=1, max_length=253)
    key: str = "kubeconfig"
    """Of the Secret's data."""
    context: str | None = None
    """None: the kubeconfig's current one."""
    through: Annotated[Kubeconfig | InCluster, Field(discriminator="kind")] = InCluster()
    """How the cluster that has the Secret is asked: the one that this process runs in. Needs `get` of this one Secret."""


Connection = Annotated[Kubeconfig | InCluster | Secret, Field(discriminator="kind")]


async def connect(connection: Connection) -> ApiClient:
    """A client with the credentials of this moment.

    Raises:
        Unauthorized: there are none: a file or a Secret is missing or makes no sense.
        aiohttp.ClientError: who has the Secret does not answer.
    """
    configuration = Configuration()
    # Each watch holds a connection for as long as it lives.
    configuration.connection_pool_maxsize = 0
    try:
        if isinstance(connection, Kubeconfig):
            content = await asyncio.to_thread(_read, connection.file)
            await load_kube_config_from_dict(content, connection.context, configuration)  # type: ignore[no-untyped-call]
        elif isinstance(connection, Secret):
            content = await _of_secret(connection)
            await load_kube_config_from_dict(content, connection.context, configuration)  # type: ignore[no-untyped-call]
        else:
            load_incluster_config(configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, ApiException, OSError, yaml.YAMLError, ValueError) as error:
        raise Unauthorized(f"no credentials: {error}") from error
    return ApiClient(configuration)


def _read(file: Path) -> dict[str, Any]:
    content = yaml.safe_load(file.read_text())
    if not isinstance(content, dict):
        raise ValueError(f"{file}: is no kubeconfig")  # noqa: TRY004 - one kind of error for what a file may hold
    base = file.absolute().parent
    for entry in (*content.get("clusters", ()), *content.get("users", ())):
        for body in entry.values():
            if isinstance(body, dict):
                body.update({key: str(base / path) for key, path in body.items() if key in _PATHS and path})
    return content


async def _of_secret(connection: Secret) -> dict[str, Any]:
    client = await connect(connection.through)
    try:
        found = await CoreV1Api(client).read_namespaced_secret(connection.name, connection.namespace)
    finally:
        await client.close()  # type: ignore[no-untyped-call]
    where, data = f"Secret {connection.namespace}/{connection.name}", found.data or {}
    if connection.key not in data:
        raise ValueError(f"{where} has no {connection.key}")
    content = yaml.safe_load(base64.b64decode(data[connection.key]))
    if not isinstance(content, dict):
        raise ValueError(f"{where}: {connection.key} is no kubeconfig")  # noqa: TRY004 - as of a file
    bodies = [body for entry in (*content.get("clusters", ()), *content.get("users", ())) for body in entry.values()]
    foreign = {key for body in bodies if isinstance(body, dict) for key in body} & {*_PATHS, "exec", "auth-provider"}
    if foreign:
        raise ValueError(f"{where}: its kubeconfig may not name {', '.join(sorted(foreign))}: write it in full")
    return content


_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
"""Of files beside the kubeconfig, where they are not absolute."""
