# SPDX-License-Identifier: Apache-2.0
"""`new-workflow` begins a project. That its own tests pass is a drill's matter (tests/drills/test_own_workflow.py)."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from relocate.cli.exits import Exit
from relocate.cli.program import app


def _new(name: str, folder: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["new-workflow", "--directory", str(folder), "--", name])
    return result.exit_code, result.output


def test_a_project_is_begun(tmp_path: Path) -> None:
    """Named after what was asked for, with no hole left, and in Python that compiles."""
    code, said = _new("early-warning", tmp_path)
    assert code == Exit.DONE
    written = sorted(path for path in (tmp_path / "early-warning").rglob("*") if path.is_file())
    assert sorted(said.split()) == [str(path) for path in written]
    assert [str(path.relative_to(tmp_path / "early-warning")) for path in written] == [
        "README.md",
        "early_warning/__init__.py",
        "early_warning/__main__.py",
        "early_warning/activities.py",
        "early_warning/workflow.py",
        "pyproject.toml",
        "tests/test_workflow.py",
    ]
    for path in written:
        text = path.read_text()
        assert "${" not in text, path
        if path.suffix == ".py":
            compile(text, path, "exec")
    assert (
        'class EarlyWarningInvoked(Invoked):\n    """What the workflow client `early_warning_workflowclient`'
        in (tmp_path / "early-warning/early_warning/workflow.py").read_text()
    )


@pytest.mark.parametrize("name", ["Early", "early_warning", "-early", "early-", "1st", "ä", "e" * 41, "../x", ""])
def test_a_name_that_will_not_do_is_refused(name: str, tmp_path: Path) -> None:
    """It says what will; nothing is written."""
    code, said = _new(name, tmp_path)
    assert code == Exit.WRONG
    assert "name: must be lower-case words" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["json", "class", "relocate", "steering"])
def test_a_name_that_hides_a_module_is_refused(name: str, tmp_path: Path) -> None:
    """Python would take it for the other one."""
    code, said = _new(name, tmp_path)
    assert (code, f"name: {name} would hide a Python module" in said) == (Exit.WRONG, True)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    """Nobody's work is written over."""
    (tmp_path / "early").mkdir()
    code, said = _new("early", tmp_path)
    assert (code, "is there already; nothing was written" in said) == (Exit.WRONG, True)
    assert list((tmp_path / "early").iterdir()) == []
