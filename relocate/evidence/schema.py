# SPDX-License-Identifier: Apache-2.0
"""`python -m relocate.evidence.schema FILE` writes the JSON schema of the signed statement; docs/reference holds a copy."""

import json
import sys
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from relocate.evidence.samples import Known
from relocate.evidence.statement import Statement

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def evidence_schema() -> dict[str, Any]:
    """JSON schema of an envelope's payload, with every kind of samples that a claim's detail may hold."""
    kinds: tuple[type[BaseModel], ...] = get_args(get_args(Known)[0])
    every: list[type[BaseModel]] = [Statement, *kinds]
    found = models_json_schema([(kind, "serialization") for kind in every], by_alias=True)[1]
    definitions = found["$defs"]
    said = [{"$ref": f"#/$defs/{kind.__name__}"} for kind in kinds]
    # A claim that was only said may hold anything; one that names a rule holds that rule's samples.
    definitions["Claim"]["properties"]["detail"] = {
        "type": "object",
        "if": {"required": ["rule"]},
        "then": {"oneOf": said},
    }
    return {"$schema": DIALECT, "title": "Evidence of a relocation", "$ref": "#/$defs/Statement", "$defs": definitions}


def schema_text() -> str:
    """The schema file's text."""
    return json.dumps(evidence_schema(), indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")
