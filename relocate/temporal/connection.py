# SPDX-License-Identifier: Apache-2.0
"""The connection to Temporal, configured by Temporal's own names (`TEMPORAL_ADDRESS`, ...; `temporalio.envconfig`).

The SDK reads certificates and an API key once. So whoever connects here is handed a new client when what is configured has changed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client, Interceptor
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random_exponential

from relocate.settings import Settings
from relocate.temporal.encryption import Encryption, data_converter
from relocate.workflow.visibility import KEYS

ANSWER = timedelta(seconds=5)
"""Longest time for one call to Temporal."""

BOOT_SECONDS = 60
"""How long a process that starts waits for Temporal to come up."""

LOOKS_SECONDS = 2.0
"""How often files with certificates and keys are read; Kubernetes takes a minute to bring a changed Secret into a pod."""

_log = structlog.get_logger(__name__)


def configured(settings: Settings) -> ClientConnectConfig:
    """Where Temporal is and who we are, as environment and files say now.

    Raises:
        OSError: a file that is named cannot be read.
    """
    found = ClientConfig.load_client_connect_config()
    found.setdefault("target_host", "localhost:7233")
    if settings.temporal_api_key_file is not None:
        found["api_key"] = settings.temporal_api_key_file.read_text().strip()
        found.setdefault("tls", True)
    return found


class Connection:
    """How one process is connected."""

    def __init__(
        self, settings: Settings, runtime: Runtime | None = None, interceptors: Sequence[Interceptor] = ()
    ) -> None:
        """Read what is configured.

        Args:
            settings: where keys are.
            runtime: the SDK's, where it measures; None for its default, which does not.
            interceptors: see `relocate.tracing`; workers of this client have them too.

        Raises:
            InvalidRequest: the keys for payloads make no sense.
            OSError: a file that is named cannot be read.
        """
        self._settings = settings
        self._runtime = runtime
        self._interceptors = interceptors
        self._converter = data_converter(settings.payload_keys)
        self._configured = configured(settings)

    async def open(self, *, lazy: bool = False) -> Client:
        """A client.

        Args:
            lazy: do not connect yet, for a process that must serve while Temporal is away.

        Raises:
            RuntimeError: Temporal cannot be reached.
        """
        return await self._connect(self._configured, lazy=lazy)

    @retry(
        retry=retry_if_exception_type(RuntimeError),
        wait=wait_random_exponential(multiplier=0.1, max=3),
        stop=stop_after_delay(BOOT_SECONDS),
        reraise=True,
    )
    async def open_at_boot(self) -> Client:
        """A client, once Temporal is up; at boot only, since everything later is retried by Temporal itself."""
        return await self.open()

    @asynccontextmanager
    async def followed(self, use: Callable[[Client], None]) -> AsyncIterator[None]:
        """While the block runs, hand over a new client whenever what is configured has changed, and it connects."""
        following = asyncio.create_task(self._follow(use))
        try:
            yield
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    async def _follow(self, use: Callable[[Client], None]) -> None:
        told = ""
        while True:
            await asyncio.sleep(LOOKS_SECONDS)
            if isinstance(self._converter.payload_codec, Encryption):
                self._converter.payload_codec.look()
            try:
                await self._renew(use)
                told = ""
            except (OSError, RuntimeError, ValueError) as error:
                if str(error) != told:
                    told = str(error)
                    _log.warning("the connection to Temporal from before is used", reason=told)

    async def _renew(self, use: Callable[[Client], None]) -> None:
        found = await asyncio.to_thread(configured, self._settings)
        if found == self._configured:
            return
        use(await self._connect(found))
        self._configured = found
        _log.info("connected to Temporal anew, as certificates or keys have changed")

    async def _connect(self, to: ClientConnectConfig, *, lazy: bool = False) -> Client:
        return await Client.connect(
            **to, data_converter=self._converter, lazy=lazy, runtime=self._runtime, interceptors=self._interceptors
        )


async def registered(client: Client) -> bool:
    """Whether this namespace has every search attribute of ours."""
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=ANSWER
    )
    return {key.name for key in KEYS} <= set(answer.custom_attributes)


async def reachable(client: Client) -> bool:
    """Whether Temporal answers now."""
    try:
        return await client.service_client.check_health(timeout=ANSWER)
    except (RPCError, RuntimeError):
        return False
