# SPDX-License-Identifier: Apache-2.0
"""The memory adapter keeps every promise of the contract."""

from steering.conformance.memory import MemoryHarness
from steering.conformance.suite import ConformanceSuite


class TestMemory(ConformanceSuite):
    """All cases."""

    harness = MemoryHarness
