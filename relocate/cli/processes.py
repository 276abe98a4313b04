# SPDX-License-Identifier: Apache-2.0
"""Commands that start processes. What they start is imported when it starts: `relocate --help` stays fast."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from relocate.cli.environment import first_wrong, in_sentences, settings
from relocate.cli.exits import Unreachable, Wrong
from relocate.errors import InvalidRequest

Fault = Annotated[
    str | None,
    typer.Option(
        "--fault", help="Let something fail on the way; an unknown name lists those there are.", metavar="NAME"
    ),
]


def demo(
    *,
    fault: Fault = None,
    emco: Annotated[
        bool, typer.Option("--emco", help="On clusters of a simulated EMCO, whose workflowmgr asks for the moves.")
    ] = False,
    short: Annotated[bool, typer.Option("--short", help="A shorter drive, for automatic checks.")] = False,
    directory: Annotated[Path, typer.Option("--directory", help="Where the report goes.", metavar="DIRECTORY")] = Path(
        "build/demo"
    ),
) -> None:
    """Show an application following its user, with real parts and traffic; ends in a verdict, and in 1 if we lost any."""
    from api.page.report import render  # noqa: PLC0415
    from relocate.demo.emco import EmcoClusters  # noqa: PLC0415
    from relocate.demo.show import run  # noqa: PLC0415

    with in_sentences():
        if emco and fault is not None:
            raise InvalidRequest(
                "--fault: there are faults only on clusters of our own, not with --emco", field="fault"
            )
        ground = EmcoClusters() if emco else None
        raise typer.Exit(run(render=render, fault=fault, short=short, build=directory, ground=ground))


def dev(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The API's port; 0 chooses one.", metavar="PORT")] = 8070,
) -> None:
    """Start everything on this machine (Temporal, API, worker, gateways, two clusters) until Ctrl-C."""
    from relocate.demo.show import dev  # noqa: PLC0415

    with in_sentences():
        raise typer.Exit(dev(api_port=port))


def migrate() -> None:
    """Bring the database to this version's schema, and end (settings: RELOCATE_DATABASE_...). The API does so when it starts."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from relocate.store.migrate import prepare  # noqa: PLC0415

    with in_sentences():
        try:
            prepare(settings().database)
        except SQLAlchemyError as error:
            raise Unreachable(f"The database cannot be brought up to date: {str(error).splitlines()[0]}") from error


def api() -> None:
    """Run the API (settings: RELOCATE_..., TEMPORAL_...)."""
    from api.server import serve  # noqa: PLC0415

    with in_sentences():
        serve(settings())


def worker() -> None:
    """Run a worker, which carries relocations out (settings: RELOCATE_..., TEMPORAL_...)."""
    import uvloop  # noqa: PLC0415

    from relocate.temporal.worker import run  # noqa: PLC0415

    with in_sentences():
        uvloop.run(run(settings()))


def gateway_control(
    *,
    host: Annotated[
        str, typer.Option(help="IP address to listen on; off loopback the three files are needed.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 chooses one.", metavar="PORT")] = 18000,
    cert_file: Annotated[str | None, typer.Option(metavar="FILE", help="Our certificate, PEM.")] = None,
    key_file: Annotated[str | None, typer.Option(metavar="FILE", help="Its key.")] = None,
    client_ca_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Authority of the Envoys' certificates.")
    ] = None,
) -> None:
    """Run a control plane, which serves the configured Envoys (settings: RELOCATE_...)."""
    import uvloop  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    from relocate.gateway_control import run  # noqa: PLC0415
    from steering.envoy.settings import ControlSettings  # noqa: PLC0415

    files = {"cert_file": cert_file, "key_file": key_file, "client_ca_file": client_ca_file}
    tls = {name: file for name, file in files.items() if file is not None} or None
    try:
        control = ControlSettings.model_validate({"host": host, "port": port, "tls": tls})
    except ValidationError as error:
        raise Wrong(first_wrong(error, "--")) from error
    with in_sentences(), suppress(asyncio.CancelledError):
        uvloop.run(run(settings(), control))


def process_cluster(
    name: Annotated[str, typer.Argument(metavar="CLUSTER", help="Its name.", show_default=False)],
    *,
    state_dir: Annotated[
        Path, typer.Option("--state-dir", help="Where it keeps its address and logs.", metavar="DIRECTORY")
    ],
    host: Annotated[
        str,
        typer.Option(help="Where it listens, an address or a name; off loopback a token is needed.", metavar="ADDRESS"),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 chooses one.", metavar="PORT")] = 0,
    token: Annotated[
        str | None, typer.Option(envvar="RELOCATE_AGENT_TOKEN", help="Token that callers must send.", metavar="SECRET")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="File that holds it instead.", metavar="FILE")
    ] = None,
) -> None:
    """Run a cluster of local processes: an agent that owns instances, which end with it."""
    from relocate.clusters.process.agent import AgentRunsAlready, run_agent  # noqa: PLC0415

    with in_sentences():
        try:
            token = token if token_file is None else token_file.read_text().strip()
            run_agent(name, host, port, state_dir, token=token)
        except AgentRunsAlready as error:
            raise Wrong(str(error)) from error


def emco_sim(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.", metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="To listen on.", metavar="PORT")] = 9015,
    release: Annotated[
        str, typer.Option(help="Whose behaviour it has, 22.03 or main, where they differ.", metavar="RELEASE")
    ] = "22.03",
) -> None:
    """Run a simulated EMCO (orchestrator, clm and dcm on one port), in memory, on real clusters; for trying out."""
    from relocate.emco_sim.rsync import Release  # noqa: PLC0415
    from relocate.emco_sim.server import serve  # noqa: PLC0415

    if release not in tuple(Release):
        raise Wrong(f"--release: {release} is unknown; known: {', '.join(Release)}")
    with in_sentences():
        serve(host, port, Release(release))
