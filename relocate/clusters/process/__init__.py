# SPDX-License-Identifier: Apache-2.0
"""Clusters of real server processes on one machine: an agent process owns them, a driver asks the agent by HTTP.

A worker that dies takes no instance with it, because none is its child. An agent that dies takes all of them with it.
"""

from relocate.clusters.process.driver import ProcessDriver

__all__ = ["ProcessDriver"]
