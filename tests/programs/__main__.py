# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.programs`: build every program that `make e2e` and the chart's tests need, or find it built.

The first time takes half an hour on two cores (Temporal ten minutes of one, Compose four); no test then waits for a compiler. Without Go nothing is built, and the
tests that need a program say so.
"""

import sys
import time

from tests.programs.build import (
    COMPOSE,
    CONTOUR,
    COREDNS,
    ETCD,
    HELM,
    KUBERNETES,
    KUSTOMIZE,
    PAUSE,
    SAMPLE,
    TEMPORAL,
    TEMPORAL_UI,
    NeedsGoError,
    build,
)

MODULES = (PAUSE, SAMPLE, ETCD, KUBERNETES, COREDNS, HELM, KUSTOMIZE, CONTOUR, COMPOSE, TEMPORAL, TEMPORAL_UI)


def main() -> None:
    """Tell how long each took."""
    for module in MODULES:
        since = time.monotonic()
        try:
            build(module)
        except NeedsGoError as reason:
            sys.stdout.write(f"{reason}\n")
            return
        sys.stdout.write(f"{module.name}: {time.monotonic() - since:.1f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
