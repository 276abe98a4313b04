# SPDX-License-Identifier: Apache-2.0
"""Bad input is 400 here, as everywhere in EMCO; elsewhere in this API it is 422."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api import problems
from relocate.errors import InvalidRequest


class EmcoRoute(APIRoute):
    """Answers what makes no sense as EMCO does, in our form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own, with its errors."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                fields = problems.fields_of(error)
            except InvalidRequest as error:
                fields = [problems.FieldError(field=error.field or "body", message=str(error))]
            return problems.invalid(fields, request.url.path, status=HTTPStatus.BAD_REQUEST)

        return handled
