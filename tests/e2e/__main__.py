# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.e2e`: every test on real clusters, of the image and of Compose, as two halves side by side.

They wait more than they compute. Each half is a run of pytest with clusters of its own: the first those that the environment names
(`tests.testbed.clusters`), the second those of the next test bed. On clusters that exist they run one after the other. The test
bed's own tests come last, as a machine has no room for a third bed. What the second half prints follows the first one's.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.testbed.bed import NUMBERS, VARIABLE, Bed
from tests.testbed.clusters import KUBECONFIGS

HERE = Path(__file__).parent
TESTS = HERE.parent
BED = HERE / "testbed"
SECOND = (
    *(HERE / "chart", HERE / "gateway_api", HERE / "test_conformance_grpc_route.py"),
    *(TESTS / "compose", TESTS / "image"),
)
"""As much as the others, which take as long: what installs the service, what is of gateways alone, and everything with images."""


def main() -> int:
    """Exit code of the first run of pytest that failed, or 0."""
    first = [str(HERE), *(f"--ignore={path}" for path in (*SECOND, BED))]
    second = [*map(str, SECOND)]
    if KUBECONFIGS in os.environ:
        return _first_failure(_run(first), _run(second), _run([str(BED)]))
    # Ctrl-C reaches all of them, and each takes its time to clean up.
    interrupted: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    with tempfile.TemporaryFile() as printed:
        beside = subprocess.Popen(_pytest(second), env=_next_bed(), stdout=printed, stderr=subprocess.STDOUT)
        ended = [_run(first), beside.wait()]
        printed.seek(0)
        sys.stdout.buffer.write(printed.read())
        sys.stdout.flush()
    return _first_failure(*ended, *([pytest.ExitCode.INTERRUPTED] if interrupted else [_run([str(BED)])]))


def _pytest(arguments: Sequence[str]) -> Sequence[str]:
    return [sys.executable, "-m", "pytest", "--tb", "native", *sys.argv[1:], *arguments]


def _run(arguments: Sequence[str]) -> int:
    return subprocess.run(_pytest(arguments), check=False).returncode


def _first_failure(*codes: int) -> int:
    return next((code for code in codes if code), 0)


def _next_bed() -> Mapping[str, str]:
    return os.environ | {VARIABLE: str(Bed.of().number % len(NUMBERS) + 1)}


if __name__ == "__main__":
    sys.exit(main())
