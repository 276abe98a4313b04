# SPDX-License-Identifier: Apache-2.0
"""Logs on stderr: one JSON object a line, or text for people where stderr is a terminal.

Whoever logs does so with structlog or the standard library, as he likes; lines look the same. A line that concerns a relocation
has its id as `relocation`, and where it is traced the trace's id as `trace`, so that both can be grepped for.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import structlog
from opentelemetry import trace
from structlog.contextvars import bind_contextvars
from structlog.typing import EventDict, Processor
from temporalio import activity, workflow
from temporalio.runtime import LogForwardingConfig, LoggingConfig, TelemetryFilter

QUIET = ("alembic", "httpcore", "httpx", "uvicorn")
"""These tell each of their steps; only their warnings are of use."""

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_DETAILS = ("temporal_workflow", "temporal_activity")
"""Attributes in which Temporal's SDK says for which run it logs."""


def configure(process: str, level: str) -> None:
    """Set up this process's logs. Args: process: what it is called in each line; level: as `RELOCATE_LOG_LEVEL`."""
    renderer: Processor = structlog.processors.JSONRenderer(default=str)
    if sys.stderr.isatty():
        # The finer ones show the values of variables, and tokens are among them.
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _say(process),
        _trace,
        structlog.processors.StackInfoRenderer(),
        *([] if sys.stderr.isatty() else [structlog.processors.format_exc_info]),
    ]
    least = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, _logged, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    finish = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[_record, *shared, _logged], processors=finish)
    )
    logging.basicConfig(handlers=[handler], level=least, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(least, logging.WARNING))
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False


def of_temporal() -> LoggingConfig:
    """What Temporal's SDK has to say comes the same way."""
    return LoggingConfig(
        filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
        forwarding=LogForwardingConfig(
            logger=logging.getLogger("temporalio.core"),
            append_target_to_name=False,
            prepend_target_on_message=False,
            append_log_fields_to_message=False,
        ),
    )


def concerning(relocation: str, **more: str) -> None:
    """From now on, in this task, every line is about this relocation."""
    bind_contextvars(relocation=relocation, **more)


def _say(process: str) -> Processor:
    def processor(_logger: Any, _name: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return processor


def _trace(_logger: Any, _name: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace", trace.format_trace_id(context.trace_id))
    return event


def _record(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """What a record of the standard library brings along beside its message."""
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    more = {name: value for name, value in vars(record).items() if name not in _OWN and not name.startswith("_")}
    more.pop("color_message", None)  # uvicorn's text once more
    for name in _DETAILS:
        _take_run(event, more.pop(name, None))
    core = more.pop("temporal_log", None)
    if core is not None:
        more |= {"fields": dict(core.fields)}
        _take_run(event, core.fields)
    event.update(more)
    return event


def _take_run(event: MutableMapping[str, Any], details: Mapping[str, Any] | None) -> None:
    if details and (run := details.get("workflow_id")):
        event.setdefault("relocation", run)


def _logged(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """A write is a relocation's if its epoch says so (`phases.documents.epoch_of`)."""
    epoch = event.get("epoch")
    if isinstance(epoch, str) and epoch.startswith("rel-"):
        event.setdefault("relocation", epoch.rsplit(".", 2)[0])
    return event


__all__: Sequence[str] = ("concerning", "configure", "of_temporal")
