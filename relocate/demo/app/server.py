# SPDX-License-Identifier: Apache-2.0
"""One run of the sample application: opens both ports at once, warms up, serves, drains on SIGTERM, ends."""

import asyncio
import signal
from contextlib import suppress
from typing import cast

import grpc
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework

from relocate.demo.app.echo import Echo, Health
from relocate.demo.app.life import Life
from relocate.demo.app.settings import Settings
from relocate.demo.app.web import Web

LAST_WORDS = 0.5
"""Seconds after the grace time in which close frames and statuses still get out."""

FOREVER = 86_400
"""Seconds that an idle connection is kept. The gateway decides when to close one: a server that does so by itself
loses the requests that are just being sent on it."""


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return.

    Raises:
        OSError: a port cannot be listened on.
    """
    life, health = Life(settings), Health()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, life.drain)
    grpc_server = await _open_grpc(life, health)
    web = asyncio.create_task(_serve_web(life))
    healthy = asyncio.create_task(_keep_health(life, health))
    await asyncio.wait({web, asyncio.create_task(life.draining.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if web.done():
        web.result()
    healthy.cancel()
    await _drain(life, health, grpc_server, web)


async def _serve_web(life: Life) -> None:
    # Hypercorn types each ASGI message by itself; ours are mappings, as the ASGI specification has them.
    app = cast("ASGIFramework", Web(life))
    await serve(app, _http_config(life.settings), shutdown_trigger=life.draining.wait)


def _http_config(settings: Settings) -> Config:
    config = Config()
    config.bind = [f"{settings.host}:{settings.http_port}"]
    config.loglevel = "WARNING"
    config.include_server_header = False
    config.keep_alive_timeout = FOREVER
    config.keep_alive_max_requests = 2**62
    config.h2_max_concurrent_streams = 1000
    config.graceful_timeout = settings.grace + 2 * LAST_WORDS
    return config


async def _open_grpc(life: Life, health: Health) -> grpc.aio.Server:
    # Without this option two processes may listen on one port, and each gets a part of the requests.
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Echo(life).handlers(),))
    health.add_to(server)
    await health.say(serving=False)
    address = f"{life.settings.host}:{life.settings.grpc_port}"
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}") from error
    await server.start()
    return server


async def _keep_health(life: Life, health: Health) -> None:
    """Warm up, then tell gRPC health whenever the answer changes (a drill may take the warmth away)."""
    await life.warm_up()
    async with asyncio.TaskGroup() as group:
        group.create_task(life.flap())
        said = False
        while True:
            if life.warm is not said:
                said = life.warm
                await health.say(serving=said)
            await asyncio.sleep(0.1)


async def _drain(life: Life, health: Health, grpc_server: grpc.aio.Server, web: asyncio.Task[None]) -> None:
    await health.say(serving=False)
    stopped = asyncio.create_task(grpc_server.stop(life.settings.grace + LAST_WORDS))
    await asyncio.wait({web, stopped}, timeout=life.settings.grace + LAST_WORDS)
    web.cancel()
    with suppress(asyncio.CancelledError):
        await web
