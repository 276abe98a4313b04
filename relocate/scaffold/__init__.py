# SPDX-License-Identifier: Apache-2.0
"""Projects that `relocate new-...` begins: files with holes, and what is filled in."""
