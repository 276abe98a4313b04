# SPDX-License-Identifier: Apache-2.0
"""Errors of this package.

A failing probe is not an error: it is a verdict::

ReadinessError
|-- UnknownProbe      no probe of that kind is installed
`-- InvalidProbe      the probe's settings make no sense; the text names the field
"""


class ReadinessError(Exception):
    """Something is wrong with how readiness is asked, not with who is asked."""


class UnknownProbe(ReadinessError):
    """No probe of this kind is installed."""


class InvalidProbe(ReadinessError):
    """The settings of this probe make no sense."""
