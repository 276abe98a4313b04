# SPDX-License-Identifier: Apache-2.0
"""Search attributes, so that Temporal's own list shows what a run is about. Optional: our lists come from the database.

SQL visibility allows ten keywords per namespace, and an unregistered one fails the start (reference: envoy.md,
Temporal 3); so there are few, and they are used only where all of them are registered.
"""

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from relocate.model.relocation import View

APPLICATION = SearchAttributeKey.for_keyword("RelocateApplication")
STATUS = SearchAttributeKey.for_keyword("RelocateStatus")
PHASE = SearchAttributeKey.for_keyword("RelocatePhase")
OUTCOME = SearchAttributeKey.for_keyword("RelocateOutcome")
SOURCE = SearchAttributeKey.for_keyword("RelocateSource")
TARGET = SearchAttributeKey.for_keyword("RelocateTarget")

KEYS = (APPLICATION, STATUS, PHASE, OUTCOME, SOURCE, TARGET)


class Searchable:
    """What Temporal's list shows of one run. Each change is a command of its own, so only what differs is written."""

    def __init__(self) -> None:
        """Nothing is shown yet."""
        self._shown: dict[SearchAttributeKey[str], str] = {}

    def show(self, view: View) -> None:
        """Bring the attributes in line with the view; fields that say nothing yet are left out."""
        said = (view.application, view.status, view.phase, view.outcome, view.source, view.target)
        shown = {key: str(value) for key, value in zip(KEYS, said, strict=True) if value is not None}
        changed = [key.value_set(value) for key, value in shown.items() if self._shown.get(key) != value]
        if changed:
            workflow.upsert_search_attributes(changed)
        self._shown = shown
