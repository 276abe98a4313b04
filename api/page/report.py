# SPDX-License-Identifier: Apache-2.0
"""The page as one file: programs, style and a finished story inside, to be opened from a disk without a service."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

_SCRIPTS = ("chart.js", "page.js")


def render(data: dict[str, Any]) -> str:
    """The self-contained page.

    Args:
        data: `{"relocations": [View], "evidence": {id: Evidence or [Entry]}, "decisions": {id: Decision}, "traffic":
            [lines of the feed], "report": report.json}`, in JSON form; every member may be missing.
    """
    style = _read("page.css")
    programs = [_read(name) for name in _SCRIPTS]
    page = _read("index.html")
    for name in _SCRIPTS:
        page = page.replace(f'<script src="/page/{name}" defer></script>\n', "")
    page = page.replace(
        '<link rel="stylesheet" href="/page/page.css">', f"{_policy(style, programs)}\n<style>{style}</style>"
    )
    # "<" is escaped, so that no text in the story can end its element (HTML, 4.12.1.3).
    story = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    scripts = "".join(f"<script>{program}</script>\n" for program in programs)
    return page.replace("</body>", f'<script type="application/json" id="story">{story}</script>\n{scripts}</body>')


def _policy(style: str, programs: list[str]) -> str:
    """Only what stands in this file may run, and nothing may be fetched."""
    scripts = " ".join(_hash(program) for program in programs)
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {scripts}; img-src data:; base-uri 'none'"
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">'


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
