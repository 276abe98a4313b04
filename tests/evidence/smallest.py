# SPDX-License-Identifier: Apache-2.0
"""The smallest record there is."""

from datetime import UTC, datetime

from relocate.evidence.record import Record
from relocate.model.relocation import RelocationRequest, Status, View


def smallest() -> Record:
    """A record in which nothing has happened yet."""
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    request = RelocationRequest(application="assist")
    view = View(id="rel-1", application="assist", status=Status.ACCEPTED, request=request, steps=(), created_at=noon)
    return Record(relocation="rel-1", made_at=noon, view=view, decision=None, entries=(), seconds=(), failures=())
