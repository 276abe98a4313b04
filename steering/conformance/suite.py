# SPDX-License-Identifier: Apache-2.0
"""All cases. Each is a promise of `steering.contract`; one that a harness cannot offer is skipped and reported so."""

from typing import ClassVar

from steering.conformance.following import FollowingSuite
from steering.conformance.harness import ConformanceHarness
from steering.conformance.instances import InstancesSuite
from steering.conformance.traffic import TrafficSuite
from steering.conformance.written import WrittenSuite


class ConformanceSuite(WrittenSuite, InstancesSuite, FollowingSuite, TrafficSuite):
    """All cases. Subclass it in a test file, name the subclass `Test...`, and set `harness`."""

    harness: ClassVar[type[ConformanceHarness]]
