"""Answers from the passages of two systems, side by side."""

from collections.abc import Iterator

from starlette.responses import Response

from stages.lib.core.text import one_line
from stages.lib.page.asking import LONGEST, Reply
from stages.lib.page.web.application import Given, Parts, page, streamed
from stages.lib.page.web.forms import number
from stages.lib.page.web.search import DEFAULT

PASSAGES = 5


def form(parts: Parts, given: Given) -> Response:
    """The form; nothing is asked before it is sent."""
    question = one_line(given.get("q", ""))[:LONGEST]
    return page(
        "ask.html",
        "/ask",
        question=question,
        columns=[],
        reply=None,
        why_not=parts.answerer.why_not(),
        provider=parts.answerer.provider,
        passages=PASSAGES,
    )


def ask(parts: Parts, given: Given) -> Response:
    """The answers, as they come in; the passages are sent before these are there."""
    question = one_line(given.get("q", ""))[:LONGEST]
    count = number(given, "k", PASSAGES, 1, 20)
    columns = parts.searcher.columns(question, DEFAULT, count) if question else []
    found = {column.name: [hit.document for hit in column.hits] for column in columns}

    def reply(name: str) -> Iterator[str | Reply]:
        return parts.answerer.answer(question, found[name])

    return streamed(
        "ask.html",
        "/ask",
        question=question,
        columns=columns,
        reply=reply,
        why_not="",
        provider=parts.answerer.provider,
        passages=count,
    )
