# SPDX-License-Identifier: Apache-2.0
"""The JSON schemas of `relocator/v1`, as published: `python -m relocate.targets.schema docs/reference/meo`."""

import json
import sys
from pathlib import Path

from pydantic.json_schema import JsonSchemaMode

from relocate.targets.protocol import MeoRequest, MeoResponse, Wire


def published() -> dict[str, str]:
    """The text of each schema by its file name."""
    return {
        "request.schema.json": _text(MeoRequest, mode="serialization"),
        "response.schema.json": _text(MeoResponse, mode="validation"),
    }


def _text(message: type[Wire], mode: JsonSchemaMode) -> str:
    schema = message.model_json_schema(by_alias=True, mode=mode)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


if __name__ == "__main__":
    for name, text in published().items():
        (Path(sys.argv[1]) / name).write_text(text)
