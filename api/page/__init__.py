# SPDX-License-Identifier: Apache-2.0
"""The page at `/` and its files. They need no token; the data that they ask for does."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, PlainTextResponse, Response

from api.problems import KINDS, RequestRefused

HERE = Path(__file__).parent

FILES = {"page.js": "text/javascript", "page.css": "text/css", "chart.js": "text/javascript"}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> Response:
    """The page itself."""
    return FileResponse(HERE / "index.html", media_type="text/html")


@router.get("/page/{name}")
async def file(name: str) -> Response:
    """A program or style of the page."""
    if name not in FILES:
        raise RequestRefused("no-such-page", f"the page has no file of that name; it has {', '.join(FILES)}")
    return FileResponse(HERE / name, media_type=FILES[name], headers={"Cache-Control": "no-cache"})


@router.get("/problems/{name}")
async def problem(name: str) -> Response:
    """What a problem's type means."""
    kind = KINDS.get(name)
    if kind is None:
        raise RequestRefused("no-such-page", f"no problem is called so; there are {', '.join(KINDS)}")
    return PlainTextResponse(f"{name} ({kind.status}): {kind.title}.\n{kind.meaning}\n")
