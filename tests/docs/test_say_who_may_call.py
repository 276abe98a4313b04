# SPDX-License-Identifier: Apache-2.0
"""What docs/how-to/say-who-may-call.md shows can be used as it stands."""

import re

import pytest

from relocate.settings import Settings
from tests.docs.pages import DOCS


def test_the_example_of_an_identity_provider_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a variable of the environment."""
    page = (DOCS / "how-to/say-who-may-call.md").read_text()
    (example,) = re.findall(r"```json\n(\{[^`]*\"jwks_url\"[^`]*)```", page)
    monkeypatch.setenv("RELOCATE_JWT", example)
    issuer = Settings().jwt
    assert issuer is not None
    assert issuer.audience == "edge-relocation"
