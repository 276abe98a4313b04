# SPDX-License-Identifier: Apache-2.0
"""kubectl, as people use it."""

from pathlib import Path

from tests.programs.build import KUBERNETES, build
from tests.testbed.commands import run


class Kubectl:
    """The program, with a cache of its own for what clusters serve; it is warm after the first use."""

    def __init__(self, folder: Path) -> None:
        """Args: folder: for its cache."""
        self._program = build(KUBERNETES) / "kubectl"
        self._cache = folder

    async def __call__(self, kubeconfig: Path, namespace: str, *arguments: str, stdin: str = "") -> str:
        """What it printed.

        Raises:
            CommandFailedError: it failed.
        """
        where = ["--kubeconfig", str(kubeconfig), "--namespace", namespace, "--cache-dir", str(self._cache)]
        return await run(str(self._program), *where, *arguments, stdin=stdin)
