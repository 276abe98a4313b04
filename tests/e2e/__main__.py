# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.e2e`: every test on real clusters, of the image and of Compose, as two halves side by side.

They wait more than they compute. Each half is a run of pytest with clusters of its own: the first those that the environment names
(`tests.testbed.clusters`), the second those of the next test bed. The tests that bring beds up and down take the place of
the half that ends first, as a machine has no room for a third bed. On clusters that exist all run one after the other. What
runs beside the first half is printed after it, and what failed anywhere is said once more in the end.
"""

import os
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.testbed.bed import NUMBERS, VARIABLE, Bed
from tests.testbed.clusters import KUBECONFIGS

HERE = Path(__file__).parent
TESTS = HERE.parent
BEDS = HERE / "testbed" / "test_nothing_is_left.py"
SECOND = (
    *(HERE / "chart", HERE / "gateway_api", HERE / "test_conformance_grpc_route.py"),
    *(HERE / "test_driver_connection.py", HERE / "test_requests.py"),
    *(HERE / "testbed" / "test_cluster_dns.py", HERE / "testbed" / "test_daemons.py"),
    *(TESTS / "compose", TESTS / "image"),
)
"""As much as the others, which take as long: what installs the service, what is of gateways alone, how
clusters are asked and what if they do not answer, and everything with images."""


class Run:
    """One run of pytest."""

    def __init__(self, arguments: Sequence[object], folder: Path, environment: Mapping[str, str] = os.environ) -> None:
        """Args: arguments: paths and options; folder: empty, the run's own."""
        self._arguments = [*map(str, arguments)]
        self._report = folder / "report.xml"
        self._environment = dict(environment)
        self.printed = folder / "printed"
        self.code = 0

    def stream(self) -> None:
        """Run it, and print as it prints."""
        self._run(None)

    def keep(self) -> None:
        """Run it; what it prints is in `printed`."""
        with self.printed.open("wb") as printed:
            self._run(printed)

    def failed(self) -> Iterator[str]:
        """What failed, a line each; a run that left no report failed as a whole."""
        if not self._report.exists():
            yield f"pytest ended with {self.code} ({' '.join(self._arguments)})"
            return
        for case in ET.parse(self._report).iter("testcase"):  # noqa: S314 - pytest wrote it
            for found in (*case.iter("failure"), *case.iter("error")):
                said = (found.get("message") or "").split("\n")[0]
                yield f"{case.get('classname')}.{case.get('name')}: {said}"

    def _run(self, printed: BinaryIO | None) -> None:
        argv = [sys.executable, "-m", "pytest", "--tb=short", "--show-capture=no", f"--junitxml={self._report}"]
        argv += [*sys.argv[1:], *self._arguments]
        both = {"stdout": printed, "stderr": printed and subprocess.STDOUT}
        self.code = subprocess.run(argv, check=False, env=self._environment, **both).returncode


def main() -> int:
    """Exit code of a run of pytest that failed, or 0."""
    with tempfile.TemporaryDirectory() as made:
        folders = [Path(made, name) for name in ("first", "second", "beds")]
        for folder in folders:
            folder.mkdir()
        exist = KUBECONFIGS in os.environ
        other = {} if exist else {VARIABLE: str(Bed.of().number % len(NUMBERS) + 1)}
        first = Run([HERE, *(f"--ignore={path}" for path in (*SECOND, BEDS))], folders[0])
        second = Run(SECOND, folders[1], os.environ | other)
        beds = Run([BEDS], folders[2])
        if exist:
            for run in (first, second, beds):
                run.stream()
        else:
            _side_by_side(first, second, beds)
        for run in (first, second, beds):
            if run.code:
                sys.stdout.writelines(f"make e2e: FAILED {line}\n" for line in run.failed())
        return next((run.code for run in (first, second, beds) if run.code), 0)


def _side_by_side(first: Run, second: Run, beds: Run) -> None:
    # Ctrl-C reaches all of them, and each takes its time to clean up.
    interrupted: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    with ThreadPoolExecutor() as threads:
        halves = [threads.submit(first.stream), threads.submit(second.keep)]
        wait(halves, return_when=FIRST_COMPLETED)
        if interrupted:
            beds.code = pytest.ExitCode.INTERRUPTED
        else:
            beds.keep()
        wait(halves)
    for run in (second, beds):
        if run.printed.exists():
            sys.stdout.buffer.write(run.printed.read_bytes())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
