"""Reviewing generated queries."""

from starlette.responses import JSONResponse, PlainTextResponse, Response

from stages.lib.page.exchange import as_csv, as_records, read_exchange
from stages.lib.page.reviewing import rates
from stages.lib.page.web.application import Given, Parts, page
from stages.lib.page.web.forms import choice
from stages.lib.people.reviews import DECISIONS


def review(parts: Parts, _given: Given) -> Response:
    """The next query with its document."""
    desk = parts.review
    fate = desk.next()
    return page(
        "review.html",
        "/review",
        fate=fate,
        document=parts.searcher.corpus[fate.query.doc_id] if fate else None,
        rates=rates(desk.fates, desk.decisions),
        reviewed=len(desk.decisions),
        total=len(desk.fates),
    )


def decide(parts: Parts, given: Given) -> str:
    """Decides about a query."""
    decision = choice(given, "decision", DECISIONS[:-1])
    doc_id = given.get("doc_id", "").strip()
    parts.review.decide(given.get("query_id", ""), decision, given.get("text", ""), doc_id)
    return "/review"


def undo(parts: Parts, _given: Given) -> str:
    """Takes the last decision back."""
    parts.review.undo()
    return "/review"


def take(parts: Parts, given: Given) -> str:
    """Takes decisions from a table or records."""
    for row in list(read_exchange(given.get("decisions", ""))):
        parts.review.decide(row["query_id"], row["decision"], row["text"], row["doc_id"])
    return "/review"


def table(parts: Parts, _given: Given) -> Response:
    """All queries as a table."""
    desk = parts.review
    text = as_csv(desk.fates, desk.decisions, parts.searcher.corpus)
    return PlainTextResponse(text, media_type="text/csv")


def records(parts: Parts, _given: Given) -> Response:
    """All queries as Argilla's records."""
    desk = parts.review
    return JSONResponse(as_records(desk.fates, desk.decisions, parts.searcher.corpus))
