"""What a language model reads when it scores a document."""

from dataclasses import dataclass
from string import Formatter
from typing import Any

from pydantic_core import from_json, to_json

from stages.lib.core.hashes import text_hash
from stages.lib.core.text import first_words, has_words
from stages.lib.llm.messages import Response

PARTS = {"document", "query", "answer"}


@dataclass(frozen=True)
class Asked:
    """An answer after what stands before it, and the model that says how likely it is.

    Args:
        before: all text before the answer.
        answer: is scored.
        model: decides the score: a name, or the hash of its files.
        most_tokens: of both that the model reads; what is too much goes from the beginning.

    """

    before: str
    answer: str
    model: str
    most_tokens: int

    @property
    def key(self) -> str:
        """The name that its score is stored under."""
        return text_hash("score", self.model, str(self.most_tokens), self.before, self.answer)

    @property
    def subject(self) -> str:
        """Nothing: the same texts are the same, whatever they belong to."""
        return ""

    @property
    def stamp(self) -> dict[str, str | int]:
        """What is stored of it beside its score."""
        return {
            "key": self.key,
            "subject": self.subject,
            "schema": "score",
            "model": self.model,
            "attempt": 0,
            "prompt_characters": len(self.before) + len(self.answer),
        }


@dataclass(frozen=True, slots=True)
class Score:
    """The log-probability of an answer, in nats.

    Args:
        total: the sum over its tokens.
        tokens: how many these are.

    """

    total: float
    tokens: int

    @property
    def mean(self) -> float:
        """The log-probability a token."""
        return self.total / max(1, self.tokens)

    def response(self, model: str, read: int, endpoint: str) -> Response:
        """The score as it is stored; `read` is the number of tokens that the model read."""
        text = to_json({"total": self.total, "tokens": self.tokens}).decode()
        return Response(text, "stop", None, model, read, 0, endpoint)


def stored_score(response: Response) -> Score | None:
    """The score of what `Score.response` made; None where it is none."""
    try:
        value: Any = from_json(response.text)
        return Score(float(value["total"]), int(value["tokens"]))
    except (ValueError, KeyError, TypeError):
        return None


def check_template(template: str) -> None:
    """Refuses a template that does not end in the answer.

    Raises:
        ValueError: other parts than document, query and answer, or the answer elsewhere.

    """
    names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    if not template.endswith("{answer}") or names.count("answer") != 1 or not {*names} <= PARTS:
        raise ValueError(
            f"{template!r} has to hold {{document}} and {{query}}, and to end in {{answer}}"
        )


def before(template: str, query: str, document: str, words: int) -> str:
    """What stands before the answer.

    Args:
        template: ends in `{answer}`.
        query: as it is.
        document: is cut after...
        words: ...so many words.

    """
    head = template.removesuffix("{answer}")
    shown = document.strip()
    if has_words(shown, words + 1):
        shown = first_words(shown, words)
    return head.format_map({"document": shown, "query": query.strip()})
