# SPDX-License-Identifier: Apache-2.0
"""A new project from a folder of templates (pure, but for reading those)."""

import keyword
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template

from relocate.errors import InvalidRequest

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 40
SUFFIX = ".in"
"""Of files with holes: no tool takes them for what they will be."""
OURS = frozenset({"api", "readiness", "relocate", "steering"})


def workflow_project(name: str) -> Mapping[str, str]:
    """The files of a project with a workflow of one's own, by path.

    Raises:
        InvalidRequest: the name will not do.
    """
    package = name.replace("-", "_")
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        text = f"name: must be lower-case words of letters and digits joined by hyphens, {LONGEST} characters at most"
        raise InvalidRequest(text, field="name")
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or package in OURS:
        raise InvalidRequest(f"name: {name} would hide a Python module of that name", field="name")
    filled = {
        "name": name,
        "package": package,
        "type": "".join(word.capitalize() for word in name.split("-")),
        "client": f"{package}_workflowclient",
        "version": version("edge-relocation"),
    }
    return dict(_filled(files("relocate.scaffold") / "workflow", "", filled))


def _filled(folder: Traversable, prefix: str, holes: Mapping[str, str]) -> "list[tuple[str, str]]":
    found: list[tuple[str, str]] = []
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        name = one.name.replace("__package__", holes["package"])
        if one.is_dir():
            found += _filled(one, f"{prefix}{name}/", holes)
        elif name.endswith(SUFFIX):
            text = Template(one.read_text()).substitute(holes)
            found.append((f"{prefix}{name.removesuffix(SUFFIX)}", text))
    return found
