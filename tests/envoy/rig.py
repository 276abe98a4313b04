# SPDX-License-Identifier: Apache-2.0
"""Real Envoys, a real control plane process and real backends, on free loopback ports."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from relocate.demo.processes import free_ports
from steering.adapters.envoy import EnvoyAdapter
from steering.envoy.bootstrap import ClientTls, bootstrap
from steering.model import EPOCH_HEADER, PROBE_HEADER, SIDE_HEADER, Backend, Endpoint, Fence, Port, RouteDocument
from steering.store.engine import engine
from steering.store.tables import METADATA

HERE = Path(__file__).parent
GATEWAY = "edge"
DOMAIN = "conformance.test"
HTTP = Port(name="http", health="/healthz")
WAIT_SECONDS = 20.0


def loopback(port: int) -> Endpoint:
    """An address on this machine."""
    return Endpoint(host="127.0.0.1", port=port)


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path) -> None:
        """Args: folder: where files go."""
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        own = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.file = folder / "ca.pem"
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, *names: str) -> dict[str, str]:
        """A certificate for these DNS names, as `cert_file` and `key_file`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        made = self._builder(subject, key).add_extension(alternatives, critical=False).sign(self._key, hashes.SHA256())
        stem = self.folder / names[0].replace("*", "any")
        certificate, private = stem.with_suffix(".pem"), stem.with_suffix(".key")
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return {"cert_file": str(certificate), "key_file": str(private)}

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(hours=1))
        )


@dataclass
class Rig:
    """One gateway of two Envoys; everything is a process and ends with `stop`."""

    count: int = 2
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="envoy-rig-")))
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    control_tls: bool = False

    def start(self) -> None:
        """Database, certificates, backends a and b, control plane, Envoys; returns when all of them answer."""
        self.database_url = f"sqlite:///{self.folder}/steering.db"
        METADATA.create_all(engine(self.database_url))
        self.authority = Authority(self.folder)
        tls = self.authority.issue(f"*.{DOMAIN}") | {"ca_file": str(self.authority.file)}
        self.settings: dict[str, Any] = {
            "instances": [self._instance(name) for name in self.instances],
            "tls": tls,
            "health": {"interval_seconds": 0.25},
            **self.extra,
        }
        self.gateways = self.folder / "gateways.json"
        self.gateways.write_text(json.dumps({GATEWAY: self.settings}))
        self.trust = ssl.create_default_context(cafile=str(self.authority.file))
        for name in ("a", "b"):
            self.start_backend(name)
        self.start_control()
        for name in self.instances:
            self.start_envoy(name)

    def stop(self) -> None:
        """End every process and remove every file."""
        for name in list(self.processes):
            self.kill(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def instances(self) -> tuple[str, ...]:
        """The Envoys' names."""
        return tuple(f"edge-{number}" for number in range(1, self.count + 1))

    def adapter(self) -> EnvoyAdapter:
        """A new adapter for the gateway."""
        return EnvoyAdapter.open(GATEWAY, self.settings, database_url=self.database_url)

    def port(self, name: str) -> int:
        """The port called `name`: free at first, then always the same."""
        if name not in self.ports:
            (self.ports[name],) = free_ports(1)
        return self.ports[name]

    def start_backend(self, name: str) -> None:
        """Start a backend and wait until it answers."""
        ports = [str(self.port(f"{name}.http")), str(self.port(f"{name}.grpc"))]
        self._run(name, [sys.executable, str(HERE / "backend.py"), name, *ports])
        self.wait_for(lambda: _accepts(self.port(f"{name}.http")), f"backend {name}")

    def start_control(self, name: str = "control") -> None:
        """Start a control plane and wait until it listens."""
        program = [sys.executable, str(HERE / "control_process.py"), self.database_url, str(self.port(name))]
        program.append(str(self.gateways))
        if self.control_tls:
            tls = self.folder / "control-tls.json"
            client_ca = {"client_ca_file": str(self.authority.file)}
            tls.write_text(json.dumps(self.authority.issue("control.test") | client_ca))
            program.append(str(tls))
        self._run(name, program)
        self.wait_for(lambda: _accepts(self.port(name)), name)

    def start_envoy(self, name: str, *, identity: str | None = None, controls: tuple[str, ...] = ("control",)) -> None:
        """Start an Envoy and wait until its admin interface answers."""
        tls = None
        if self.control_tls:
            shown = self.authority.issue(identity or name)
            tls = ClientTls(**shown, ca_file=str(self.authority.file), server_name="control.test")
        body = bootstrap(
            GATEWAY,
            name,
            control=tuple(loopback(self.port(control)) for control in controls),
            admin=loopback(self.port(f"{name}.admin")),
            tls=tls,
        )
        self.run_envoy(name, body)

    def run_envoy(self, name: str, body: dict[str, Any]) -> None:
        """Start an Envoy with this bootstrap and wait until its admin interface answers."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(body))
        envoy = Path(sys.executable).with_name("envoy")
        self._run(name, [str(envoy), "-c", str(path), "--concurrency", "2", "-l", "warning", "--use-dynamic-base-id"])
        self.wait_for(lambda: _accepts(self.port(f"{name}.admin")), name)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End a process, by default without a warning."""
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait(timeout=WAIT_SECONDS)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """A process hangs until this block ends: its connections stay, and nothing is answered."""
        process = self.processes[name]
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def log(self, name: str) -> str:
        """What a process has printed."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def backend(self, name: str, *, ports: tuple[str, ...] = ("http",)) -> Backend:
        """Side `name` of a document."""
        found = {port: (loopback(self.port(f"{name}.{port}")),) for port in ports}
        return Backend(name=name, instance=f"{name}-1", endpoints=found)

    def document(self, route: str, e: str, weights: dict[str, int], **changes: Any) -> RouteDocument:
        """A document of one route with an HTTP port."""
        values: dict[str, Any] = {
            "route": route,
            "application": route,
            "hosts": (f"{route}.{DOMAIN}",),
            "ports": (HTTP,),
            "backends": tuple(self.backend(name) for name in weights),
            "weights": weights,
            "epoch": e,
        }
        return RouteDocument(**values | changes)

    def client(self, **options: Any) -> httpx.AsyncClient:
        """An HTTP client that trusts the gateway and keeps its connections."""
        return httpx.AsyncClient(verify=self.trust, timeout=5.0, trust_env=False, **options)

    def url(self, instance: str, path: str = "/") -> str:
        """Where an instance listens."""
        return f"https://127.0.0.1:{self.port(instance)}{path}"

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a process to do something."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come up\n{self.log(what.rsplit(maxsplit=1)[-1])[-2000:]}")
            time.sleep(0.02)

    def _instance(self, name: str) -> dict[str, Any]:
        address, admin = loopback(self.port(name)), loopback(self.port(f"{name}.admin"))
        return {"id": name, "address": address.model_dump(), "admin": admin.model_dump()}

    def _run(self, name: str, program: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                program, stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONUNBUFFERED": "1"}
            )


def of(route: str, *, token: str | None = None) -> dict[str, Any]:
    """What makes a request one for this route: the host name, in TLS and in HTTP."""
    host = f"{route}.{DOMAIN}"
    headers = {"host": host} | ({PROBE_HEADER: token} if token else {})
    return {"headers": headers, "extensions": {"sni_hostname": host}}


def told(response: httpx.Response) -> tuple[int, str | None, str | None]:
    """Status, side and epoch of an answer."""
    return response.status_code, response.headers.get(SIDE_HEADER), response.headers.get(EPOCH_HEADER)


class Fences:
    """Fences that rise."""

    def __init__(self, lease: int = 1) -> None:
        """Args: lease: the lease they belong to."""
        self._lease = lease
        self._sequence = 0

    def __call__(self) -> Fence:
        """The next one."""
        self._sequence += 1
        return Fence(lease=self._lease, sequence=self._sequence)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
