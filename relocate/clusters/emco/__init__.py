# SPDX-License-Identifier: Apache-2.0
"""The kind `emco`: clusters on which EMCO runs things, asked by its REST."""

from relocate.clusters.emco.driver import EmcoDriver

__all__ = ["EmcoDriver"]
