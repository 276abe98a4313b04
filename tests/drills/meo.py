# SPDX-License-Identifier: Apache-2.0
"""A MEC orchestrator that always chooses the same cluster, offered or not: `meo.py PORT CLUSTER`.

It speaks `relocator/v1` (docs/reference/meo) and keeps nothing.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

CHOSEN = sys.argv[2] if __name__ == "__main__" else ""


class Stubborn(BaseHTTPRequestHandler):
    """Answers every question with the one cluster."""

    def do_POST(self) -> None:
        """Decide."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = {
            "requestId": asked["requestId"],
            "outcome": "SELECTED",
            "target": {"cluster": CHOSEN},
            "ranked": [{"cluster": CHOSEN, "score": 99.0}],
        }
        answer = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Stubborn).serve_forever()
