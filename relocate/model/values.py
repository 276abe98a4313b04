# SPDX-License-Identifier: Apache-2.0
"""Building blocks of the other models: names and times with their limits."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from steering.model import Name

__all__ = ["DEFAULT_PROJECT", "EVERY_PROJECT", "Duration", "Fraction", "Labels", "Model", "Name", "Payload", "Project"]

Duration = Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)]
"""Seconds, from 0 to one day."""

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

Labels = Annotated[dict[Name, Annotated[str, Field(max_length=63)]], Field(max_length=64)]


Project = Annotated[
    str, Field(pattern=r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$", max_length=128, examples=["default"])
]
"""Name of a project, as EMCO allows it: who owns what is configured."""
DEFAULT_PROJECT = "default"
EVERY_PROJECT = "*"
"""Stands for all projects, also those that there are not yet."""


class Model(BaseModel):
    """What people write (configuration, requests): immutable, and an unknown field is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Payload(BaseModel):
    """What our own processes tell each other through Temporal or the database.

    Unknown fields are ignored, so that an old worker reads what a newer one wrote.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
