# SPDX-License-Identifier: Apache-2.0
"""The TLS listener of a gateway: one filter chain per route, chosen by server name.

A chain depends only on its route's host names, so a change to one route leaves the connections of all others alone
(Envoy drains just the filter chains that changed).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from envoy.config.listener.v3 import listener_components_pb2, listener_pb2
from google.protobuf.json_format import ParseDict

from steering.envoy.settings import GatewaySettings, Tls
from steering.envoy.xds import LDS, Json, Resource, packed, seconds, typed
from steering.model import EPOCH_HEADER, SIDE_HEADER, Endpoint, RouteDocument

LISTENER = "relocate"

_LOG_FORMAT = (
    '%START_TIME% %ROUTE_NAME% "%REQ(:METHOD)% %REQ(:AUTHORITY)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    f"%RESPONSE_CODE_DETAILS% %DURATION%ms side=%RESP({SIDE_HEADER})% epoch=%RESP({EPOCH_HEADER})% "
    "%UPSTREAM_CLUSTER_RAW% %UPSTREAM_HOST% attempts=%UPSTREAM_REQUEST_ATTEMPT_COUNT%\n"
)

ROUTES_WAIT_SECONDS = 2.0
"""How long a changed listener waits for the routes of a new chain before it goes to work without them."""


@dataclass(frozen=True)
class Chain:
    """One route's filter chain, checked once; equal if it is the same to an Envoy."""

    message: listener_components_pb2.FilterChain


def listener(bind: Endpoint, chains: Iterable[Chain]) -> Resource:
    """The whole listener."""
    frame = ParseDict(_frame(bind), listener_pb2.Listener())
    frame.filter_chains.extend(chain.message for chain in chains)
    return packed(LDS, LISTENER, frame)


def chain(document: RouteDocument, settings: GatewaySettings) -> Chain:
    """The filter chain of one route, for `listener`."""
    return Chain(ParseDict(filter_chain(document, settings), listener_components_pb2.FilterChain()))


def _frame(bind: Endpoint) -> Json:
    return {
        "name": LISTENER,
        "address": {"socket_address": {"address": bind.host, "port_value": bind.port}},
        "listener_filters": [
            {
                "name": "envoy.filters.listener.tls_inspector",
                "typed_config": typed("filters.listener.tls_inspector.v3.TlsInspector"),
            }
        ],
    }


def filter_chain(document: RouteDocument, settings: GatewaySettings) -> Json:
    """The same in JSON form."""
    if settings.tls is None:
        raise ValueError("tls: needed for the listener")
    return {
        "name": document.route,
        "filter_chain_match": {"server_names": sorted({host.lower() for host in document.hosts})},
        "transport_socket": _transport_socket(settings.tls),
        "filters": [
            {
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": _connection_manager(document.route, settings),
            }
        ],
    }


def _transport_socket(tls: Tls) -> Json:
    certificate = {"certificate_chain": {"filename": tls.cert_file}, "private_key": {"filename": tls.key_file}}
    common = {"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [certificate]}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed("transport_sockets.tls.v3.DownstreamTlsContext", common_tls_context=common),
    }


def _connection_manager(route: str, settings: GatewaySettings) -> Json:
    source = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": seconds(ROUTES_WAIT_SECONDS)}
    router = typed("filters.http.router.v3.Router", suppress_envoy_headers=True)
    manager = typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=route,
        rds={"route_config_name": route, "config_source": source},
        http_filters=[{"name": "envoy.filters.http.router", "typed_config": router}],
        upgrade_configs=[{"upgrade_type": "websocket"}],
        http2_protocol_options={"allow_connect": True},
        use_remote_address=True,
        # The application's own header is not ours to replace; UEs correlate by it.
        preserve_external_request_id=True,
        normalize_path=True,
        stream_idle_timeout=seconds(settings.stream_idle_seconds),
        request_headers_timeout="10s",
        # A stream whose instance died is closed towards the UE only after this (measured: 1.0 s by default, and every
        # message of that second is lost). 0 would close at once and may cut off an answer that is still under way.
        delayed_close_timeout="0.1s",
    )
    if settings.listener is not None and settings.listener.access_log is not None:
        manager["access_log"] = [_access_log(settings.listener.access_log)]
    return manager


def _access_log(path: str) -> Json:
    text = {"text_format_source": {"inline_string": _LOG_FORMAT}}
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": typed("access_loggers.file.v3.FileAccessLog", path=path, log_format=text),
    }
