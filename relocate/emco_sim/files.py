# SPDX-License-Identifier: Apache-2.0
"""The files that EMCO takes for kubeconfigs and charts; here they are YAML, in the words of this service's own configuration."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import yaml
from pydantic import Field, ValidationError

from relocate.clusters.companion import MARK
from relocate.emco_sim.errors import Refused
from relocate.model.values import Model, Name

FileT = TypeVar("FileT", bound=Model)


class ClusterFile(Model):
    """In place of a kubeconfig: `driver` and `settings` of a cluster."""

    driver: str
    settings: dict[str, Any] = Field(default_factory=dict)


class AppFile(Model):
    """In place of a chart: the named ports and, by kind of driver, the workload of an application."""

    ports: tuple[Name, ...] = Field(min_length=1)
    workloads: dict[str, dict[str, Any]] = Field(min_length=1)


def marked(workload: Mapping[str, Any], mark: str) -> dict[str, Any]:
    """A workload with the label on its manifests, where it has any; a process has no label but its application's name."""
    if "manifests" not in workload:
        return dict(workload)
    return {**workload, "manifests": [_labelled(one, mark) for one in workload["manifests"]]}


def _labelled(manifest: Mapping[str, Any], mark: str) -> dict[str, Any]:
    metadata = manifest.get("metadata", {})
    made = {**manifest, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), MARK: mark}}}
    template = manifest.get("spec", {}).get("template")
    if template is not None:
        made["spec"] = {**manifest["spec"], "template": _labelled(template, mark)}
    return made


def read(kind: type[FileT], content: bytes) -> FileT:
    """What a file says.

    Raises:
        Refused: it is no YAML, or says something else.
    """
    try:
        return kind.model_validate(yaml.safe_load(content))
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        first = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else None
        said = str(error) if first is None else f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"Unable to process file: {said}") from error
