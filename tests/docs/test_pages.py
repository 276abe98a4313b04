# SPDX-License-Identifier: Apache-2.0
"""Documentation that can drift from the code does not."""

import re
from pathlib import Path

import pytest

from relocate import configuration
from relocate.model.relocation import Outcome, Phase
from tests.docs.pages import DOCS, pages

ROOT = DOCS.parent


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_a_generated_page_is_what_the_code_says_now(path: Path) -> None:
    """A page made from the code is current; `python -m tests.docs.pages` writes it anew."""
    assert path.read_text() == pages()[path]


def test_the_phases_in_the_explanation_are_those_of_the_code_in_order() -> None:
    """The table of phases lists every phase, in the order in which they happen."""
    text = (DOCS / "explanation/relocation.md").read_text().split("## ")[1]
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == [phase.value for phase in Phase]


def test_every_outcome_is_explained() -> None:
    """Each outcome stands somewhere in the documentation."""
    text = "\n".join(page.read_text() for page in DOCS.rglob("*.md"))
    assert [outcome for outcome in Outcome if f"`{outcome}`" not in text] == []


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link in README and docs names a file that exists."""
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("sample", sorted((DOCS / "samples").glob("*.yaml")), ids=lambda path: path.name)
async def test_a_sample_configuration_is_accepted(sample: Path, tmp_path: Path) -> None:
    """Every sample passes the checks that `relocate apply` makes."""
    for document in configuration.load(sample):
        await configuration.check(document.entry, f"sqlite:///{tmp_path}/test.db")


def test_the_top_of_the_tree_is_what_the_architecture_page_names() -> None:
    """Every package below relocate/ stands in the architecture page."""
    text = (DOCS / "explanation/architecture.md").read_text()
    folders = sorted(path.parent.name for path in (ROOT / "relocate").glob("*/__init__.py"))
    assert [folder for folder in folders if f"  {folder}/" not in text] == []
