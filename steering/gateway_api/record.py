# SPDX-License-Identifier: Apache-2.0
"""What an HTTPRoute says of itself in annotations: the document it was written from, its fence, its version. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic import ValidationError

from steering.errors import Unavailable
from steering.fencing import Current
from steering.gateway_api.adoption import Original, Theirs
from steering.gateway_api.names import PREFIX
from steering.model import Fence, RouteDocument

REMEMBERED = 16
"""Writes whose epochs are kept: a replica that is further behind than this is seen to be behind, but not how far."""
LONGEST_BYTES = 200_000
"""Of a document as JSON: an object's annotations may have 256 KiB in all."""

GATEWAY, DOCUMENT, FENCE, VERSION, EPOCHS = (
    f"{PREFIX}/{one}" for one in ("gateway", "document", "fence", "version", "epochs")
)
ORIGINAL = f"{PREFIX}/original"


@dataclass(frozen=True)
class Record:
    """One write."""

    gateway: str
    """The gateway whose route this is, by its configured name."""
    version: int
    fence: Fence
    document: RouteDocument
    epochs: tuple[tuple[int, str], ...]
    """Version and epoch of the last writes, this one included, the oldest first."""
    original: Original | None = None
    """What the route was before it was adopted; None for one that we have made."""

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Self | None:
        """The record that an object carries; None if it carries none: then it is not ours.

        Raises:
            Unavailable: somebody has damaged it.
        """
        metadata = found["metadata"]
        marks = metadata.get("annotations") or {}
        if DOCUMENT not in marks:
            return None
        try:
            lease, _, sequence = marks[FENCE].partition(".")
            return cls(
                gateway=marks[GATEWAY],
                version=int(marks[VERSION]),
                fence=Fence(lease=int(lease), sequence=int(sequence)),
                document=RouteDocument.model_validate_json(marks[DOCUMENT]),
                epochs=tuple((int(version), str(epoch)) for version, epoch in json.loads(marks[EPOCHS])),
                original=Original.read(json.loads(marks[ORIGINAL])) if ORIGINAL in marks else None,
            )
        except (KeyError, ValueError, TypeError, ValidationError) as error:
            where = f"{found['kind']} {metadata.get('namespace')}/{metadata.get('name')}"
            raise Unavailable(f"{where}: what it says of itself ({PREFIX}/...) was damaged: {error}") from error

    def next(self, version: int, fence: Fence, document: RouteDocument, theirs: Theirs = Theirs.AWAY) -> Self:
        """The record of the write after this one; of a route that was adopted, also what becomes of theirs."""
        epochs = (*self.epochs, (version, document.epoch))[-REMEMBERED:]
        kept = self.original._replace(theirs=theirs) if self.original is not None else None
        return type(self)(self.gateway, version, fence, document, epochs, kept)

    def claiming(self, original: Original) -> Self:
        """The same write in the claimed form."""
        return replace(self, original=original._replace(theirs=Theirs.SERVE))

    @classmethod
    def first(cls, gateway: str, version: int, fence: Fence, document: RouteDocument) -> Self:
        """The record of a route's first write."""
        return cls(gateway, version, fence, document, ((version, document.epoch),))

    def put(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """The object with this record in it."""
        marks = {
            GATEWAY: self.gateway,
            VERSION: str(self.version),
            FENCE: text(self.fence),
            EPOCHS: json.dumps(self.epochs),
            DOCUMENT: encoded(self.document),
        }
        if self.original is not None:
            marks[ORIGINAL] = json.dumps(self.original.as_json())
        metadata = dict(found["metadata"])
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **marks}
        return {**found, "metadata": metadata}

    @property
    def current(self) -> Current:
        """As `steering.fencing` judges by it."""
        return Current(version=self.version, fence=self.fence, document=self.document)

    def version_of(self, epoch: str | None) -> int | None:
        """Which write an answer with this epoch came from; None if it is not one that is remembered."""
        return next((version for version, known in reversed(self.epochs) if known == epoch), None)


def encoded(document: RouteDocument) -> str:
    """A document as it stands in an annotation."""
    return document.model_dump_json()


def text(fence: Fence) -> str:
    """A fence as it stands in an annotation."""
    return f"{fence.lease}.{fence.sequence}"
