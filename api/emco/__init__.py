# SPDX-License-Identifier: Apache-2.0
"""What EMCO speaks: paths, codes and bodies are workflowmgr's (docs/reference/emco.md)."""
