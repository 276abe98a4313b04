# SPDX-License-Identifier: Apache-2.0
"""`python odd_app.py HTTP_PORT GRPC_PORT [shy]`: an application that is up, and not what its description says.

Where it should speak gRPC it speaks HTTP/1.1. A shy one answers whoever asks it directly, and hangs up on gateways.
"""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Open(BaseHTTPRequestHandler):
    """Answers everybody."""

    def do_GET(self) -> None:
        """Serve a request."""
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()


class Shy(Open):
    """What comes by an Envoy says so: in `x-forwarded-proto`, or as its health check."""

    def do_GET(self) -> None:
        """Serve a request, or not."""
        if "x-forwarded-proto" in self.headers or self.headers.get("user-agent", "").startswith("Envoy/"):
            self.close_connection = True
        else:
            super().do_GET()


def main(http_port: str, grpc_port: str, *shy: str) -> None:
    """Serve until killed."""
    servers = [ThreadingHTTPServer(("127.0.0.1", int(port)), Shy if shy else Open) for port in (http_port, grpc_port)]
    for server in servers:
        threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
