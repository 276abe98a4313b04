# SPDX-License-Identifier: Apache-2.0
"""A real gateway and a real application for the traffic: Envoys with TLS, in front of the sample application."""

import datetime as dt
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "navigator.edge.test"
START_SECONDS = 15.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Return when it is true; fail when it takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen within {START_SECONDS:g} s"
        time.sleep(0.01)


class Certificates:
    """A certificate authority of this test run, and one certificate for `HOST`."""

    def __init__(self, folder: Path) -> None:
        self.ca_file, self.certificate, self.key = (folder / name for name in ("ca.pem", "leaf.pem", "leaf.key"))
        ca_key, ca = _signed("test authority", None, None)
        leaf_key, leaf = _signed(HOST, ca_key, ca)
        self.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        self.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            leaf_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


def _signed(
    name: str, issuer_key: ec.EllipticCurvePrivateKey | None, issuer: x509.Certificate | None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "-"))]), critical=False)
    )
    return key, builder.sign(issuer_key or key, hashes.SHA256())


class Program:
    """A process of ours; ended by its id."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self._command = command
        self._log = log
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it (again)."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )

    def serves(self) -> bool:
        """Whether it does what it is for."""
        raise NotImplementedError

    def kill(self) -> None:
        """End it at once, wherever it stands."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None


class Application(Program):
    """The sample application as one instance on one cluster."""

    def __init__(self, folder: Path, instance: str, cluster: str) -> None:
        self.http_port, self.grpc_port = free_port(), free_port()
        ports = ["--http-port", str(self.http_port), "--grpc-port", str(self.grpc_port)]
        command = [sys.executable, "-m", "relocate.demo.app", *ports, "--warm-up", "0"]
        who = {"RELOCATE_INSTANCE": instance, "RELOCATE_CLUSTER": cluster}
        super().__init__(command, folder / f"{instance}.log", who)

    def serves(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Gateway(Program):
    """One Envoy with TLS and a fixed route to one application."""

    def __init__(self, folder: Path, name: str, certificates: Certificates, application: Application) -> None:
        self.name = name
        self.port = free_port()
        self._ca_file = certificates.ca_file
        config = folder / f"{name}.json"
        config.write_text(json.dumps(envoy_config(self.port, certificates, application)))
        envoy = shutil.which("envoy", path=str(Path(sys.executable).parent))
        assert envoy is not None
        command = [envoy, "-c", str(config), "--use-dynamic-base-id", "--concurrency", "1", "-l", "warning"]
        super().__init__(command, folder / f"{name}.log")

    def serves(self) -> bool:
        """Whether it shakes hands."""
        context = ssl.create_default_context(cafile=str(self._ca_file))
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=1) as sock,
                context.wrap_socket(sock, server_hostname=HOST),
            ):
                return True
        except OSError:
            return False

    def as_configured(self) -> dict[str, Any]:
        """This gateway instance, in a traffic plan."""
        return {"name": self.name, "port": self.port, "server_name": HOST, "ca_file": str(self._ca_file)}


def envoy_config(port: int, certificates: Certificates, application: Application) -> dict[str, Any]:
    """One listener, two clusters, no retries."""
    tls = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": str(certificates.certificate)},
                    "private_key": {"filename": str(certificates.key)},
                }
            ],
        },
    }
    routes = [
        {"match": {"prefix": "/demo.Echo/"}, "route": {"cluster": "grpc", "timeout": "0s"}},
        {"match": {"prefix": "/"}, "route": {"cluster": "http"}},
    ]
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ue",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "preserve_external_request_id": True,
        # Its default of 1 s keeps a WebSocket whose instance has died open for a second: measured by these tests.
        "delayed_close_timeout": "0s",
        "route_config": {"virtual_hosts": [{"name": "app", "domains": [HOST], "routes": routes}]},
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    chain = {
        "transport_socket": {"name": "tls", "typed_config": tls},
        "filters": [{"name": "http", "typed_config": manager}],
    }
    listener = {"name": "ue", "address": _address(port), "filter_chains": [chain]}
    clusters = [
        _cluster("http", application.http_port, {"http_protocol_options": {}}),
        _cluster("grpc", application.grpc_port, {"http2_protocol_options": {}}),
    ]
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(name: str, port: int, protocol: dict[str, Any]) -> dict[str, Any]:
    options = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": protocol,
    }
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}],
        },
    }
