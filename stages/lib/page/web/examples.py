"""Reviewing the examples of tasks."""

from starlette.responses import Response

from stages.lib.page.web.application import Given, Parts, page
from stages.lib.page.web.forms import choice
from stages.lib.synthetic.reviews import MEANINGS


def review(parts: Parts, _given: Given) -> Response:
    """The next example: its task, the text, what belongs to it and what does not."""
    desk = parts.examples
    return page(
        "examples.html", "/review", row=desk.next(), reviewed=desk.reviewed, total=len(desk.rows)
    )


def decide(parts: Parts, given: Given) -> str:
    """Decides about an example."""
    decision = choice(given, "decision", tuple(MEANINGS))
    parts.examples.decide(given.get("id", ""), decision, given.get("text", ""))
    return "/review/examples"


def undo(parts: Parts, _given: Given) -> str:
    """Takes the last decision back."""
    parts.examples.undo()
    return "/review/examples"
