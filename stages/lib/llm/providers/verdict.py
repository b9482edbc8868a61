"""What a reply is about: this call, this question, or the endpoint as a whole.

One function decides, whatever the status, for the first call as for the hundredth, direct or as a
line of a batch. Endpoints and the gateways before them give the same refusal under many statuses
and in many shapes, so that their words count before their status does.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class About(Enum):
    """Whom a fault concerns."""

    CALL = auto()
    """The next try may succeed."""
    LIMIT = auto()
    """The call came too early."""
    QUESTION = auto()
    """This question will never be answered; others may be."""
    ENDPOINT = auto()
    """No call will be answered until somebody mends something."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A fault, and the endpoint's own words on it in one line."""

    about: About
    words: str
    status: int
    sure: bool = True
    """Whether the words alone say whom it concerns; if not, a refusal may be of every question."""


OK = 200
MOST_WORDS = 300
"""Characters of the endpoint's words that are shown."""

QUESTION = re.compile(
    r"content.?(filter|policy|management|moderation)|responsible.?ai|moderation|flagged|guardrail"
    r"|inappropriate content|prohibited.content|data_inspection_failed|safety"
    r"|context.?(length|window|size)|maximum.context|too.many.tokens|(prompt|input|string).{0,20}"
    r"too.long|above_max_length|(prompt|input).{0,20}(length|tokens).{0,40}exceed|request.too.large"
    r"|reduce.the.length|exceeds?.{0,30}(token.limit|max_model_len|number.of.tokens)",
    re.IGNORECASE,
)
"""A text against a policy, or one that is too long."""

ENDPOINT = re.compile(
    r"insufficient.?(quota|balance|credit|funds)|exceeded your current quota|billing|credit balance"
    r"|out.of.credits|payment.required|budget.{0,20}exceeded|api.?key.{0,30}(invalid|not.valid"
    r"|incorrect|expired|missing)|(invalid|incorrect|expired|missing|no).{0,12}api.?key"
    r"|model.?not.?found|invalid model name|no such model|unknown model|model.{0,80}(does not exist"
    r"|not found)|deployment.{0,60}(does not exist|not found)"
    r"|account.{0,20}(deactivated|suspended)",
    re.IGNORECASE,
)
"""Keys, money, and models that are not there."""

LIMIT = re.compile(r"rate.?limit|too.many.requests|resource.?exhausted|throttl", re.IGNORECASE)

NO_SUCH = {404, 405, 410, 501}
KEYS_AND_MONEY = {401, 402, 403}
PASSING = {408, 409, 423, 425}


def verdict(status: int, body: Any) -> Verdict | None:
    """Whom a reply concerns; None where it is an answer.

    Args:
        status: of HTTP, or of a batch's line.
        body: parsed JSON, or the text of what is none.

    """
    fault = body
    if status == OK:
        if _answers(body):
            return None
        fault = body.get("error") if isinstance(body, dict) else body
    words = _words(fault) or f"status {status} without a reason"
    if status == OK:
        status = _status_inside(fault) or OK
    # the names of codes and types say more than the sentence, and are not always in it
    about, sure = _about(status, f"{words} {' '.join(_texts(fault, ('code', 'type')))}")
    if status == OK and isinstance(body, str) and body.lstrip()[:1] == "<":
        about, words = About.ENDPOINT, "a web page"
    return Verdict(about, words, status, sure)


def _about(status: int, words: str) -> tuple[About, bool]:
    if ENDPOINT.search(words) and not (status >= 500 and LIMIT.search(words)):
        return About.ENDPOINT, True
    if status == 413 or (status != OK and status != 401 and QUESTION.search(words)):
        return About.QUESTION, True
    if status == 429 or (status in {403, 503, 529} and LIMIT.search(words)):
        return About.LIMIT, True
    if status in KEYS_AND_MONEY | NO_SUCH or 300 <= status < 400:
        return About.ENDPOINT, True
    if status in PASSING or status < 300 or status >= 500:
        return About.CALL, True
    return About.QUESTION, False


def _answers(body: Any) -> bool:
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(first, dict) and isinstance(first.get("message"), dict)


def _status_inside(fault: Any) -> int:
    for name in ("status_code", "code", "status"):
        for text in _texts(fault, (name,)):
            if text.isdigit() and 400 <= int(text) < 600:
                return int(text)
    return 0


def _texts(value: Any, names: tuple[str, ...], depth: int = 0) -> Iterator[str]:
    """What stands under these names, wherever in an error that is: the shapes are many."""
    if isinstance(value, list) and depth < 6:
        for each in value[:5]:
            yield from _texts(each, names, depth + 1)
    elif isinstance(value, dict) and depth < 6:
        for name in names:
            if isinstance(value.get(name), str | int) and value[name] != "":
                yield str(value[name])
        for each in value.values():
            if isinstance(each, dict | list):
                yield from _texts(each, names, depth + 1)


def _words(fault: Any) -> str:
    if isinstance(fault, dict | list):
        names = ("message", "msg", "detail", "error", "error_description", "title", "reason")
        found = list(dict.fromkeys(_texts(fault, names))) or list(_texts(fault, ("code", "type")))
        return told(" / ".join(found))
    if not isinstance(fault, str):
        return ""
    # a gateway's page: its title is what it says
    title = re.search(r"<title>(.*?)</title>", fault, re.IGNORECASE | re.DOTALL)
    return told(title[1] if title else re.sub(r"<[^>]*>", " ", fault))


def told(words: str) -> str:
    """Words of others as one short line without the key and without what follows a ? in URLs."""
    key = (os.environ.get("OPENAI_API_KEY") or "").strip()
    if len(key) > 3:
        words = words.replace(key, "***")
    words = re.sub(r"(https?://)[^\s/@]*@", r"\1", re.sub(r"(https?://[^\s?]+)\?\S*", r"\1", words))
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:MOST_WORDS]
