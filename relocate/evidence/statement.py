# SPDX-License-Identifier: Apache-2.0
"""The record as an in-toto statement (https://github.com/in-toto/attestation, v1): subjects with digests, and what is said of them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from relocate.evidence.record import Record
from relocate.model.chain import GENESIS, digest

TYPE = "https://in-toto.io/Statement/v1"

PREDICATE = "urn:edge-relocation:evidence:v1"
"""Names the form of the record; an identifier, not a page."""


class Subject(BaseModel):
    """One part of a record, by its digest."""

    model_config = ConfigDict(frozen=True)

    name: str
    digest: dict[Literal["sha256"], str]


class Statement(BaseModel):
    """What is signed."""

    model_config = ConfigDict(frozen=True)

    type: Literal["https://in-toto.io/Statement/v1"] = Field(default="https://in-toto.io/Statement/v1", alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal["urn:edge-relocation:evidence:v1"] = Field(
        default="urn:edge-relocation:evidence:v1", alias="predicateType"
    )
    predicate: Record

    @property
    def body(self) -> bytes:
        """As JSON, without a blank."""
        return self.model_dump_json(by_alias=True).encode()


def statement(record: Record) -> Statement:
    """The statement about a record."""
    return Statement(subject=subjects(record), predicate=record)


def subjects(record: Record) -> tuple[Subject, ...]:
    """The parts: the chain by the digest of its last entry, what stands beside it by a digest of all of it."""
    parts = {
        "entries": record.entries[-1].digest if record.entries else GENESIS,
        "seconds": digest([row.model_dump(mode="json") for row in record.seconds]),
        "failures": digest([one.model_dump(mode="json") for one in record.failures]),
    }
    return tuple(Subject(name=f"{record.relocation}/{name}", digest={"sha256": found}) for name, found in parts.items())
