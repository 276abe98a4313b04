# SPDX-License-Identifier: Apache-2.0
"""The TLS contexts of probes, made once for each certificate authority: reading one costs more than a probe does."""

import functools
import ssl
from pathlib import Path


def context(ca_file: str | None, *alpn: str) -> ssl.SSLContext:
    """A client's context that trusts `ca_file` (None: the system's authorities) and offers the protocols `alpn`.

    A context belongs to one set of protocols, because HTTP libraries write theirs into it.

    Raises:
        OSError: the file cannot be read, or holds no certificate.
    """
    changed = Path(ca_file).stat().st_mtime_ns if ca_file else 0
    return _context(ca_file, changed, alpn)


@functools.lru_cache(maxsize=64)
def _context(ca_file: str | None, _changed: int, alpn: tuple[str, ...]) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=ca_file)
    if alpn:
        made.set_alpn_protocols(list(alpn))
    return made
