# SPDX-License-Identifier: Apache-2.0
"""Errors as EMCO answers them: a status, and one line of text."""

from http import HTTPStatus


class Refused(Exception):
    """Answered with `status`; the text is the answer."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        """Args: status: of the answer; text: its body."""
        super().__init__(text)
        self.status = status


def not_found(kind: str) -> Refused:
    """Nothing of that kind and name is there."""
    return Refused(HTTPStatus.NOT_FOUND, f"{kind} not found")
