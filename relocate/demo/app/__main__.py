# SPDX-License-Identifier: Apache-2.0
"""`python -m relocate.demo.app`: run the sample application until SIGTERM."""

import os
import sys

import uvloop

from relocate.demo.app.server import run
from relocate.demo.app.settings import read


def main() -> int:
    """Run it; 0 after a drain, 1 when a port is taken, 2 when the arguments make no sense."""
    settings = read(sys.argv[1:], os.environ)
    try:
        uvloop.run(run(settings))
    except OSError as error:
        sys.stderr.write(f"the sample application cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
