# SPDX-License-Identifier: Apache-2.0
"""Temporal's messages as Go's `encoding/json` writes the structs that gogo/protobuf makes of them (api-go v1.7.0).

That is what workflowmgr answers, and it is not protobuf's own JSON: keys are snake_case, enums and 64-bit numbers are numbers,
durations are nanoseconds, what is zero is left out, and a `oneof` stands under its own name in CamelCase.
"""

import base64
from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp


def as_go_writes(message: Message) -> Mapping[str, Any]:
    """The message as a JSON object."""
    found: dict[str, Any] = {}
    for field, value in message.ListFields():
        into = found
        oneof = field.containing_oneof
        if oneof is not None and not oneof.name.startswith("_"):  # an optional field is a oneof of its own
            into = found.setdefault("".join(part.capitalize() for part in oneof.name.split("_")), {})
        into[field.name] = _value(field, value)
    return found


def _value(field: FieldDescriptor, value: Any) -> Any:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        inner = entry.fields_by_name["value"]
        return {str(key): _one(inner, each) for key, each in value.items()}
    if field.is_repeated:
        return [_one(field, each) for each in value]
    return _one(field, value)


def _one(field: FieldDescriptor, value: Any) -> Any:
    if isinstance(value, Duration):
        return value.ToNanoseconds()
    if isinstance(value, Timestamp):
        return _moment(value)
    if isinstance(value, Message):
        return as_go_writes(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return base64.b64encode(value).decode()
    return value


def _moment(value: Timestamp) -> str:
    """RFC 3339 with as many digits as there are, as Go's `time.Time`."""
    whole = value.ToDatetime().isoformat(timespec="seconds")
    fraction = f".{value.nanos:09d}".rstrip("0") if value.nanos else ""
    return f"{whole}{fraction}Z"
