# SPDX-License-Identifier: Apache-2.0
"""Commands that start processes. What they start is imported when it starts: `relocate --help` stays fast."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relocate.cli.exits import Unreachable, Wrong
from relocate.errors import EngineUnavailable, InvalidRequest

if TYPE_CHECKING:
    from pydantic import ValidationError

    from relocate.settings import Settings


Fault = Annotated[
    str | None,
    typer.Option(
        "--fault", help="Let something fail on the way; an unknown name lists those there are.", metavar="NAME"
    ),
]


def demo(
    *,
    fault: Fault = None,
    short: Annotated[bool, typer.Option("--short", help="A shorter drive, for automatic checks.")] = False,
    directory: Annotated[Path, typer.Option("--directory", help="Where the report goes.", metavar="DIRECTORY")] = Path(
        "build/demo"
    ),
) -> None:
    """Show an application following its user, with real parts and traffic; ends in a verdict, and in 1 if we lost any."""
    from api.page.report import render  # noqa: PLC0415
    from relocate.demo.show import run  # noqa: PLC0415

    with _sentences():
        raise typer.Exit(run(render=render, fault=fault, short=short, build=directory))


def dev(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The API's port; 0 chooses one.", metavar="PORT")] = 8070,
) -> None:
    """Start everything on this machine (Temporal, API, worker, gateways, two clusters) until Ctrl-C."""
    from relocate.demo.show import dev  # noqa: PLC0415

    with _sentences():
        raise typer.Exit(dev(api_port=port))


def api() -> None:
    """Run the API (settings: RELOCATE_..., TEMPORAL_...)."""
    from api.server import serve  # noqa: PLC0415

    with _sentences():
        serve(_settings())


def worker() -> None:
    """Run a worker, which carries relocations out (settings: RELOCATE_..., TEMPORAL_...)."""
    import uvloop  # noqa: PLC0415

    from relocate.temporal.worker import run  # noqa: PLC0415

    with _sentences():
        uvloop.run(run(_settings()))


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
        raise Wrong(_first(error, "--")) from error
    with _sentences(), suppress(asyncio.CancelledError):
        uvloop.run(run(_settings(), control))


def process_cluster(
    name: Annotated[str, typer.Argument(metavar="CLUSTER", help="Its name.", show_default=False)],
    state_dir: Annotated[
        Path, typer.Option("--state-dir", help="Where it keeps its address and logs.", metavar="DIRECTORY")
    ],
    host: Annotated[
        str, typer.Option(help="Where it listens; off loopback a token is needed.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 chooses one.", metavar="PORT")] = 0,
    token: Annotated[
        str | None, typer.Option(envvar="RELOCATE_AGENT_TOKEN", help="Token that callers must send.", metavar="SECRET")
    ] = None,
) -> None:
    """Run a cluster of local processes: an agent that owns instances, which end with it."""
    from relocate.clusters.process.agent import AgentRunsAlready, run_agent  # noqa: PLC0415

    with _sentences():
        try:
            run_agent(name, host, port, state_dir, token=token)
        except AgentRunsAlready as error:
            raise Wrong(str(error)) from error


def _settings() -> "Settings":
    from pydantic import ValidationError  # noqa: PLC0415
    from pydantic_settings import SettingsError  # noqa: PLC0415

    from relocate.settings import Settings  # noqa: PLC0415

    try:
        return Settings()
    except SettingsError as error:
        raise Wrong(f"The environment: {error}") from error
    except ValidationError as error:
        raise Wrong(_first(error, "RELOCATE_")) from error


def _first(error: "ValidationError", prefix: str) -> str:
    """The first thing that is wrong, by the name of the variable or option that sets it."""
    found = error.errors(include_url=False, include_input=False)[0]
    message = found["msg"].removeprefix("Value error, ")
    if not found["loc"]:
        return f"{prefix}{message}"
    parts = [str(part) for part in found["loc"]]
    name = parts[-1].replace("_", "-") if prefix == "--" else "__".join(parts).upper()
    return f"{prefix}{name}: {message}"


@contextmanager
def _sentences() -> Iterator[None]:
    """Errors that people can do something about, in a sentence."""
    try:
        yield
    except InvalidRequest as error:
        raise Wrong(str(error)) from error
    except EngineUnavailable as error:
        raise Unreachable(str(error)) from error
    except OSError as error:
        raise Wrong(f"It cannot start: {error}") from error
