# SPDX-License-Identifier: Apache-2.0
from urllib.parse import urlsplit

import pytest

from relocate.demo.processes import free_ports


def test_a_process_that_is_ready_is_healthy(relocate, health):
    """Nothing is said, and the exit code is 0."""
    result = relocate("healthy", "--port", str(urlsplit(health).port))
    assert (result.exit_code, result.output) == (0, "")


def test_why_a_process_is_not_ready_is_said(relocate, health, dispatch):
    """It lives, so the exit code is 1 and not 4."""
    dispatch.down = True
    result = relocate("healthy", "--port", str(urlsplit(health).port))
    assert (result.exit_code, result.stderr) == (1, "Temporal cannot be reached.\n")


@pytest.mark.parametrize("process", ["WORKER_", "CONTROL_", ""])
def test_a_process_is_asked_where_it_was_told_to_listen(relocate, health, process):
    """The variable that says it to the process says it to the question too."""
    environment = {f"RELOCATE_{process}METRICS_PORT": str(urlsplit(health).port)}
    assert relocate("healthy", env=environment).exit_code == 0


def test_no_process_is_not_healthy(relocate):
    """Nobody listens there: 4."""
    (port,) = free_ports(1)
    result = relocate("healthy", "--port", str(port))
    assert result.exit_code == 4
    assert f"127.0.0.1:{port} does not answer" in result.stderr
