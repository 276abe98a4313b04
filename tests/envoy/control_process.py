# SPDX-License-Identifier: Apache-2.0
"""A control plane as a process of its own: `control_process.py DATABASE_URL PORT GATEWAYS.json [TLS.json]`."""

import json
import logging
import sys
from pathlib import Path

import uvloop

from steering.envoy.control import ControlPlane
from steering.envoy.settings import ControlSettings


def main(database_url: str, port: str, gateways: Path, tls: Path | None) -> None:
    """Serve until killed."""
    settings = {"port": int(port)} | ({"tls": json.loads(tls.read_text())} if tls else {})
    plane = ControlPlane(
        ControlSettings.model_validate(settings),
        database_url=database_url,
        gateways=lambda: json.loads(gateways.read_text()),
    )
    uvloop.run(plane.run())  # as the service runs it


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]) if len(sys.argv) > 4 else None)
