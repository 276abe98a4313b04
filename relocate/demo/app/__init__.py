# SPDX-License-Identifier: Apache-2.0
"""The sample application: HTTP/1.1, HTTP/2, WebSocket and gRPC; each answer says which instance gave it.

Run it with `python -m relocate.demo.app --http-port N --grpc-port M`. It behaves as real servers do: it opens its
ports before it can serve, and it drains on SIGTERM. It is light enough for some hundred requests a second beside
everything else on a small machine.
"""
