"""What a reply is about: this call, this question, or the endpoint as a whole.

One function decides, whatever the status, for the first call as for the hundredth, direct or as a
line of a batch. Endpoints and the gateways before them give the same refusal under many statuses
and in many shapes, so that their words count before their status does.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl


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
    field: str = ""
    """The part of the call that is refused, where that is the same in every call."""


OK = 200
MOST_WORDS = 300
"""Characters of the endpoint's words that are shown."""
LONGEST = 20_000
"""Characters of them that are looked at."""

QUESTION = re.compile(
    r"content.?(filter|policy|management|moderation)|responsible.?ai|moderation|flagged|guardrail"
    r"|inappropriate content|prohibited.content|data_inspection_failed|safety"
    r"|context.?(length|window|size)|maximum.context|too.many.tokens(?!.{0,20}wait)"
    r"|(prompt|input|string).{0,20}"
    r"too.long|above_max_length|(prompt|input).{0,20}(length|tokens).{0,40}exceed|request.too.large"
    r"|reduce.the.length|tokens.{0,40}must be <="
    r"|exceeds?.{0,30}(token.limit|max_model_len|number.of.tokens)",
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
BUSY = re.compile(
    r"overloaded|server busy|pending requests|(at|no|over|insufficient) capacity|high demand"
    r"|loading.{0,10}model|model.{0,20}(is )?(currently )?loading",
    re.IGNORECASE,
)
"""Of a status that says as much: a server that gives its few places to others, or starts."""
SOON = re.compile(r"(re)?try( again)? (in|after):? \d", re.IGNORECASE)
"""A quota of a minute speaks like one that is used up for good, but for this."""

NO_SUCH = {404, 405, 410, 501}
KEYS_AND_MONEY = {401, 402, 403}
PASSING = {408, 409, 423, 425}


def completes(body: Any) -> bool:
    """Whether JSON of status 200 is a chat completion."""
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(first, dict) and isinstance(first.get("message"), dict)


def verdict(status: int, body: Any, answers: Callable[[Any], bool] = completes) -> Verdict | None:
    """Whom a reply concerns; None where it is an answer.

    Args:
        status: of HTTP, or of a batch's line.
        body: parsed JSON, or the text of what is none.
        answers: whether JSON of status 200 is an answer.

    """
    fault = body
    if 200 <= status < 300:
        if answers(body):
            return None
        status = OK
        fault = (body.get("error") or _ending(body)) if isinstance(body, dict) else body
    words = _words(fault) or f"status {status} without a reason"
    if status == OK:
        status = _status_inside(fault) or OK
    field = _field(fault, words)
    # the names of codes and types say more than the sentence, and are not always in it
    said = f"{words} {' '.join(_texts(fault, ('code', 'type')))}"
    about, sure = _about(status, said, field)
    if status == OK and isinstance(body, str):
        # half of an answer has any words
        page = body.lstrip()[:1] == "<"
        about, words = (About.ENDPOINT, "a web page") if page else (About.CALL, words)
    return Verdict(about, words, status, sure, field)


def _about(status: int, said: str, field: str) -> tuple[About, bool]:
    limited = (status == 429 and SOON.search(said)) or (status >= 500 and LIMIT.search(said))
    if ENDPOINT.search(said) and not limited:
        return About.ENDPOINT, True
    if status == 413 or (status != 401 and QUESTION.search(said) and not BUSY.search(said)):
        return About.QUESTION, True
    if status == 429 or (status in {403, 503, 529} and LIMIT.search(said)):
        return About.LIMIT, True
    if status in {503, 529} and BUSY.search(said):
        return About.LIMIT, True
    if status in KEYS_AND_MONEY | NO_SUCH or 300 <= status < 400:
        return About.ENDPOINT, True
    if status in PASSING or status < 300 or status >= 500:
        return About.CALL, True
    return (About.ENDPOINT, True) if field else (About.QUESTION, False)


def _ending(body: dict[str, Any]) -> str:
    """Why a reply of status 200 has no message: a filter stopped it, for instance."""
    return " / ".join(_texts(body, ("finish_reason", "block_reason", "message")))


def _status_inside(fault: Any) -> int:
    for name in ("status_code", "code", "status"):
        for text in _texts(fault, (name,)):
            if text.isdigit() and 400 <= int(text) < 600:
                return int(text)
    return 0


def _field(fault: Any, words: str) -> str:
    """The part of the call that is at fault, unless that is what is asked."""
    named = [place.partition(".")[0] for place, _ in _places(fault)]
    named += [re.split(r"[.\[]", param)[0] for param in _texts(fault, ("param",))]
    named += re.findall(r"'loc': [\[(]'body', '(\w+)'", words)
    return next((name for name in named if name not in {"", "None", *ASKED}), "")


ASKED = {"messages", "prompt", "input", "inputs", "contents"}


def _places(value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Places in the call with what is wrong there, as FastAPI's validation tells them."""
    if isinstance(value, list) and depth < 6:
        for part in value[:5]:
            yield from _places(part, depth + 1)
    elif isinstance(value, dict) and depth < 6:
        place = value.get("loc")
        if isinstance(place, list) and isinstance(value.get("msg"), str):
            yield ".".join(str(part) for part in place if part != "body"), value["msg"]
        for part in value.values():
            yield from _places(part, depth + 1)


def _texts(value: Any, names: tuple[str, ...], depth: int = 0) -> Iterator[str]:
    """What stands under these names, wherever in an error that is: the shapes are many."""
    if isinstance(value, list) and depth < 6:
        for part in value[:5]:
            yield from _texts(part, names, depth + 1)
    elif isinstance(value, dict) and depth < 6:
        parts = {re.sub(r"\B(?=[A-Z][a-z])", "_", str(key)).lower(): value[key] for key in value}
        for name in names:
            texts = parts.get(name)
            for text in texts[:5] if isinstance(texts, list) else [texts]:
                if isinstance(text, str | int) and text != "":
                    yield str(text)
        for part in parts.values():
            if isinstance(part, dict | list):
                yield from _texts(part, names, depth + 1)


WORDS = (
    *("message", "msg", "detail", "error", "errors", "error_description", "error_message"),
    *("faultstring", "title", "reason"),
)
"""Names under which servers put their sentence."""


def _words(fault: Any) -> str:
    if isinstance(fault, dict | list):
        found = [f"{place}: {words}" if place else words for place, words in _places(fault)]
        found = found or list(_texts(fault, WORDS)) or list(_texts(fault, ("code", "type")))
        return told(" / ".join(dict.fromkeys(found)))
    if not isinstance(fault, str):
        return ""
    fault = fault[:LONGEST]
    # a gateway's page: its title is what it says
    title = re.search(r"<title>(.*?)</title>", fault, re.IGNORECASE | re.DOTALL)
    return told(title[1] if title else re.sub(r"<[^<>]*>", " ", fault))


def told(words: str) -> str:
    """Words of others as one short line without keys, and without what follows a ? in addresses."""
    words = words[:LONGEST]
    for secret in _secrets():
        words = words.replace(secret, "***")
    words = re.sub(r"://[^\s/@]*@", "://", words)
    words = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return " ".join(map(_without_query, words.split(" ")))[:MOST_WORDS]


def _without_query(word: str) -> str:
    """A word; of an address, whole or not, what stands before the question mark."""
    address, _, query = word.partition("?")
    return address if query and ("/" in address or "=" in query) else word


def _secrets() -> list[str]:
    """The key, and keys in the query of the endpoint's address."""
    query = (os.environ.get("OPENAI_BASE_URL") or "").partition("?")[2]
    secrets = [value for name, value in parse_qsl(query) if SECRET.search(name)]
    secrets.append((os.environ.get("OPENAI_API_KEY") or "").strip())
    return [secret for secret in secrets if len(secret) > 3]


SECRET = re.compile(r"key|token|sig|secret|code|pass", re.IGNORECASE)
