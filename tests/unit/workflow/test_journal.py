# SPDX-License-Identifier: Apache-2.0
"""What the journal was told goes with every order until one of them has come back."""

from datetime import UTC, datetime

import pytest

from relocate.activities.orders import Start
from relocate.model.application import Application
from relocate.model.evidence import Claim
from relocate.model.relocation import RelocationRequest
from relocate.workflow.journal import Journal


@pytest.fixture
def journal() -> Journal:
    """A journal of a relocation that was just accepted."""
    route = {"name": "app", "hosts": ["app.test"], "gateways": ["edge"], "ports": [{"name": "http"}]}
    probes = {"probes": [{"kind": "memory", "via": "direct"}]}
    application = {"name": "app", "workloads": {"memory": {}}, "routes": [route], "readiness": probes}
    return Journal(
        Start(
            relocation="rel-1",
            lease=1,
            request=RelocationRequest(application="app"),
            application=Application.model_validate(application),
            created_at=datetime.now(UTC),
        )
    )


def _revisions(journal: Journal) -> list[int]:
    return [one.view.revision for one in journal.hand_out()]


def test_every_change_is_numbered(journal: Journal) -> None:
    """So that whoever keeps them knows which is newer; a claim alone is a change too."""
    journal.tell(source="mec-a")
    journal.tell(Claim(rung="note", sentence="said"))
    assert _revisions(journal) == [1, 2]
    assert [one.view.source for one in journal.hand_out()] == ["mec-a", "mec-a"]


def test_it_is_handed_out_until_it_is_known_to_be_kept(journal: Journal) -> None:
    """An order that failed, or is still on its way, proves nothing: the next one brings the same along."""
    journal.tell(sentence="one")
    first = journal.hand_out()
    journal.tell(sentence="two")
    assert _revisions(journal) == [1, 2]
    journal.kept(first)
    assert _revisions(journal) == [2]


def test_an_order_that_comes_back_late_takes_nothing_new_away(journal: Journal) -> None:
    """What was told after it went out still waits to be kept."""
    journal.tell(sentence="one")
    late = journal.hand_out()
    journal.tell(sentence="two")
    journal.kept(journal.hand_out())
    journal.tell(sentence="three")
    journal.kept(late)
    journal.kept(())
    assert _revisions(journal) == [3]
