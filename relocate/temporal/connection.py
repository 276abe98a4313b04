# SPDX-License-Identifier: Apache-2.0
"""The connection to Temporal, configured by Temporal's own names (`TEMPORAL_ADDRESS`, ...; `temporalio.envconfig`)."""

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random_exponential

BOOT_SECONDS = 60
"""How long a process that starts waits for Temporal to come up."""


async def connect(*, lazy: bool = False) -> Client:
    """One client for one process.

    Args:
        lazy: do not connect yet, for a process that must serve while Temporal is away.

    Raises:
        RuntimeError: Temporal cannot be reached.
    """
    configured = ClientConfig.load_client_connect_config()
    configured.setdefault("target_host", "localhost:7233")
    return await Client.connect(**configured, data_converter=pydantic_data_converter, lazy=lazy)


@retry(
    retry=retry_if_exception_type(RuntimeError),
    wait=wait_random_exponential(multiplier=0.1, max=3),
    stop=stop_after_delay(BOOT_SECONDS),
    reraise=True,
)
async def connect_at_boot() -> Client:
    """A client, once Temporal is up; at boot only, since everything later is retried by Temporal itself."""
    return await connect()
