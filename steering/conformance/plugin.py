# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin: `pytest --steering-adapter=KIND` or `=module:Harness`, and a report for every harness that ran.

Every pytest run on a machine with this package loads this module, so it imports nothing of ours until it is used.
"""

import json
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from steering.conformance.bench import Bench
    from steering.conformance.harness import ConformanceHarness

SCHEMA = "steering-conformance/v1"
REPORTS = Path("build/conformance")
"""Below pytest's root directory."""

CHOSEN = pytest.StashKey["type[ConformanceHarness]"]()
_OUTCOMES = pytest.StashKey[dict[str, list[dict[str, Any]]]]()
_MEASURED = pytest.StashKey[dict[str, Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option; nothing changes for those who do not use it."""
    parser.getgroup("steering", "steering adapters").addoption(
        "--steering-adapter",
        metavar="KIND|MODULE:HARNESS",
        help="run the conformance cases of steering adapters on this one: the name of an installed adapter that "
        "brings its harness, or a harness (a subclass of steering.conformance.ConformanceHarness)",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """With the option, and no files named, only the conformance cases run."""
    config.stash[_OUTCOMES] = {}
    choice = config.getoption("--steering-adapter")
    if not choice:
        return
    config.stash[CHOSEN] = chosen_harness(choice)
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(Path(__file__).with_name("chosen.py"))]


def chosen_harness(choice: str) -> "type[ConformanceHarness]":
    """The harness that `--steering-adapter` names.

    Raises:
        pytest.UsageError: there is no such thing; the text says what is expected.
    """
    try:
        if ":" not in choice:
            adapter = import_module("steering.adapters").load(choice)
            # Without one of its own the colon is missing, and the error below says that a harness is to be named.
            choice = getattr(adapter, "conformance", f"{adapter.__module__} brings no harness: name MODULE:HARNESS")
        module, _, name = choice.partition(":")
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise pytest.UsageError(f"--steering-adapter: {error}") from error
    return cast("type[ConformanceHarness]", found)


@pytest.fixture(scope="class")
def steering_harness(request: pytest.FixtureRequest) -> "Iterator[ConformanceHarness]":
    """The class's harness, started once for all its cases."""
    harness = request.cls.harness()
    try:
        harness.start()
        yield harness
    finally:
        harness.stop()


@pytest.fixture
def steering_bench(request: pytest.FixtureRequest, steering_harness: "ConformanceHarness") -> "Bench":
    """A route of its own for each case."""
    bench_class = import_module("steering.conformance.bench").Bench
    measured = request.node.stash.setdefault(_MEASURED, {})
    return cast("Bench", bench_class(steering_harness, steering_harness.adapter(), measured))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> "Generator[None, pytest.TestReport, pytest.TestReport]":
    """Keep each case's outcome for the report."""
    report = yield
    harness = getattr(item, "funcargs", {}).get("steering_harness")
    if harness is not None and (report.when == "call" or report.outcome != "passed"):
        item.config.stash[_OUTCOMES].setdefault(harness.name, []).append(_outcome(item, report))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports."""
    for name, cases in session.config.stash.get(_OUTCOMES, {}).items():
        path = session.config.rootpath / REPORTS / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        counted = {
            outcome: sum(case["outcome"] == outcome for case in cases) for outcome in ("passed", "failed", "skipped")
        }
        body = {
            "schema": SCHEMA,
            "adapter": name,
            "finished_at": datetime.fromtimestamp(time.time(), UTC).isoformat(),
            "conforms": counted["failed"] == 0 and counted["passed"] > 0,
            "counted": counted,
            "cases": cases,
        }
        path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def _outcome(item: pytest.Item, report: pytest.TestReport) -> dict[str, Any]:
    function = getattr(item, "function", None)
    reason = ""
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
    elif report.outcome == "failed":
        reason = report.longreprtext[-2000:]
    return {
        "case": item.name.removeprefix("test_"),
        "promise": (getattr(function, "__doc__", None) or "").strip(),
        "outcome": report.outcome,
        "reason": reason,
        "seconds": round(report.duration, 3),
        "measured": item.stash.get(_MEASURED, {}),
    }
