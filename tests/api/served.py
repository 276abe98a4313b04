# SPDX-License-Identifier: Apache-2.0
"""Every listener as a process of their own, with the in-memory orchestrator: `python -m tests.api.served DATABASE PORT PORT PORT`."""

import asyncio
import sys

from api.app import create_app
from api.health import create_health
from api.server import listen
from relocate.credentials import Token
from relocate.settings import Settings
from relocate.store.database import Database
from tests.api.memory_dispatch import MemoryDispatch

TOKEN = "t" * 20


def main(url: str, api_port: int, metrics_port: int, emco_port: int) -> None:
    """Serve until told to end; the API wants a token, EMCO's routes want none on their own port."""
    token = Token.model_validate({"name": "engine", "token": TOKEN, "scopes": ["write"]})
    settings = Settings(
        database_url=url, api_port=api_port, metrics_port=metrics_port, emco_port=emco_port, tokens=(token,)
    )
    database = Database.open(url)
    dispatch = MemoryDispatch(database)
    app = create_app(settings, database, dispatch)
    asyncio.run(listen(settings, app, create_health(database, dispatch, app.state.registry)))
    database.close()
    sys.stdout.write("ended in order\n")


if __name__ == "__main__":
    main(sys.argv[1], *(int(port) for port in sys.argv[2:5]))
