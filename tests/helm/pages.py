# SPDX-License-Identifier: Apache-2.0
"""What is made of the chart's own files: `python -m tests.helm.pages` writes it, a test compares.

README.md is made of the comments in values.yaml, values.schema.json's definitions of documents of the service's models.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.helm.chart import CHART
from tests.helm.documents import SCHEMA, schema

README = CHART / "README.md"
_LINE = re.compile(r"^(?P<indent> *)(?:# (?P<comment>.*)|(?P<key>[A-Za-z]\w*):(?P<rest>.*))$")


class Row(NamedTuple):
    """One value: a leaf of values.yaml, or a map that has a comment of its own."""

    path: tuple[str, ...]
    meaning: str


def rows() -> Iterator[Row]:
    """Every key of values.yaml that has a comment right above it, in order."""
    path: list[str] = []
    comment: list[str] = []
    for line in (CHART / "values.yaml").read_text().splitlines():
        found = _LINE.match(line)
        if found is None:
            comment = []
        elif found["comment"] is not None:
            comment.append(found["comment"])
        else:
            path = [*path[: len(found["indent"]) // 2], found["key"]]
            if comment:
                yield Row(tuple(path), " ".join(comment))
            comment = []


def default(path: tuple[str, ...]) -> Any:
    """What values.yaml says there."""
    value = yaml.safe_load((CHART / "values.yaml").read_text())
    for key in path:
        value = value[key]
    return value


def leaves(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of everything that is no map, or an empty one."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key)


def readme() -> str:
    """README.md."""
    table = "\n".join(_row(row) for row in rows())
    return f"""# edge-relocation

The edge relocation service on Kubernetes 1.28 and up: `api`, `worker` and `gateway-control`, on a PostgreSQL and a Temporal of
your own. How to install it: [docs/how-to/install-with-helm.md](../../docs/how-to/install-with-helm.md); what to think of before
users depend on it: [docs/how-to/run-in-production.md](../../docs/how-to/run-in-production.md).

Secrets are made by you and named here; no value holds one. Keys that are not in this table are refused.

| value | default | meaning |
|---|---|---|
{table}

Made from values.yaml; `python -m tests.helm.pages` writes this page anew.
"""


def _row(row: Row) -> str:
    return f"| `{'.'.join(row.path)}` | {_shown(default(row.path))} | {row.meaning.replace('|', chr(92) + '|')} |"


def _shown(value: Any) -> str:
    if value in ("", {}, []):
        return "-"
    if not isinstance(value, Mapping):
        return f"`{str(value).lower() if isinstance(value, bool) else value}`"
    if any(isinstance(one, Mapping) and not one for one in value.values()):
        return "-"
    return f"`{yaml.safe_dump(value, default_flow_style=True, width=1000).strip()}`"


def pages() -> dict[Path, str]:
    """What is made, by file."""
    return {README: readme(), SCHEMA: schema()}


if __name__ == "__main__":
    for file, text in pages().items():
        file.write_text(text)
        sys.stdout.write(f"{file.name}\n")
