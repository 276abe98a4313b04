# SPDX-License-Identifier: Apache-2.0
"""The orchestrator: one relocation is one Temporal workflow and one evidence record."""
