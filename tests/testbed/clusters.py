# SPDX-License-Identifier: Apache-2.0
"""Which clusters the tests use: clusters that exist, kind's, or a test bed of this machine.

| environment | edge clusters | gateways are configured in |
|---|---|---|
| `E2E_KUBECONFIGS=a:b` | those two | the first |
| `E2E_KUBECONFIGS=a:b:c` | the first two | the third |
| `E2E_CLUSTERS=kind` | two that kind makes, and removes | the first |
| neither | a test bed's, which `E2E_BED` names; one that is up is used, and left up | its hub |

Clusters that exist get images by `E2E_LOAD`: a command that is run with the kubeconfig and the image archive as its last two
arguments. Without it the tests' images have to be there.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.testbed import kind, needs
from tests.testbed.archives import make
from tests.testbed.bed import Bed
from tests.testbed.lifecycle import held
from tests.testbed.node import importing
from tests.testbed.programs import sample

KUBECONFIGS, LOAD, CLUSTERS = "E2E_KUBECONFIGS", "E2E_LOAD", "E2E_CLUSTERS"
KIND = "kind"
EDGES = ("edge-a", "edge-b")
LOAD_SECONDS = 300.0


@dataclass(frozen=True)
class Clusters:
    """Two edge clusters, and where gateways are configured."""

    edges: Mapping[str, Path]
    """Kubeconfig by cluster: edge-a and edge-b."""
    hub: Path
    """A kubeconfig, which may be one of those."""
    loading: Callable[[str, Path], Sequence[str]]
    """The command that makes an image archive known to one edge cluster; empty when there is nothing to do."""
    bed: Bed | None = None
    """Whose they are; without one, no daemon of theirs can be found and killed."""

    def load(self, archive: Path, edges: Sequence[str] = EDGES) -> None:
        """Make an archive's images known to both edge clusters, or one.

        Raises:
            subprocess.CalledProcessError: a cluster does not take it.
        """
        for name in edges:
            command = self.loading(name, archive)
            if command:
                subprocess.run(command, check=True, timeout=LOAD_SECONDS, stdin=subprocess.DEVNULL)


def missing(environment: Mapping[str, str] = os.environ) -> Sequence[str]:
    """A noun phrase for each need that is not met."""
    if KUBECONFIGS in environment:
        return _absent(environment[KUBECONFIGS])
    if CLUSTERS in environment:
        return kind.missing() if environment[CLUSTERS] == KIND else [f"a {CLUSTERS} that is known: {KIND}"]
    return needs.missing()


@contextmanager
def clusters(environment: Mapping[str, str] = os.environ) -> Iterator[Clusters]:
    """The ones to use; what was made for this is gone afterwards.

    Raises:
        NotUpError: a test bed did not come up.
        subprocess.CalledProcessError: kind failed.
    """
    if KUBECONFIGS in environment:
        yield _given(environment[KUBECONFIGS], environment.get(LOAD, ""))
    elif CLUSTERS in environment:
        with _of_kind(Bed.of(environment)) as found:
            yield found
    else:
        with _of_bed(Bed.of(environment)) as found:
            yield found


def _absent(kubeconfigs: str) -> Sequence[str]:
    files = kubeconfigs.split(":")
    if len(files) not in (2, 3):
        return [f"two or three files in {KUBECONFIGS}, separated by colons"]
    return [f"the kubeconfig {file}" for file in files if not Path(file).is_file()]


def _given(kubeconfigs: str, load: str) -> Clusters:
    files = [Path(file).absolute() for file in kubeconfigs.split(":")]
    edges = dict(zip(EDGES, files, strict=False))

    def loading(name: str, archive: Path) -> Sequence[str]:
        return [*shlex.split(load), str(edges[name]), str(archive)] if load else []

    return Clusters(edges, files[2] if files[2:] else files[0], loading)


@contextmanager
def _of_kind(bed: Bed) -> Iterator[Clusters]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = {edge: f"{bed.name}-{edge}" for edge in EDGES}
        edges = {edge: folder / f"{edge}.kubeconfig" for edge in EDGES}
        try:
            for edge in EDGES:
                subprocess.run(kind.creating(names[edge], edges[edge]), check=True)
            found = Clusters(edges, edges[EDGES[0]], lambda edge, archive: kind.loading(names[edge], archive))
            for archive in make([sample()], folder):
                found.load(archive)
            yield found
        finally:
            for edge in EDGES:
                subprocess.run(kind.deleting(names[edge], edges[edge]), check=False)


@contextmanager
def _of_bed(bed: Bed) -> Iterator[Clusters]:
    hosts = {host.name: host for host in bed.edges}
    with held(bed) as kubeconfigs:
        edges = {name: kubeconfigs[name] for name in EDGES}
        yield Clusters(edges, kubeconfigs[bed.hub.name], lambda edge, archive: importing(hosts[edge], archive), bed)
