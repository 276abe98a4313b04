# SPDX-License-Identifier: Apache-2.0
"""Installs the service into a folder, twice the same: `python3 install.py WHEELS FOLDER`; or WHAT else, named third.

It needs Python alone: pip comes as a wheel beside the others, and does not stay. Whatever depends on the moment is left out.
"""

import compileall
import os
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

WHAT = "edge-relocation[service,tracing]"


def install(wheels: Path, folder: Path, what: str = WHAT) -> None:
    """Install, compile, and set every file's time to SOURCE_DATE_EPOCH."""
    (pip,) = wheels.glob("pip-*.whl")
    options = ["--no-index", "--find-links", str(wheels), "--target", str(folder)]
    options += ["--no-compile", "--no-cache-dir", "--no-warn-script-location", "--disable-pip-version-check", "--quiet"]
    subprocess.run([sys.executable, f"{pip}/pip", "install", *options, "--root-user-action=ignore", what], check=True)
    # Checked by content and not by time, and not at all when it is read: nothing in an image changes.
    mode = PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(folder, quiet=2, invalidation_mode=mode, stripdir=str(folder), prependdir=str(folder))
    moment = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    for path in sorted(folder.rglob("*")):
        os.utime(path, (moment, moment), follow_symlinks=False)


if __name__ == "__main__":
    install(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
