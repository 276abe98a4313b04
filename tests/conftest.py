# SPDX-License-Identifier: Apache-2.0
"""What every test relies on."""

import gc
import signal
from collections.abc import Generator

import pytest

pytest_plugins = ["tests.containers.fixtures", "tests.image.fixtures"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs with SIGINT ignored, and programs that tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Between two modules, set aside what there is.

    A look for garbage among all that thousands of tests have left takes so long that Temporal takes a workflow for one that hangs.
    """
    done = yield
    if nextitem is None or nextitem.path != item.path:
        gc.freeze()
    return done


def pytest_sessionfinish() -> None:
    """At the end pytest looks through all of it for what nobody has closed."""
    gc.unfreeze()
