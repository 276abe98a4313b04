# SPDX-License-Identifier: Apache-2.0
"""Errors of target selection.

A selector gave no decision that can be followed::

    RelocateError
    `-- SelectorFailed            the selector gave no decision
        |-- SelectorUnreachable   ... because it could not be asked, or asked for more time
        `-- SelectorNonsense      ... because its answer contradicts itself or the offer

`choosing.choose` turns both into the configured fall-back; they never reach a workflow.
"""

from relocate.errors import RelocateError


class SelectorFailed(RelocateError):
    """The selector gave no decision."""


class SelectorUnreachable(SelectorFailed):
    """The selector could not be asked in time."""


class SelectorNonsense(SelectorFailed):
    """The selector's answer contradicts itself or the offer."""
