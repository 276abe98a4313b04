# SPDX-License-Identifier: Apache-2.0
"""`doctor`: what works, what does not, and what to do about it."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Annotated, NamedTuple

import httpx
import typer

from relocate.cli.client import Client
from relocate.cli.entrances import Entrance, entrances
from relocate.cli.exits import Ending, Exit, Unreachable
from relocate.cli.options import LOCAL, Form, Output, Server, Token
from relocate.cli.printing import show
from relocate.cli.text import columns

HEALTH_PORT = 8071
"""Where the listener for health stands unless RELOCATE_METRICS_PORT says otherwise."""

Health = Annotated[
    str | None,
    typer.Option(
        "--health",
        envvar="RELOCATE_HEALTH",
        metavar="URL",
        help=f"Address of the listener for health; the server's host and port {HEALTH_PORT} if not given.",
    ),
]


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    good: bool
    sentence: str
    remedy: str = ""


def doctor(server: Server = LOCAL, health: Health = None, token: Token = None, output: Output = Form.TABLE) -> None:
    """Look at the server and what it depends on. The exit code is 0 if all is well, 4 if there is no server."""
    with Client(server, token) as client:
        found = list(examine(client, health))
    lines = columns([("ok" if one.good else "not ok", one.what, _told(one)) for one in found])
    show(output, [one._asdict() for one in found], lines)
    if all(one.good for one in found):
        return
    raise typer.Exit(Exit.OTHERWISE if found[0].good else Exit.UNREACHABLE)


def examine(client: Client, health: str | None) -> Iterator[Finding]:
    """Everything there is to look at, the server first; without it there is no more."""
    try:
        description = client.get("/openapi.json")
    except Unreachable as error:
        yield Finding("server", good=False, sentence=str(error))
        return
    except Ending as error:
        yield Finding("server", good=True, sentence=f"{client.server} answers")
        yield Finding("access", good=False, sentence=str(error), remedy="Check --server and --token.")
        return
    yield Finding("server", good=True, sentence=f"{client.server} answers")
    yield _version(str(description.get("info", {}).get("version", "unknown")))
    yield from _health(health or str(client.server.copy_with(scheme="http", port=HEALTH_PORT)))
    yield from _configured(client)
    yield _waiting(client)


def _told(one: Finding) -> str:
    return f"{one.sentence} {one.remedy}".strip()


def _version(theirs: str) -> Finding:
    ours = version("edge-relocation")
    same = theirs == ours
    sentence = f"server {theirs}, this command {ours}"
    return Finding("version", same, sentence, "" if same else "Install the same version on both sides.")


def _health(address: str) -> Iterator[Finding]:
    """Database and Temporal, as the server itself sees them."""
    try:
        answer = httpx.get(f"{address.rstrip('/')}/readyz", timeout=6, trust_env=False)
        reasons = [str(reason) for reason in answer.json()["reasons"]]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        remedy = "Say where the server's RELOCATE_METRICS_PORT is, with --health."
        yield Finding("readiness", good=False, sentence=f"{address} tells nothing.", remedy=remedy)
        return
    yield _part("database", reasons, "Check RELOCATE_DATABASE_URL of the server, and that the database runs.")
    yield _part("temporal", reasons, "Check TEMPORAL_ADDRESS of the server, and that Temporal runs.")
    known = ("database", "temporal")
    for reason in reasons:
        if not any(part in reason.lower() for part in known):
            yield Finding("readiness", good=False, sentence=reason)


def _part(what: str, reasons: list[str], remedy: str) -> Finding:
    reason = next((reason for reason in reasons if what in reason.lower()), None)
    return Finding(what, reason is None, reason or "answers", "" if reason is None else remedy)


def _configured(client: Client) -> Iterator[Finding]:
    """What is configured, and whether gateways that carry something can be reached from here."""
    try:
        found = {kind: client.get(f"/v1/{kind}") for kind in ("gateways", "clusters", "applications")}
        doors = list(entrances(client, found["gateways"], found["applications"]))
    except Ending as error:
        yield Finding("configuration", good=False, sentence=str(error), remedy="Check --token.")
        return
    for kind, entries in found.items():
        names = ", ".join(str(entry["name"]) for entry in entries)
        remedy = "" if names else "Configure some with `relocate apply -f FILE`."
        yield Finding(kind, bool(names), names or "none are configured.", remedy)
    yield from (_open(door) for door in doors)


def _open(door: Entrance) -> Finding:
    where = f"{door.gateway} {door.instance} at {door.host}:{door.port}"
    reason = door.why_closed()
    if reason is None:
        return Finding("instance", good=True, sentence=f"{where} takes connections")
    remedy = "Check that this gateway instance runs and reaches `relocate gateway-control`."
    return Finding("instance", good=False, sentence=f"{where} takes no connection: {reason}.", remedy=remedy)


def _waiting(client: Client) -> Finding:
    try:
        waiting = [str(view["id"]) for view in client.get("/v1/relocations", status="needs_operator")["items"]]
    except Ending as error:
        return Finding("relocations", good=False, sentence=str(error), remedy="Check --token.")
    if not waiting:
        return Finding("relocations", good=True, sentence="none needs an operator")
    return Finding(
        "relocations", good=False, sentence=f"{', '.join(waiting)} needs an operator.", remedy="See `relocate why ID`."
    )
