# SPDX-License-Identifier: Apache-2.0
"""The process to which a test bed belongs: what it starts ends with it, and it takes down what does not end by itself.

It lives for as long as somebody holds its standard input open, or until SIGTERM. Whoever holds it may be killed in any way:
then the input ends, and the test bed goes. Killed itself, it takes its processes with it (prctl(2), PR_SET_PDEATHSIG), and the
next one, or `down`, sweeps up the rest. Whoever connects to its claim gets the kubeconfigs once everything runs.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from relocate.demo.processes import Processes
from tests.testbed import dns, limits
from tests.testbed.archives import make
from tests.testbed.bed import Bed, Host
from tests.testbed.claim import claim
from tests.testbed.cluster import Cluster
from tests.testbed.daemons import Daemons
from tests.testbed.leftovers import sweep
from tests.testbed.namespaces import unshare
from tests.testbed.network import make_bridge, plug_in
from tests.testbed.node import Node
from tests.testbed.programs import built, gather

_T = TypeVar("_T")


def keep(bed: Bed, *, held: bool) -> None:
    """Make the test bed, keep it, and take it down.

    Args:
        bed: which.
        held: whether it lives for as long as standard input is open; otherwise until SIGTERM.

    Raises:
        TakenError: somebody else has it.
        NeedsGoError: its programs cannot be built here.
        StartFailed, CommandFailedError, AddressesTakenError, MachineFullError: it did not come up. It is taken down.
    """
    # While Go builds there is nothing to take down: let it end as after Ctrl-C, which removes a half of a build.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with claim(bed) as claimed:
        programs = built()
        asyncio.run(_keep(bed, programs, claimed, held=held))
        bed.log.unlink(missing_ok=True)  # nothing went wrong


async def _keep(bed: Bed, programs: Sequence[Path], claimed: socket.socket, *, held: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if held:
        loop.add_reader(sys.stdin, _at_end, stop)
    await sweep(bed)
    limits.check()
    processes = Processes(bed.folder / "logs")
    try:
        await _until(stop, programs, claimed, Daemons(bed, processes))
    finally:
        # Nothing here is worth a graceful end: an API server takes up to a minute for that.
        try:
            await sweep(bed)
        finally:
            await processes.stop()


async def _until(stop: asyncio.Event, programs: Sequence[Path], claimed: socket.socket, daemons: Daemons) -> None:
    """Make it, and tell whoever asks; return when it shall stop, also when that is before it is up."""
    making = asyncio.create_task(_make(programs, daemons))
    watching = asyncio.create_task(_watch(making, claimed, daemons))
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([watching, stopping], return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for task in (making, watching, stopping):
            task.cancel()
        await asyncio.gather(making, watching, stopping, return_exceptions=True)


async def _watch(making: Awaitable[Mapping[str, Path]], claimed: socket.socket, daemons: Daemons) -> None:
    """Once everything runs: tell whoever asks, and keep it running."""
    kubeconfigs = await making
    async with await announce(kubeconfigs, claimed):
        await daemons.watch()


async def _make(programs: Sequence[Path], daemons: Daemons) -> Mapping[str, Path]:
    """Everything; the kubeconfigs by cluster."""
    bed = daemons.bed
    daemons.processes.folder.mkdir(parents=True)
    gathered = await asyncio.to_thread(gather, programs, bed.folder / "programs")
    images = await asyncio.to_thread(make, programs, bed.folder / "images")
    await make_bridge(bed)
    clusters = await _all(_start(host, gathered, images, daemons) for host in bed.hosts)
    return {cluster.name: cluster.kubeconfig() for cluster in clusters}


async def _all(starting: Iterable[Coroutine[Any, Any, _T]]) -> Sequence[_T]:
    """All at once; the first that fails ends the others, and is the reason."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in starting]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def _start(host: Host, programs: Path, images: Sequence[Path], daemons: Daemons) -> Cluster:
    namespaces = await unshare(host, host.bed.folder / host.name, programs / "pause", daemons.processes)
    await plug_in(host, namespaces)
    cluster = Cluster(host, namespaces, programs, daemons)
    if host in host.bed.edges:
        await _start_with_node(cluster, images)
    else:
        await cluster.start()
    return cluster


async def _start_with_node(cluster: Cluster, images: Sequence[Path]) -> None:
    """The node gets its images, and the pods of the cluster's DNS are ordered, before it joins: that takes as long anyway."""
    node = Node(cluster)
    await _all([cluster.start(), node.prepare(images)])
    await dns.order(cluster)
    await node.join()
    await dns.wait(cluster)


async def announce(kubeconfigs: Mapping[str, Path], claimed: socket.socket) -> asyncio.Server:
    """Answer everybody who asks, and has asked, with the kubeconfigs by cluster; closing the server does not give the claim back."""
    said = json.dumps({name: str(file) for name, file in kubeconfigs.items()})

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # whoever only asked who we are has left
            writer.write(said.encode())
            await writer.drain()
        writer.close()

    # A copy: closing the server must not give the claim back while there is something to take down.
    return await asyncio.start_unix_server(answer, sock=claimed.dup())


def _at_end(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin)
        stop.set()
