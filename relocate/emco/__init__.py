# SPDX-License-Identifier: Apache-2.0
"""EMCO's words, as its workflowmgr writes and reads them; pure values. How they become relocations: docs/explanation/emco.md."""
