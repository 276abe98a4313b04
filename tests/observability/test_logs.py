# SPDX-License-Identifier: Apache-2.0
"""What the processes of a real service print while it relocates."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from relocate.model.relocation import Outcome, Phase
from tests import terminals
from tests.observability.scraping import Service
from tests.observability.test_traces import Traced, traced

__all__ = ["traced"]

PROCESSES = ("api", "worker", "gateway-control")
PROGRAM = """
import logging, structlog
from relocate import logs
logs.configure("api", "info")
structlog.get_logger().info("hello")
structlog.get_logger().debug("quiet")
logging.getLogger("library").info("of a %s", "library")
logging.getLogger("library").debug("quiet")
logging.getLogger("httpx").info("quiet")
"""
BREAKING = """
import structlog
from relocate import logs
logs.configure("api", "info")
token = "letmein" * 3
try:
    raise RuntimeError("nobody foresaw this")
except RuntimeError as error:
    structlog.get_logger().error("broken", exc_info=error)
"""
ALWAYS = {"timestamp", "level", "process", "event"}


def lines(service: Service, process: str) -> Sequence[dict[str, Any]]:
    """Every line that a process has printed; each is JSON."""
    return [json.loads(line) for line in service.system.processes.log(process).splitlines()]


def _said_on_a_terminal(program: str) -> str:
    ours, theirs = terminals.opened()
    subprocess.run([sys.executable, "-c", program], stderr=theirs, check=True, timeout=30)
    os.close(theirs)
    said = os.read(ours, 65536).decode()
    os.close(ours)
    return said


def test_a_terminal_gets_text() -> None:
    """People read lines, programs read JSON."""
    said = _said_on_a_terminal(PROGRAM)
    assert "hello" in said
    assert "{" not in said


def test_an_error_is_told_without_the_values_of_variables() -> None:
    """Where it happened, on a terminal as elsewhere; what stood there at that moment may be a token."""
    elsewhere = subprocess.run([sys.executable, "-c", BREAKING], capture_output=True, text=True, check=True, timeout=30)
    for said in (_said_on_a_terminal(BREAKING), elsewhere.stderr):
        assert "nobody foresaw this" in said
        assert "letmeinletmein" not in said


def test_what_is_below_the_level_is_not_said() -> None:
    """`RELOCATE_LOG_LEVEL` holds for ours and for libraries."""
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=30)
    assert [json.loads(line)["event"] for line in found.stderr.splitlines()] == ["hello", "of a library"]


@pytest.mark.parametrize("process", PROCESSES)
async def test_every_line_is_one_json_object(service: Service, process: str) -> None:
    """Of ours and of libraries, with moment, level, process and text; no more is printed for requests that come and go."""
    found = lines(service, process)
    assert found
    assert [line for line in found if not line.keys() >= ALWAYS] == []
    assert {line["process"] for line in found} == {process}
    # What an exporter could not deliver is told of its collector, which is the test's.
    ours = [line for line in found if not line.get("logger", "").startswith("opentelemetry.exporter")]
    assert [line for line in ours if line["level"] in ("error", "critical")] == []


@pytest.mark.parametrize("process", PROCESSES)
async def test_each_line_about_a_relocation_has_its_id(traced: Traced, service: Service, process: str) -> None:
    """Wherever the id stands in a line, it stands in its own field too: one grep finds the story."""
    about = [line for line in lines(service, process) if traced.view.id in json.dumps(line)]
    assert about
    assert [line for line in about if line.get("relocation") != traced.view.id] == []


async def test_lines_of_api_and_worker_have_the_trace(traced: Traced, service: Service) -> None:
    """From a line one comes to the trace, and back."""
    for process in ("api", "worker"):
        mine = [line for line in lines(service, process) if line.get("relocation") == traced.view.id]
        assert {line.get("trace") for line in mine} == {traced.trace}


async def test_the_worker_tells_the_whole_story_once(traced: Traced, service: Service) -> None:
    """What people are shown is logged too: every phase, and the end; each revision once."""
    mine = [line for line in lines(service, "worker") if line.get("relocation") == traced.view.id and "status" in line]
    assert {line["phase"] for line in mine} == set(Phase) - {Phase.TRANSFER}
    assert [line["event"] for line in mine if line["status"] == "finished"] == [traced.view.sentence]
    assert mine[-1]["outcome"] == Outcome.COMPLETED
    assert len({line["revision"] for line in mine}) == len(mine)


async def test_the_control_plane_says_which_relocation_wrote(traced: Traced, service: Service) -> None:
    """Each version of a route, by the epoch of its write."""
    mine = [line for line in lines(service, "gateway-control") if line.get("relocation") == traced.view.id]
    assert any(f"{traced.view.target} 100" in line["event"] for line in mine)
