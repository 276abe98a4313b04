# SPDX-License-Identifier: Apache-2.0
"""What the workflow has done for it: one module per subject. `calls` is the table that both sides share."""
