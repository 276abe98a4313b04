# SPDX-License-Identifier: Apache-2.0
"""The connection to Temporal, configured by Temporal's own names (`TEMPORAL_ADDRESS`, ...; `temporalio.envconfig`)."""

from datetime import timedelta

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random_exponential

from relocate.workflow.visibility import KEYS

ANSWER = timedelta(seconds=5)
"""Longest time for one call to Temporal."""

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


async def registered(client: Client) -> bool:
    """Whether this namespace has every search attribute of ours."""
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=ANSWER
    )
    return {key.name for key in KEYS} <= set(answer.custom_attributes)


@retry(
    retry=retry_if_exception_type(RuntimeError),
    wait=wait_random_exponential(multiplier=0.1, max=3),
    stop=stop_after_delay(BOOT_SECONDS),
    reraise=True,
)
async def connect_at_boot() -> Client:
    """A client, once Temporal is up; at boot only, since everything later is retried by Temporal itself."""
    return await connect()
