# SPDX-License-Identifier: Apache-2.0
"""The values that everything else speaks in: pure, immutable, no I/O. Workflow code may import all of it."""
