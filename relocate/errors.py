# SPDX-License-Identifier: Apache-2.0
"""Errors of the orchestrator, and their one translation for Temporal.

The class name is the stable type that retry policies match. Library exceptions are chained as the cause::

    RelocateError
    |-- InvalidRequest        what was asked for makes no sense; the text names the field
    |   `-- InvalidWorkload   ... in the application's workload
    |-- NotFound              an application, cluster, gateway or relocation of that name is not known
    |-- AlreadyRelocating     that application has a running relocation
    |-- AlreadyExists         something of that name is there
    |-- AlreadyStarted        a workflow of that id runs, or has run, and who wants it started calls that an error
    |-- NotRunning            the relocation has ended, or has not begun; no command reaches it
    |-- StaleFence            a newer step, undo or lease has been here
    |-- ClusterUnavailable    a cluster could not be asked now
    |-- Drifted               somebody else changed routes since our last write; nothing was overwritten
    |-- TargetFailed          B will not become ready, whatever the wait
    |-- NotProven             the proof that a step needs could not be had in time
    |-- Unhealthy             the side that should take the traffic is not proven healthy now
    |-- EvidenceNotStored     evidence could not be written; nothing irreversible may follow
    `-- EngineUnavailable     Temporal could not be asked now
"""

from collections.abc import Mapping

from steering.model import Version


class RelocateError(Exception):
    """Something went wrong in a relocation."""


class InvalidRequest(RelocateError):
    """What was asked for makes no sense."""

    def __init__(self, message: str, *, field: str = "") -> None:
        """Args: message: what is wrong and what is allowed; field: path of the field, dotted."""
        super().__init__(message)
        self.field = field


class InvalidWorkload(InvalidRequest):
    """The workload can never run on this kind of cluster."""


class NotFound(RelocateError):
    """Nothing of that name is known."""


class AlreadyRelocating(RelocateError):
    """The application has a running relocation."""

    def __init__(self, application: str, relocation: str) -> None:
        """Args: application: its name; relocation: id of the one that runs."""
        super().__init__(f"{application} is being relocated by {relocation}")
        self.relocation = relocation


class AlreadyExists(RelocateError):
    """Something of that name is there already; nothing was changed."""


class AlreadyStarted(RelocateError):
    """A workflow of that id has been started before, and who wants it started says that this is an error."""


class NotRunning(RelocateError):
    """The relocation has ended, or has not begun: no command reaches it."""


class StaleFence(RelocateError):
    """A newer step, undo or lease has been here; this attempt changed nothing."""


class Drifted(RelocateError):
    """Somebody else changed routes since our last write; nothing was overwritten."""

    def __init__(self, message: str, versions: Mapping[str, Version]) -> None:
        """Args: message: what was found; versions: what stands on each changed route now, by "gateway/route"."""
        super().__init__(message)
        self.versions = dict(versions)


class ClusterUnavailable(RelocateError):
    """The cluster could not be asked; asking again may help."""


class TargetFailed(RelocateError):
    """B will not become ready, whatever the wait."""


class NotProven(RelocateError):
    """The proof that this step needs could not be had in time."""


class Unhealthy(RelocateError):
    """The side that should take the traffic is not proven healthy now."""


class EvidenceNotStored(RelocateError):
    """Evidence could not be written; nothing irreversible may follow."""


class EngineUnavailable(RelocateError):
    """Temporal could not be asked; asking again may help."""
