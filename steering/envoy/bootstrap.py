# SPDX-License-Identifier: Apache-2.0
"""The file an Envoy is started with: who it is, where its control plane is, and next to nothing else."""

from typing import Any

from steering.envoy.settings import Settings
from steering.model import Endpoint

ADS_CLUSTER = "relocate-control"


class ClientTls(Settings):
    """What an Envoy shows to, and asks of, the control plane."""

    cert_file: str
    key_file: str
    ca_file: str
    server_name: str


def bootstrap(
    gateway: str,
    instance: str,
    *,
    control: tuple[Endpoint, ...],
    admin: Endpoint,
    tls: ClientTls | None = None,
) -> dict[str, Any]:
    """Render a bootstrap (write it as JSON and start `envoy -c FILE`).

    Args:
        gateway: the gateway's configured name.
        instance: this instance's id; with `tls`, a name in the certificate.
        control: the control plane's replicas; an Envoy keeps to one and takes another when it is gone.
        admin: loopback address for the admin interface. It answers only what is harmless: statistics and readiness.
        tls: certificates for the control connection; None is for loopback.
    """
    return {
        "node": {"id": instance, "cluster": gateway},
        "admin": {"address": _address(admin), "allow_paths": [{"exact": "/ready"}, {"prefix": "/stats"}]},
        "dynamic_resources": {
            "ads_config": _ads_config(),
            "cds_config": _over_ads(),
            "lds_config": _over_ads(),
        },
        "static_resources": {"clusters": [_control_cluster(control, tls)]},
        # One tenant's burst must not use up file descriptors for all: Envoy warns when this is not set.
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.resource_monitors"
                        ".downstream_connections.v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": "50000",
                    },
                }
            ]
        },
    }


def _over_ads() -> dict[str, Any]:
    return {"ads": {}, "resource_api_version": "V3"}


def _ads_config() -> dict[str, Any]:
    return {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [
            {
                "envoy_grpc": {
                    "cluster_name": ADS_CLUSTER,
                    # Envoy's default waits up to 30 s between attempts: too long to be deaf after a restart.
                    "retry_policy": {"retry_back_off": {"base_interval": "0.1s", "max_interval": "1s"}},
                }
            }
        ],
    }


def _control_cluster(control: tuple[Endpoint, ...], tls: ClientTls | None) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": _address(one)}} for one in control]
    cluster: dict[str, Any] = {
        "name": ADS_CLUSTER,
        "type": "STRICT_DNS",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": ADS_CLUSTER, "endpoints": [{"lb_endpoints": endpoints}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {
                    # A control plane that vanished without a word is noticed within two seconds.
                    "http2_protocol_options": {"connection_keepalive": {"interval": "1s", "timeout": "1s"}}
                },
            }
        },
    }
    if tls is not None:
        cluster["transport_socket"] = _transport_socket(tls)
    return cluster


def _transport_socket(tls: ClientTls) -> dict[str, Any]:
    certificate = {"certificate_chain": {"filename": tls.cert_file}, "private_key": {"filename": tls.key_file}}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": tls.server_name,
            "common_tls_context": {
                "alpn_protocols": ["h2"],
                "tls_certificates": [certificate],
                "validation_context": {
                    "trusted_ca": {"filename": tls.ca_file},
                    "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": tls.server_name}}],
                },
            },
        },
    }


def _address(endpoint: Endpoint) -> dict[str, Any]:
    return {"socket_address": {"address": endpoint.host, "port_value": endpoint.port}}
