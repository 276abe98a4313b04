# SPDX-License-Identifier: Apache-2.0
"""A small application that says its name: HTTP/1.1, HTTP/2 and WebSocket on one port, gRPC health on another."""

import asyncio
import json
import sys
from typing import Any
from urllib.parse import parse_qs

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from hypercorn.asyncio import serve
from hypercorn.config import Config

NAME = sys.argv[1]
HOST = sys.argv[4] if len(sys.argv) > 4 else "127.0.0.1"


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer by name; `/slow?seconds=1` takes its time, `/fail` fails, a WebSocket echoes the name."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": NAME})
    elif scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        query = parse_qs(scope["query_string"].decode())
        await asyncio.sleep(float(query.get("seconds", ["0"])[0]))
        body = json.dumps({"name": NAME, "version": scope["http_version"], "headers": _text(scope["headers"])}).encode()
        # A liar's headers: the gateway's must win.
        lies = [(b"x-relocate-side", b"liar"), (b"x-relocate-epoch", b"liar")]
        status = 500 if scope["path"] == "/fail" else 200
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"application/json"), *lies],
            }
        )
        await send({"type": "http.response.body", "body": body})
    else:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})


def _text(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}


async def main(port: int, grpc_port: int) -> None:
    """Serve until killed."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    # The name as a service that is served only here tells who answers.
    await servicer.set(NAME, health_pb2.HealthCheckResponse.SERVING)
    server.add_insecure_port(f"{HOST}:{grpc_port}")
    await server.start()
    config = Config()
    config.bind = [f"{HOST}:{port}"]
    config.accesslog = None
    config.errorlog = None
    await serve(application, config)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[2]), int(sys.argv[3])))
