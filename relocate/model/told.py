# SPDX-License-Identifier: Apache-2.0
"""What a run tells the world: one change of its view, with what was noted beside it."""

from typing import Any

from relocate.model.evidence import Claim
from relocate.model.relocation import View
from relocate.model.values import Payload


class Told(Payload):
    """One thing told. Views are numbered (`View.revision`), so that each is kept once, whoever brings it how often."""

    view: View
    claims: tuple[Claim, ...] = ()
    decision: dict[str, Any] | None = None
    """A `Decision` of the target selector, as JSON."""
