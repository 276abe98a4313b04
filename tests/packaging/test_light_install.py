# SPDX-License-Identifier: Apache-2.0
"""An adapter's or a probe's author installs edge-relocation without extras, and needs neither Temporal nor FastAPI."""

import re
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions

import pytest

PROJECT = "edge-relocation"

LIGHT = {
    "steering": (
        *("steering.envoy", "steering.adapters.envoy"),
        *("steering.kubernetes", "steering.gateway_api", "steering.adapters.gateway_api"),
        "steering.store.postgresql",
        "steering.conformance",
    ),
    "readiness": (),
}
"""What an author imports, and what of it needs an extra (`envoy`, `kubernetes`) or pytest."""

IMPORT_ALL = """
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in FORBIDDEN:
            raise ImportError(f"{name} is not installed without extras")

sys.meta_path.insert(0, Refuse())
package = importlib.import_module(PACKAGE)
for found in pkgutil.walk_packages(package.__path__, PACKAGE + "."):
    if not found.name.startswith(HEAVY):
        importlib.import_module(found.name)
"""


def closure(name: str, seen: set[str]) -> set[str]:
    """Distributions that installing `name` without extras brings."""
    for requirement in distribution(name).requires or []:
        needed = re.match(r"[A-Za-z0-9._-]+", requirement)
        if needed is None or re.search(r"extra\s*==", requirement) or "python_version <" in requirement:
            continue
        if (found := needed[0].lower()) not in seen and _installed(found):
            closure(found, seen | {found})
            seen |= {found, *closure(found, seen | {found})}
    return seen


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("package", LIGHT)
def test_it_imports_with_nothing_but_the_base_dependencies(package: str) -> None:
    """Every module imports while everything that only an extra brings is missing."""
    light = {name.replace("_", "-") for name in closure(PROJECT, {"h2", "hpack", "hyperframe"})}
    forbidden = {
        module
        for module, owners in packages_distributions().items()
        if not any(owner.lower().replace("_", "-") in light | {PROJECT} for owner in owners)
    }
    assert {"temporalio", "fastapi"} <= forbidden
    program = f"FORBIDDEN = {forbidden!r}\nPACKAGE = {package!r}\nHEAVY = {LIGHT[package]!r}\n{IMPORT_ALL}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
