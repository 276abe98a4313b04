# SPDX-License-Identifier: Apache-2.0
"""emcoctl, as far as the samples need it: files with holes, filled from a file of values, and sent document by document.

The real one was run against the same routes by hand; what it sends is what is sent here (docs/reference/emco.md).
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

SAMPLES = Path(__file__).resolve().parents[2] / "docs/samples/emco"


def values() -> dict[str, str]:
    """What the samples' own file of values says."""
    found: dict[str, str] = yaml.safe_load((SAMPLES / "values.yaml").read_text())
    return found


def documents(file: str, filled: Mapping[str, str]) -> Sequence[dict[str, Any]]:
    """Those of one sample file, such as `migrate/04.define-workflow.yaml`."""
    text = re.sub(r"\{\{\.(\w+)\}\}", lambda hole: str(filled[hole[1]]), (SAMPLES / file).read_text())
    return [document for document in yaml.safe_load_all(text) if document]


async def sent(
    client: httpx.AsyncClient, method: str, document: Mapping[str, Any], file: bytes | None = None
) -> httpx.Response:
    """One document, as `apply` (POST), `get` or `delete` sends it; one that has a file is sent as a form."""
    anchor = document["resourceContext"]["anchor"]
    name = document.get("metadata", {}).get("name", "")
    if method != "POST":
        return await client.request(method, f"/v2/{anchor}/{name}" if name else f"/v2/{anchor}")
    said = {key: value for key, value in document.items() if key not in ("version", "resourceContext", "file")}
    body = {"metadata": {"name": ""}, **said}
    if file is None:
        return await client.post(f"/v2/{anchor}", json=body)
    form = {"metadata": (None, json.dumps(body).encode(), "application/json"), "file": ("file", file)}
    return await client.post(f"/v2/{anchor}", files=form)
