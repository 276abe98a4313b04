# SPDX-License-Identifier: Apache-2.0
"""Every listener as a process of their own, with the in-memory orchestrator: `python -m tests.api.served DATABASE PORT PORT PORT`.

Behind them perhaps the files of the API's certificate and its key.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from api.app import create_app
from api.health import create_health
from api.server import listen
from relocate.credentials import Token
from relocate.settings import Settings
from relocate.store.database import Database
from tests.api.memory_dispatch import MemoryDispatch

TOKEN = "t" * 20


def main(url: str, ports: Sequence[int], certificate: Path | None = None, key: Path | None = None) -> None:
    """Serve until told to end; the API wants a token, EMCO's routes want none on their own port."""
    api_port, metrics_port, emco_port = ports
    token = Token.model_validate({"name": "engine", "token": TOKEN, "scopes": ["write"]})
    settings = Settings(
        database_url=url,
        api_port=api_port,
        metrics_port=metrics_port,
        emco_port=emco_port,
        tokens=(token,),
        tls_certificate=certificate,
        tls_key=key,
    )
    database = Database.open(url)
    dispatch = MemoryDispatch(database)
    app = create_app(settings, database, dispatch)
    uvloop.run(listen(settings, app, create_health(database, dispatch, app.state.registry)))
    database.close()
    sys.stdout.write("ended in order\n")


if __name__ == "__main__":
    main(sys.argv[1], [int(port) for port in sys.argv[2:5]], *map(Path, sys.argv[5:]))
