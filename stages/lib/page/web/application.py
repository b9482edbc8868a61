"""The page as an ASGI application."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from stages.lib.core.collection import Qrels
from stages.lib.errors import UserError
from stages.lib.llm.judging import Plan
from stages.lib.page.asking import Answerer
from stages.lib.page.examples import ExampleDesk
from stages.lib.page.gains import JudgedQueries
from stages.lib.page.judging import Desk
from stages.lib.page.reviewing import ReviewDesk
from stages.lib.page.searching import Searcher
from stages.lib.page.web.forms import fields
from stages.lib.page.web.security import Guard

HERE = Path(__file__).parent
TAIL = 60
"""Characters shown of what stands before the best sentence."""
Given = Mapping[str, str]
"""Fields of a request by name."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the addresses work on."""

    searcher: Searcher
    judged: JudgedQueries
    desk: Desk
    review: ReviewDesk
    examples: ExampleDesk
    answerer: Answerer
    plan: Plan | None
    """What the language model was asked to grade; None where nothing was."""
    llm_grades: Qrels
    seed: int


ENVIRONMENT = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters["tail"] = lambda text: text if len(text) <= TAIL else "…" + text[-TAIL:]
ENVIRONMENT.globals["tabs"] = {
    "/search": "Search",
    "/queries": "Queries",
    "/judge": "Judge",
    "/review": "Review",
    "/ask": "Ask",
    "/check": "Check the LLM",
}


def page(name: str, tab: str, **values: object) -> Response:
    """A page of a template."""
    return HTMLResponse(ENVIRONMENT.get_template(name).render(tab=tab, **values))


def streamed(name: str, tab: str, **values: object) -> Response:
    """A page whose first parts are sent while the others are still made."""

    def chunks() -> Iterator[str]:
        yield from ENVIRONMENT.get_template(name).generate(tab=tab, **values)

    return StreamingResponse(chunks(), media_type="text/html")


Get = Callable[[Parts, Given], Response]
Post = Callable[[Parts, Given], Response | str]
"""Gives a response, or the address where the browser goes on."""


def application(
    parts: Parts, gets: Mapping[str, Get], posts: Mapping[str, Post], token: str
) -> Starlette:
    """The application.

    Args:
        parts: what addresses work on.
        gets: addresses that show something.
        posts: addresses that change something.
        token: what a visitor has to know; "" where only this machine reaches the page.

    """
    routes: list[Route | Mount] = [
        Route("/", lambda _: RedirectResponse("/search"), methods=["GET"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    routes += [Route(path, _get(parts, show), methods=["GET"]) for path, show in gets.items()]
    routes += [Route(path, _post(parts, act), methods=["POST"]) for path, act in posts.items()]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, token=token)],
        exception_handlers={UserError: _fault, 404: _unknown},
    )


def _get(parts: Parts, show: Get) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        return show(parts, request.query_params)

    return endpoint


def _post(parts: Parts, act: Post) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        done = await run_in_threadpool(act, parts, await fields(request))
        return RedirectResponse(done, 303) if isinstance(done, str) else done

    return endpoint


def _fault(_request: Request, error: Exception) -> Response:
    response = page("fault.html", "", fault=str(error))
    response.status_code = 400
    return response


def _unknown(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("no such page; go to /search", 404)
