# SPDX-License-Identifier: Apache-2.0
"""Lists that are told page by page."""

from urllib.parse import urlencode

from fastapi import Request, Response


def following(request: Request, response: Response, **position: str | int) -> str:
    """Address of the page after the one that is answered, which is told in the header Link too.

    Args:
        request: for the page that is answered.
        response: its answer.
        position: the query parameter, and its value, from which the next page goes on.
    """
    address = f"{request.url.path}?{urlencode({**dict(request.query_params), **position})}"
    response.headers["Link"] = f'<{address}>; rel="next"'
    return address
