# SPDX-License-Identifier: Apache-2.0
"""The Temporal workflow. `relocation` is the runbook; the other modules are what it stands on. Pure imports only."""
