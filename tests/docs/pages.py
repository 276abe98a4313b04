# SPDX-License-Identifier: Apache-2.0
"""Reference pages that are made from the code: `python -m tests.docs.pages` writes them, a test compares."""

import sys
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from relocate.credentials import ClientCertificate, Issuer, Token
from relocate.settings import Settings
from tests.docs.metrics_page import metrics_page

DOCS = Path(__file__).resolve().parents[2] / "docs"

PREFIX = "RELOCATE_"


def settings_page() -> str:
    """docs/reference/settings.md."""
    rows = "\n".join(_row(PREFIX + name.upper(), field) for name, field in Settings.model_fields.items())
    tokens, certificates, issuer = (
        "\n".join(_row(name, field) for name, field in kind.model_fields.items())
        for kind in (Token, ClientCertificate, Issuer)
    )
    return f"""# Settings

Made from `relocate/settings.py`; `python -m tests.docs.pages` writes this page anew.

Every process reads these from the environment; lists and objects are JSON.

| variable | default | meaning |
|---|---|---|
{rows}

Each of `RELOCATE_TOKENS`:

| field | default | meaning |
|---|---|---|
{tokens}

Each of `RELOCATE_CLIENT_CERTIFICATES`:

| field | default | meaning |
|---|---|---|
{certificates}

`RELOCATE_JWT`:

| field | default | meaning |
|---|---|---|
{issuer}

Temporal's own settings have Temporal's own names (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`,
`TEMPORAL_TLS_...`, or a file named by `TEMPORAL_CONFIG_FILE`), so that `temporal workflow list` in the same shell sees
what we see ([how to use them](../how-to/connect-to-temporal.md)).
"""


def pages() -> dict[Path, str]:
    """Every generated page of this module."""
    return {DOCS / "reference/settings.md": settings_page(), DOCS / "reference/metrics.md": metrics_page()}


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{name}` | {_default(field)} | {' '.join((field.description or '').split())} |"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ((), {}):
        return "-"
    shown = sorted(value) if isinstance(value, frozenset) else value
    return f"`{shown.model_dump() if isinstance(shown, BaseModel) else shown}`"


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        sys.stdout.write(f"{path.name}\n")
