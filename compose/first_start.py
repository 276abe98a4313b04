# SPDX-License-Identifier: Apache-2.0
"""Makes what must not stand in any file of a repository: `python3 first_start.py FOLDER`, as root, in the service's image.

Each folder in it is a volume of those who read it (compose.yaml). What was made once stays: `docker compose down -v` forgets it.
"""

import json
import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path

from relocate.demo.certificates import Authority, write_key
from relocate.evidence.keys import create_signing_key
from steering.envoy.bootstrap import ClientTls, bootstrap
from steering.model import Endpoint

OURS = 65532
"""User of our image, and of the Envoys."""
EVERYBODY, OWNER = 0o444, 0o400
LIFE = timedelta(days=365)
GATEWAY, CONTROL = "edge", "gateway-control"
GATEWAYS = ("envoy-1", "envoy-2")
CLUSTERS = ("mec-a", "mec-b")
HOSTS = ("*.edge.test", "localhost")
"""Whom the gateways' listeners are."""


def make(made: Path) -> None:
    """Everything; the list of tokens comes last, and says that all is there."""
    service = made / "service"
    if (service / "tokens.json").exists():
        return
    for left in made.glob("*/*"):  # by a start that was cut short
        left.unlink()
    password = secrets.token_urlsafe(32)
    _keep(made / "database" / "password", password, EVERYBODY)
    _keep(service / "pgpass", f"postgresql:5432:*:relocate:{password}", 0o600)
    _keep(made / "grafana" / "password", secrets.token_urlsafe(24), EVERYBODY)
    for cluster in CLUSTERS:
        token = secrets.token_urlsafe(32)
        for file in (made / cluster / "token", service / f"{cluster}.token"):
            _keep(file, token, OWNER)
    create_signing_key(service / "signing-key.pem")
    _own(service / "signing-key.pem", OWNER)
    _certify(service, made / "gateways")
    token = secrets.token_urlsafe(32)
    _keep(service / "token", token, OWNER)
    _keep(service / "tokens.json", json.dumps([{"name": "admin", "token": token, "scopes": ["admin"]}]), OWNER)


def _certify(service: Path, gateways: Path) -> None:
    """One authority for the gateways and their control plane; its key is not kept."""
    authority = Authority("edge-relocation compose", LIFE)
    for folder in (service, gateways):
        _keep(folder / "ca.pem", authority.certificate, EVERYBODY)
    for folder, name, hosts in (
        (service, CONTROL, (CONTROL,)),
        (gateways, "listener", HOSTS),
        *((gateways, one, (one,)) for one in GATEWAYS),
    ):
        certificate, key = authority.issue(hosts)
        _keep(folder / f"{name}.pem", certificate, EVERYBODY)
        write_key(folder / f"{name}-key.pem", key)
        _own(folder / f"{name}-key.pem", OWNER)
    for name in GATEWAYS:
        _keep(gateways / f"{name}.json", json.dumps(_bootstrap(name)), EVERYBODY)


def _bootstrap(instance: str) -> dict[str, object]:
    """What an Envoy is started with; its admin interface answers statistics and readiness only."""
    folder = "/run/secrets/gateways"
    tls = ClientTls(
        cert_file=f"{folder}/{instance}.pem",
        key_file=f"{folder}/{instance}-key.pem",
        ca_file=f"{folder}/ca.pem",
        server_name=CONTROL,
    )
    control = (Endpoint(host=CONTROL, port=18000),)
    return bootstrap(GATEWAY, instance, control=control, admin=Endpoint(host="0.0.0.0", port=9901), tls=tls)


def _keep(file: Path, text: str, mode: int) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
    _own(file, mode)


def _own(file: Path, mode: int) -> None:
    file.chmod(mode)
    os.chown(file, OURS, OURS)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
