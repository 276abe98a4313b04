# SPDX-License-Identifier: Apache-2.0
"""The commit that is released: clean, and of one mind about its version."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NAMED_IN = {
    "helm/edge-relocation/Chart.yaml": r"^(?:version|appVersion): (\S+)$",
    "Dockerfile": r"^ARG VERSION=(\S+)$",
}
"""Where the version stands besides pyproject.toml: a pattern of the lines that name it."""


class NotReleasable(Exception):
    """No release can be made of this; the text says what to do."""


@dataclass(frozen=True)
class Checkout:
    """A work tree."""

    folder: Path

    @property
    def version(self) -> str:
        """As pyproject.toml says it."""
        return str(tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]["version"])

    @property
    def title(self) -> str:
        """How the names of files begin."""
        return f"edge-relocation-{self.version}"

    @property
    def moment(self) -> int:
        """When the commit was made, in seconds since 1970: the time of every file of the release."""
        return int(self.git("log", "-1", "--format=%ct"))

    def git(self, *arguments: str) -> str:
        """What git prints."""
        done = subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.rstrip()

    def check(self) -> None:
        """Raise NotReleasable with everything that stands against a release of it."""
        reasons = [*self._unclean(), *self._other_versions(), *self._other_tags()]
        if reasons:
            raise NotReleasable("\n".join(reasons))

    def _unclean(self) -> Iterator[str]:
        changed = self.git("status", "--porcelain").splitlines()
        if changed:
            some = ", ".join(line[3:] for line in changed[:5])
            yield f"the work tree has changes that are not committed ({len(changed)} files: {some}): commit or remove them"

    def _other_versions(self) -> Iterator[str]:
        for file, pattern in NAMED_IN.items():
            found = set(re.findall(pattern, (self.folder / file).read_text(), re.MULTILINE))
            if found != {self.version}:
                said = ", ".join(sorted(found)) or "no version"
                yield f"{file} says {said}, pyproject.toml says {self.version}: let them say the same"

    def _other_tags(self) -> Iterator[str]:
        tags = [tag for tag in self.git("tag", "--points-at", "HEAD").splitlines() if re.match(r"v\d", tag)]
        if tags and f"v{self.version}" not in tags:
            yield f"this commit is tagged {', '.join(tags)}, pyproject.toml says {self.version}: one of them is wrong"
