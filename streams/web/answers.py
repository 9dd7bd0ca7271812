"""Who is answered and how: callers, bodies, errors, all in JSON."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import ValidationError

from models.base import Model
from streams.web.access import Access, Caller, is_loopback
from streams.web.routes import ROUTES

Body = TypeVar("Body", bound=Model)

CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
LONGEST_BODY = 1024 * 1024
FOR_ALL = frozenset({"/metrics", "/healthz", "/readyz"})  # no tokens, nobody's data


class RefusalError(Exception):
    """An answer that is no: its status and the sentence that says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def application(api: object, access: Access) -> web.Application:
    """Return the application: every route of the table, who may ask, and errors as JSON."""

    @web.middleware
    async def guarded(request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401
        if request.path in FOR_ALL:
            answer: web.StreamResponse = await handler(request)
            return answer
        if access.open and not is_loopback(request.url.host or ""):
            # A page whose name was made to point here would speak as this machine.
            return _answer({"error": "Without tokens only this machine is answered."}, 403)
        caller = access.caller(request.headers.get("Authorization"))
        if caller is None:
            return _answer({"error": "A bearer token is needed that this tower knows."}, 401)
        request[CALLER] = caller
        if request.method == "POST" and caller.carrier is not None:
            return _answer({"error": "A carrier's token reads; it writes nothing."}, 403)
        try:
            found: web.StreamResponse = await handler(request)
        except RefusalError as no:
            return _answer({"error": str(no)}, no.status)
        except web.HTTPException as no:
            return _answer(
                {"error": f"{no.reason}: {request.method} {request.path}."}, no.status
            )
        return found

    app = web.Application(middlewares=[guarded], client_max_size=LONGEST_BODY)
    for route in ROUTES:
        handler = _answering(
            getattr(api, route.handler), 201 if route.method == "POST" else 200
        )
        app.router.add_route(route.method, route.path, handler)
    return app


def _answering(
    handler: Callable[[web.Request], Awaitable[Any]], status: int
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answering(request: web.Request) -> web.Response:
        return _answer(await handler(request), status)

    return answering


def _answer(said: object, status: int) -> web.Response:
    return web.json_response(
        said,
        status=status,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


async def said_in(request: web.Request, model: type[Body]) -> Body:
    """Return the body of a request.

    Raises:
        RefusalError: it is no JSON, or not of this form.
    """
    if request.content_type != "application/json":
        # What a page of another origin could send without asking first is refused.
        raise RefusalError(415, "The body should be application/json.")
    try:
        return model.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        said = first["msg"].removeprefix("Value error, ")
        raise RefusalError(400, f"{where}: {said}.") from error
