# SPDX-License-Identifier: Apache-2.0
"""The chart, and what Helm makes of it."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/edge-relocation"
VALUES = Path(__file__).parent / "values"
SECONDS = 60.0
PROCESSES = ("api", "worker", "gateway-control")

Object = Mapping[str, Any]


class HelmError(RuntimeError):
    """Helm refused; the text is its own."""


@dataclass(frozen=True)
class Helm:
    """The program."""

    program: Path
    seconds: float = SECONDS
    """How long one run may take."""

    def run(self, *arguments: str) -> str:
        """What it prints. Raises HelmError."""
        return self._done(*arguments).stdout

    def said(self, *arguments: str) -> str:
        """What it prints, and the logs of hooks, which it prints as errors. Raises HelmError."""
        done = self._done(*arguments)
        return done.stdout + done.stderr

    def _done(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(self.program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=self.seconds, check=False)
        if done.returncode:
            raise HelmError(done.stderr + done.stdout)
        return done

    def template(
        self, values: str, *more: str, release: str = "edge", namespace: str = "relocation"
    ) -> Sequence[Object]:
        """Every object that would be installed with a file of `values/`, hooks and tests too."""
        arguments = ("template", release, str(CHART), "--namespace", namespace, "--values", str(VALUES / values), *more)
        return [one for one in yaml.safe_load_all(self.run(*arguments)) if one]

    def refusal(self, *more: str, values: str = "minimal.yaml") -> str:
        """Why Helm refuses to render."""
        try:
            self.template(values, *more)
        except HelmError as error:
            return str(error)
        raise AssertionError("Helm renders it")


def one(objects: Sequence[Object], kind: str, ending: str) -> Object:
    """The one object of that kind whose name ends so."""
    (found,) = (each for each in objects if each["kind"] == kind and each["metadata"]["name"].endswith(ending))
    return found


def pods(objects: Sequence[Object]) -> Iterator[tuple[str, Object]]:
    """The spec of every pod, by the name of what makes it."""
    for each in objects:
        spec = each if each["kind"] == "Pod" else each.get("spec", {}).get("template")
        if spec is not None:
            yield each["metadata"]["name"], spec["spec"]


def containers(objects: Sequence[Object]) -> Iterator[tuple[str, Object]]:
    """Every container, by the name of what makes its pod."""
    for name, spec in pods(objects):
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            yield name, container


def variables(container: Object) -> Mapping[str, Any]:
    """A container's environment: a value, or where one is taken from."""
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container.get("env", ())}
