# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven by its DevTools protocol: open a page, evaluate, look."""

import asyncio
import base64
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self

import httpx
import websockets

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)

PATIENCE = 20.0
"""Seconds until something must have happened."""


def find() -> str | None:
    """The program, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Tab:
    """One page. `complaints` holds uncaught errors, console errors and violations of the content policy."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        """Args: socket: to the tab's DevTools."""
        self._socket = socket
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, socket: websockets.ClientConnection) -> Self:
        """A tab whose complaints are heard."""
        tab = cls(socket)
        for domain in ("Page", "Runtime", "Log"):
            await tab.call(f"{domain}.enable")
        return tab

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of the protocol."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        return await asyncio.wait_for(self._waiting[number], PATIENCE)

    async def go(self, address: str, *, width: int = 1280, height: int = 800, dark: bool = False) -> None:
        """Open an address in a window of that size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.call("Emulation.setDeviceMetricsOverride", **metrics)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self.call("Emulation.setEmulatedMedia", features=features)
        await self.call("Page.navigate", url=address)
        await self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression gives."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    async def text(self, selector: str) -> str:
        """The text that is shown there; empty when nothing is."""
        return str(await self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    async def until(self, expression: str, wanted: Callable[[Any], bool] = bool) -> Any:
        """Wait until the expression gives what is wanted."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not wanted(found := await self.value(expression)):
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{expression} is still {found!r}; complaints: {self.complaints}")
            await asyncio.sleep(0.05)
        return found

    async def click(self, selector: str) -> None:
        """Click, as a person does: only what is shown and enabled reacts."""
        await self.value(f"document.querySelector({json.dumps(selector)}).click()")

    async def picture(self) -> bytes:
        """The window as a PNG."""
        answer = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])

    async def _read(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._waiting.pop(message["id"]).set_result(message.get("result", {}))
            elif message["method"] == "Runtime.exceptionThrown":
                self.complaints.append(str(message["params"]["exceptionDetails"]))
            elif message["method"] == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.complaints.append(message["params"]["entry"]["text"] + message["params"]["entry"].get("url", ""))

    async def close(self) -> None:
        """Leave it."""
        await self._socket.close()
        await self._reader


@asynccontextmanager
async def chromium(program: str, home: Path) -> AsyncIterator[Tab]:
    """A browser with one tab; it is gone afterwards."""
    command = [program, *FLAGS, f"--user-data-dir={home}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        port = await _port(home / "DevToolsActivePort", process)
        async with httpx.AsyncClient(trust_env=False) as client:
            targets = (await client.get(f"http://127.0.0.1:{port}/json")).json()
        page = next(target for target in targets if target["type"] == "page")
        async with websockets.connect(page["webSocketDebuggerUrl"], max_size=None, proxy=None) as socket:
            tab = await Tab.open(socket)
            yield tab
            await tab.close()
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 10)


async def _port(path: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"Chromium ended with status {process.returncode}")
        if (text := await asyncio.to_thread(_text, path)).count("\n"):
            return int(text.split()[0])
        await asyncio.sleep(0.05)
    raise AssertionError("Chromium did not say where it listens")


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
