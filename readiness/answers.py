# SPDX-License-Identifier: Apache-2.0
"""How a probe words its answer: short sentences for an operator, whatever the target did."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Mapping

from readiness.model import Readiness, Verdict

LONGEST = 256
"""Characters kept of anything a target said: enough to recognise it, too few to flood a record."""


def shortened(text: str, longest: int = LONGEST) -> str:
    """`text` as one printable line of at most `longest` characters."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def ready(reason: str, observed: Mapping[str, str] | None = None) -> Verdict:
    """The target answered as it should."""
    return _verdict(Readiness.READY, reason, observed)


def not_yet(reason: str, observed: Mapping[str, str] | None = None) -> Verdict:
    """The target did not answer as it should; asking again may help."""
    return _verdict(Readiness.NOT_YET, reason, observed)


def never(reason: str, observed: Mapping[str, str] | None = None) -> Verdict:
    """Asking again will not help."""
    return _verdict(Readiness.NEVER, reason, observed)


def _verdict(readiness: Readiness, reason: str, observed: Mapping[str, str] | None) -> Verdict:
    seen = {name: shortened(value) for name, value in (observed or {}).items()}
    return Verdict(readiness=readiness, reason=shortened(reason), observed=seen)


def because(error: BaseException) -> str:
    """Why a connection failed: the innermost cause that says something, without its library's wrapping."""
    found, seen = error, error
    while (inner := seen.__cause__ or seen.__context__) is not None:
        seen = inner
        if isinstance(inner, OSError) and (inner.errno or isinstance(inner, ssl.SSLError)):
            found = inner
    if isinstance(found, ssl.SSLCertVerificationError):
        return shortened(f"certificate not accepted: {found.verify_message}")
    if isinstance(found, ConnectionRefusedError):
        return "connection refused"
    if isinstance(found, OSError) and found.strerror:
        return shortened(found.strerror)
    return shortened(str(found) or type(found).__name__)


async def bounded(question: Awaitable[Verdict], timeout: float) -> Verdict:
    """Await a probe's question for at most `timeout` seconds; lateness and a broken connection are verdicts, too."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            verdict = await question
    except TimeoutError:
        verdict = not_yet(f"no answer within {timeout:g} s")
    except OSError as error:
        verdict = not_yet(because(error))
    return verdict.model_copy(update={"took_seconds": time.monotonic() - started})
