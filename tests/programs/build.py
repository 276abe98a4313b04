# SPDX-License-Identifier: Apache-2.0
"""Real programs, built from their Go modules: go.mod names their versions, go.sum their content.

What is built is kept in the user's cache, by everything that went into it, so that the next clone finds it. The first build
of Kubernetes takes some five minutes on two cores.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from relocate.demo.processes import tethered

HERE = Path(__file__).parent
BUILD_SECONDS = 3600.0
"""Longest time for the first build of one module."""
KEPT = 3
"""So many versions of a module's programs stay in the cache."""
STRIPPED = "-s -w"


class NeedsGoError(RuntimeError):
    """Programs cannot be built here; the text says what is missing."""


@dataclass(frozen=True)
class Module:
    """A folder beside this file with its own go.mod, and the programs in it."""

    name: str
    packages: Mapping[str, str]
    """Go package by the program's name, which is the package's own where there are several."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Go variables that the linker sets: how a program knows its own version."""


_VERSION = "k8s.io/component-base/version"
KUBERNETES = Module(
    "kubernetes",
    {
        name: f"k8s.io/kubernetes/cmd/{name}"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl")
    },
    {f"{_VERSION}.gitVersion": "v1.34.2", f"{_VERSION}.gitMajor": "1", f"{_VERSION}.gitMinor": "34"},
)
ETCD = Module("etcd", {"etcd": "go.etcd.io/etcd/server/v3"})
COREDNS = Module("coredns", {"coredns": "."})
"""With a main of our own, which leaves out what no cluster needs."""
PAUSE, SAMPLE = Module("pause", {"pause": "."}), Module("sample", {"sample": "."})
"""Of our own: what holds a pod's namespaces, and the sample application."""
_HELMS_CLUSTER = ("pkg/chartutil", "pkg/lint/rules")
HELM = Module(
    "helm",
    {"helm": "helm.sh/helm/v3/cmd/helm"},
    {"helm.sh/helm/v3/internal/version.version": "v3.22.0"}
    # The cluster that charts see where there is none to ask: by default it is Kubernetes 1.20.
    | {f"helm.sh/helm/v3/{package}.k8sVersionMajor": "1" for package in _HELMS_CLUSTER}
    | {f"helm.sh/helm/v3/{package}.k8sVersionMinor": "34" for package in _HELMS_CLUSTER},
)
KUSTOMIZE = Module("kustomize", {"kustomize": "sigs.k8s.io/kustomize/kustomize/v5"})
LOADS = Module("loads", {"vegeta": "github.com/tsenart/vegeta/v12", "ghz": "github.com/bojand/ghz/cmd/ghz"})
"""Load generators that are not ours."""
_TEMPORAL = "go.temporal.io/server/cmd"
TEMPORAL = Module("temporal", {"server": f"{_TEMPORAL}/server", "sql": f"{_TEMPORAL}/tools/sql"})
"""A server as in production, and what makes its tables."""
TEMPORAL_UI = Module("temporal_ui", {"ui-server": "github.com/temporalio/ui-server/v2/cmd/server"})
COMPOSE = Module(
    "compose",
    {"docker-compose": "github.com/docker/compose/v2/cmd"},
    {"github.com/docker/compose/v2/internal.Version": "v2.40.3"},
)
CONTOUR = Module("contour", {"contour": "github.com/projectcontour/contour/cmd/contour"})


def build(module: Module) -> Path:
    """Build a module's programs, or find them built. Whoever wants the same at the same time waits for us.

    Returns:
        The folder they are in.

    Raises:
        NeedsGoError: Go is not installed, is too old, or cannot get the modules.
    """
    kept = _cache() / module.name / _digest(module)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with _alone(kept.parent):
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
                made = Path(folder) / "made"
                made.mkdir()
                _compile(module, made)
                made.rename(kept)
        os.utime(kept)
        _forget(kept.parent)
    return kept


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else builds here meanwhile; the lock ends with us, however we end."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _compile(module: Module, folder: Path) -> None:
    """All programs in one go, which is quicker than one after the other: they share most of their packages."""
    go = shutil.which("go")
    if go is None:
        raise NeedsGoError(f"needs go, to build {', '.join(module.packages)}")
    settings = [f"-X {variable}={value}" for variable, value in module.variables.items()]
    flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags={' '.join([STRIPPED, *settings])}"]
    # Go names a program after its package, but for a single one that can be told.
    output = f"{folder}/" if len(module.packages) > 1 else str(folder / next(iter(module.packages)))
    built = subprocess.run(
        tethered([go, "build", *flags, "-o", output, *module.packages.values()]),
        cwd=HERE / module.name,
        env=os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if built.returncode:
        last = (built.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NeedsGoError(f"needs {go} to build {', '.join(module.packages)}: {last}")


def _forget(folder: Path) -> None:
    """Keep what was used last: Kubernetes' programs alone have half a gigabyte."""
    kept = sorted((one for one in folder.iterdir() if one.is_dir()), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in kept[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-relocation" / "programs"


def _digest(module: Module) -> str:
    """Of everything that goes into a module's programs."""
    sources = sorted((HERE / module.name).rglob("*.*"))
    told = [*(file.read_bytes() for file in sources if file.is_file()), repr(module).encode()]
    return hashlib.sha256(b"\0".join(told)).hexdigest()[:16]
