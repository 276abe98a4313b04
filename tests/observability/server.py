# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus that scrapes a real service every half second."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from relocate.demo.processes import Processes, free_ports

RULES = Path(__file__).resolve().parents[2] / "helm/edge-relocation/files/prometheus/rules.yaml"
SCRAPE_SECONDS = 0.5


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    url: str

    async def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its HTTP API."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=10) as client:
            answer = await client.get(f"/api/v1/{path}", params=parameters)
        said = answer.json()
        assert said["status"] == "success", said
        return said["data"]

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives now, as series that have a number."""
        found = (await self.ask("query", query=expression))["result"]
        return [series for series in found if series["value"][1] != "NaN"]

    async def until(self, expression: str, seconds: float = 30) -> None:
        """Wait until an expression gives something."""
        limit = time.monotonic() + seconds
        while not await self.query(expression):
            assert time.monotonic() < limit, f"never true: {expression}"
            await asyncio.sleep(SCRAPE_SECONDS)


@asynccontextmanager
async def scraping(program: str, folder: Path, ports: Mapping[str, int]) -> AsyncIterator[Prometheus]:
    """Prometheus with our rules, while the block runs. Ports: of the processes, each a job of its own."""
    (port,) = free_ports(1)
    jobs = [
        {"job_name": f"relocate-{process}", "static_configs": [{"targets": [f"127.0.0.1:{at}"]}]}
        for process, at in ports.items()
    ]
    interval = f"{int(1000 * SCRAPE_SECONDS)}ms"
    configuration = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [str(RULES)],
        "scrape_configs": jobs,
    }
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(configuration))
    processes = Processes(folder)
    try:
        argv = [program, f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"]
        await processes.start("prometheus", [*argv, f"--web.listen-address=127.0.0.1:{port}"])
        await processes.wait_for("prometheus", lambda: _ready(port))
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        await processes.stop()


async def _ready(port: int) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            return (await client.get(f"http://127.0.0.1:{port}/-/ready")).is_success
    except httpx.HTTPError:
        return False
