# SPDX-License-Identifier: Apache-2.0
"""A gRPC channel to one target: as whom the target says, by no proxy, sharing its connection with nobody."""

from pathlib import Path

import grpc

from readiness.model import Target

ALONE: tuple[tuple[str, int], ...] = (
    # Channels of one process share connections to one address unless told not to, and a shared one is not fresh.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
)
"""Channel options that make one call one attempt on a connection of this channel."""


def open_channel(target: Target, *more: tuple[str, int]) -> grpc.aio.Channel:
    """A channel with the options `ALONE` and `more`; it connects when it is used.

    Raises:
        OSError: the file of the certificate authority cannot be read.
    """
    address = f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"
    options: list[tuple[str, str | int]] = [*ALONE, *more]
    if target.server_name:
        options.append(("grpc.default_authority", target.server_name))
    if not target.tls:
        return grpc.aio.insecure_channel(address, options=options)
    if target.server_name:
        options.append(("grpc.ssl_target_name_override", target.server_name))
    authorities = Path(target.ca_file).read_bytes() if target.ca_file else None
    credentials = grpc.ssl_channel_credentials(root_certificates=authorities)
    return grpc.aio.secure_channel(address, credentials, options=options)
