# SPDX-License-Identifier: Apache-2.0
"""`python -m release [--without-image]`: makes everything that a release has into build/release, and publishes nothing."""

import argparse
import shutil
import sys
from pathlib import Path

from release import parts
from release.checkout import Checkout, NotReleasable


def make(checkout: Checkout, *, with_image: bool) -> Path:
    """The folder with everything in it.

    Raises:
        NotReleasable: this checkout cannot be released, or an image cannot be made here.
    """
    checkout.check()
    folder, wheels = checkout.folder / "build/release", checkout.folder / "build/bundle"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    parts.distributions(checkout, folder)
    parts.chart(checkout, folder)
    if with_image:
        parts.image(checkout, folder)
    parts.wheels(checkout, wheels)
    complete(checkout, folder, wheels)
    return folder


def complete(checkout: Checkout, folder: Path, wheels: Path) -> None:
    """What is made of the other parts: the list of parts, the bundle, the checksums."""
    for wheel in folder.glob("*.whl"):
        shutil.copy(wheel, wheels)
    parts.parts_list(checkout, wheels, folder / f"{checkout.title}.spdx.json")
    parts.bundle(checkout, folder, wheels)
    (folder / parts.SUMS).write_text(parts.checksums({file.name: file for file in folder.iterdir()}))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("--without-image", action="store_true", help="leave the image out: no Docker engine is needed")
    options = parser.parse_args()
    try:
        folder = make(Checkout(Path.cwd()), with_image=not options.without_image)
    except NotReleasable as error:
        sys.stderr.write(f"Nothing was released.\n{error}\n")
        return 1
    for file in sorted(folder.iterdir()):
        sys.stdout.write(f"{file.stat().st_size / 2**20:8.1f} MiB  {file.relative_to(Path.cwd())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
