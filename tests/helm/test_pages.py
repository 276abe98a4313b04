# SPDX-License-Identifier: Apache-2.0
"""What the page on installing says can be done as it stands there."""

import json
import re
from pathlib import Path

import pytest

from relocate.settings import Settings
from tests.helm.chart import CHART, ROOT, Helm

PAGE = (ROOT / "docs/how-to/install-with-helm.md").read_text()
FIRST, *OTHERS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
TEST = re.search(r"`(test: \{.*\})`", PAGE)


@pytest.mark.parametrize("number", range(len(OTHERS) + 1))
def test_every_example_is_taken(helm: Helm, tmp_path: Path, number: int) -> None:
    """The first file alone, and each of the others beside it."""
    arguments = []
    for name, text in [("first", FIRST), *[("other", text) for text in OTHERS[number - 1 : number] if number]]:
        file = tmp_path / f"{name}.yaml"
        file.write_text(text)
        arguments += ["--values", str(file)]
    helm.run("template", "edge", str(CHART), "--namespace", "relocation", *arguments)


def test_all_examples_go_together(helm: Helm, tmp_path: Path) -> None:
    """With the test that is spoken of."""
    assert TEST is not None
    arguments = []
    for number, text in enumerate([FIRST, *OTHERS, TEST[1]]):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        arguments += ["--values", str(file)]
    rendered = helm.run("template", "edge", str(CHART), "--namespace", "relocation", *arguments)
    assert "service/edge-edge-relocation-api" in PAGE
    assert "name: edge-edge-relocation-api" in rendered


def test_the_tokens_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list that the page has a shell write."""
    written = re.search(r'--from-literal=tokens="(\[.*?\])"', PAGE, re.DOTALL)
    assert written is not None
    text = written[1].replace('\\"', '"').replace("$ADMIN", "a" * 48).replace("$ENGINE", "b" * 48)
    assert json.loads(text)
    monkeypatch.setenv("RELOCATE_TOKENS", text)
    assert [token.scopes for token in Settings().tokens] == [{"admin"}, {"write"}]
