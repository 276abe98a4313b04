# SPDX-License-Identifier: Apache-2.0
"""An application that serves has an instance somewhere, always."""

from pathlib import Path

import pytest

from relocate.clusters.contract import InstanceState
from relocate.clusters.process.wire import Status
from relocate.demo.system import new_system
from tests.chaos.disturbances import Disturbance, Disturbances
from tests.chaos.observer import LOOKS, Observer
from tests.chaos.schedule import Deed


def running(application: str) -> Status:
    """An instance that runs."""
    return Status(application=application, instance="i", state=InstanceState.RUNNING, gone=False)


@pytest.fixture
def disturbances() -> Disturbances:
    """What we did ourselves: nothing yet."""
    return Disturbances()


@pytest.fixture
def observer(tmp_path: Path, disturbances: Disturbances) -> Observer:
    """One that expects a shop."""
    made = Observer(new_system(tmp_path), disturbances)
    made.expect("shop")
    return made


def look(observer: Observer, *found: Status, times: int = LOOKS) -> list[str]:
    """What the observer says after some looks at mec-a."""
    for _ in range(times):
        observer._judge({"mec-a": list(found), "mec-b": []})
    return observer.violations


def test_an_application_without_an_instance_is_a_violation(observer: Observer) -> None:
    """Seen twice running, it is no accident of the moment between two; and it is told once."""
    assert look(observer, times=1) == []
    assert len(look(observer, times=LOOKS)) == 1


def test_another_applications_instance_does_not_count(observer: Observer) -> None:
    """Everybody needs one of its own."""
    assert look(observer, running("shop")) == []
    assert look(observer, running("kiosk"))


def test_what_we_killed_ourselves_is_no_violation(observer: Observer, disturbances: Disturbances) -> None:
    """Until it is back."""
    hit = disturbances.add(Disturbance(Deed.KILL, application="shop", cluster="mec-a"))
    assert look(observer) == []
    hit.until_ns = hit.since_ns = 0
    assert look(observer)


def test_nothing_is_expected_of_what_was_taken_down(observer: Observer) -> None:
    """The run removes its applications in the end."""
    observer.forget("shop")
    assert look(observer) == []
