# SPDX-License-Identifier: Apache-2.0
"""Our side of Temporal: the connection, the worker, and the way in for requests and commands."""
