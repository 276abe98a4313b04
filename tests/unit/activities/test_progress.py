# SPDX-License-Identifier: Apache-2.0
"""How far a write has come is told in words."""

from relocate.activities.progress import Progress
from relocate.activities.ways import Stretch
from relocate.model.application import Application
from steering.adapters.memory import MemoryAdapter, MemoryGateway
from steering.memory import MemorySettings
from tests.unit.activities.test_counts import APPLICATION
from tests.unit.steering.documents import document


def test_whoever_is_not_proven_is_named_with_what_was_last_found() -> None:
    """What an instance answered wrong is not forgotten while it is asked again."""
    (route,) = Application.model_validate(APPLICATION).routes
    stretch = Stretch(route, "gw", MemoryAdapter(MemoryGateway(MemorySettings())))
    progress = Progress(stretch, "7", 0.0, document(), expected=("edge-1", "edge-2", "edge-3"))
    progress.proven["edge-1"] = 0.2
    progress.unfit["edge-2"] = "edge-2 still answers with epoch rel-1.1.3"
    assert progress.unproven == (
        "edge-2 still answers with epoch rel-1.1.3; the answers through edge-3 have not all come yet"
    )
