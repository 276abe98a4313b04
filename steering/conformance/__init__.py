# SPDX-License-Identifier: Apache-2.0
"""The conformance kit: what every steering adapter must do, as tests that its author runs on the real gateway.

An author writes a harness (how to make the adapter, how to send a request through an instance) and either::

    class TestMine(ConformanceSuite):          # in a test file
        harness = MyHarness

or, without any file, `pytest --steering-adapter=my.package:MyHarness`. The outcome also goes to
`build/conformance/NAME.json`.
"""

from steering.conformance.harness import ConformanceHarness, Reply, Stream

__all__ = ["ConformanceHarness", "Reply", "Stream"]
