# SPDX-License-Identifier: Apache-2.0
"""What `configuration` may hold, in values.schema.json: the schemas of the documents themselves, without kind and name."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from tests.helm.chart import CHART

SCHEMA = CHART / "values.schema.json"
KINDS: Mapping[str, type[BaseModel]] = {"gateway": Gateway, "cluster": Cluster, "application": Application}
MADE = "made-"
"""Begins the names of those definitions that are made here."""

Json = dict[str, Any]


def schema() -> str:
    """values.schema.json, with these definitions made anew."""
    told: Json = json.loads(SCHEMA.read_text())
    kept = {name: one for name, one in told["$defs"].items() if name not in KINDS and not name.startswith(MADE)}
    told["$defs"] = kept | _definitions()
    return json.dumps(told, indent=2) + "\n"


def _definitions() -> Json:
    made: Json = {}
    for name, kind in KINDS.items():
        whole = _renamed(kind.model_json_schema())
        made |= {f"{MADE}{inner}": one for inner, one in whole.pop("$defs", {}).items()}
        made[name] = _by_name(whole)
    return made


def _by_name(whole: Json) -> Json:
    """Kind and name are where the document stands in the values."""
    properties = {name: one for name, one in whole["properties"].items() if name not in {"kind", "name"}}
    if "settings" in properties:
        properties["settings"] = {"$ref": "#/$defs/settings"}
    return whole | {"properties": properties, "required": [one for one in whole["required"] if one != "name"]}


def _renamed(part: Any) -> Any:
    """References lead to the definitions' new names, and titles, which say nothing new, are left out."""
    if isinstance(part, list):
        return [_renamed(one) for one in part]
    if not isinstance(part, Mapping):
        return part
    # A title is a text; a property of that name would be an object.
    found = {key: _renamed(one) for key, one in part.items() if key != "title" or not isinstance(one, str)}
    if "patternProperties" in found:
        found["additionalProperties"] = False
    if "$ref" in found:
        found["$ref"] = found["$ref"].replace("#/$defs/", f"#/$defs/{MADE}")
    return found
