# SPDX-License-Identifier: Apache-2.0
"""An API server that says what the test wants."""

import asyncio
import json
from collections import Counter
from typing import Any

from aiohttp import web

KINDS = {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True}, {"name": "pods/log", "kind": "Pod"}]}
Answer = tuple[int, Any, dict[str, str]]


class Server:
    """Answers requests for pods with what it was told, in order; the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.streams = False
        """Whether what is said as lines goes on without an end, as a watch does."""
        self.quiet = False
        """Whether every list is empty, and no watch tells anything."""
        self.watches: Counter[str] = Counter()
        """How often one was begun then, by the token."""
        self.ready: list[int] = [200]
        """What `/readyz` answers, in order; the last one again and again."""
        self.asked: list[web.Request] = []
        self.secret: dict[str, str] = {}
        """Data of the one Secret."""
        self.token = "right"  # noqa: S105 - a test's

    def say(self, status: int, body: Any = None, **headers: str) -> None:
        """The next answer."""
        self.answers.append((status, body or {}, {key.replace("_", "-"): value for key, value in headers.items()}))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request's."""
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"message": "Unauthorized"}, status=401)
        fixed = self._fixed(request.path)
        if fixed is not None:
            return fixed
        if self.quiet:
            return await self._quiet(request)
        self.asked.append(request)
        status, body, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        text = "".join(f"{json.dumps(line)}\n" for line in body) if isinstance(body, list) else json.dumps(body)
        if self.streams and isinstance(body, list):
            return await _stream(request, text)
        return web.Response(status=status, text=text, headers=headers, content_type="application/json")

    def _fixed(self, path: str) -> web.Response | None:
        """What is answered to these, whatever is said."""
        if path == "/api/v1/namespaces/clusters/secrets/mec-b":
            return web.json_response({"kind": "Secret", "apiVersion": "v1", "data": self.secret})
        if path == "/readyz":
            return web.Response(status=self.ready.pop(0) if len(self.ready) > 1 else self.ready[0])
        return web.json_response(KINDS) if path == "/api/v1" else None

    async def _quiet(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return web.json_response({"items": [], "metadata": {"resourceVersion": "1"}})
        self.watches[self.token] += 1
        return await _stream(request, "")


async def _stream(request: web.Request, text: str) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(text.encode())
    await asyncio.Event().wait()
    return response


def kubeconfig(where: str, token: str) -> dict[str, Any]:
    """For an API server at this address."""
    return {
        "clusters": [{"name": "c", "cluster": {"server": where}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
