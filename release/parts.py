# SPDX-License-Identifier: Apache-2.0
"""The parts of a release, each made by itself into a folder."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from release.archive import compress, pack
from release.checkout import Checkout, NotReleasable

CHART = "helm/edge-relocation"
PAGE = "docs/how-to/install-without-internet.md"
SUMS = "SHA256SUMS"


def distributions(checkout: Checkout, folder: Path) -> None:
    """The wheel and the source distribution."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(checkout.moment)}
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=checkout.folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def chart(checkout: Checkout, folder: Path) -> None:
    """The chart, as Helm packages one."""
    files = [Path(name) for name in checkout.git("ls-files", CHART).splitlines()]
    inside = {f"edge-relocation/{file.relative_to(CHART)}": checkout.folder / file for file in files}
    pack(folder / f"{checkout.title}.tgz", inside, checkout.moment)


def wheels(checkout: Checkout, folder: Path) -> None:
    """Everything that the service and its demo need on this Python and this kind of machine, by the lock's hashes."""
    shutil.rmtree(folder, ignore_errors=True)
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    command = [sys.executable, "-m", "pip", "download", *options, "-r", "requirements/bundle.txt", "-d", str(folder)]
    subprocess.run(command, cwd=checkout.folder, check=True)


def parts_list(checkout: Checkout, wheels: Path, file: Path) -> None:
    """What is in the bundle, as SPDX."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(checkout.moment)}
    command = [sys.executable, str(checkout.folder / "image/sbom.py"), str(wheels), str(file)]
    subprocess.run(command, env=environment, check=True)


def image(checkout: Checkout, folder: Path) -> None:
    """The image with its list of parts, as `make image` builds it.

    Raises:
        NotReleasable: no engine answers.
    """
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        raise NotReleasable("no Docker engine answers, so there is no image: start one, or say --without-image")
    subprocess.run(["make", "--silent", "image"], cwd=checkout.folder, check=True)
    save(f"edge-relocation:{checkout.version}", folder / f"{checkout.title}-image.tar.gz")
    shutil.copy(checkout.folder / "build/sbom.spdx.json", folder / f"{checkout.title}-image.spdx.json")


def save(name: str, archive: Path) -> None:
    """An image that the engine has, as `docker load` takes it."""
    with subprocess.Popen(["docker", "save", name], stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None  # it is a pipe
        compress(saving.stdout, archive)
    if saving.returncode != 0:
        raise NotReleasable(f"docker save {name} ended with {saving.returncode}")


def bundle(checkout: Checkout, folder: Path, wheels: Path) -> None:
    """All of it but the source in one archive, to be installed where no internet is."""
    made = [file for file in folder.iterdir() if file.suffix != ".whl" and not file.name.startswith("edge_relocation-")]
    inside = {
        "README.md": checkout.folder / PAGE,
        "LICENSE": checkout.folder / "LICENSE",
        **{file.name: file for file in made},
        **{f"wheels/{file.name}": file for file in wheels.iterdir()},
    }
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    archive = f"{checkout.title}-bundle-{python}-{platform.system().lower()}-{platform.machine()}.tar"
    with TemporaryDirectory() as away:
        sums = Path(away) / SUMS
        sums.write_text(checksums(inside))
        packed = {f"{checkout.title}/{name}": file for name, file in {**inside, SUMS: sums}.items()}
        pack(folder / archive, packed, checkout.moment)


def checksums(files: Mapping[str, Path]) -> str:
    """As `sha256sum --check` reads them."""
    return "".join(f"{_digest(file)}  {name}\n" for name, file in sorted(files.items()))


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
