# SPDX-License-Identifier: Apache-2.0
"""`python -m relocate.demo.report.schema FILE` writes the report's JSON schema; docs/reference holds a copy."""

import json
import sys
from pathlib import Path
from typing import Any

from relocate.demo.report.model import Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """JSON schema of `report.json`, as it is written."""
    return {"$schema": DIALECT, **Report.model_json_schema(mode="serialization")}


def schema_text() -> str:
    """The schema file's text."""
    return json.dumps(report_schema(), indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")
