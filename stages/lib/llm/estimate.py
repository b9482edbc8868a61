"""What a run will cost, before it: calls that are not stored, their tokens and their price."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from stages.lib.llm.answers import Gathered, P, Question, read
from stages.lib.llm.spending import CHARACTERS_PER_TOKEN
from stages.lib.llm.store import Store

MIN_MEASURED = 5
"""Stored responses of the model and form from which tokens are measured rather than assumed."""
COMPLETION = {"dataset_rules": 160.0, "synthetic_queries": 28.0, "relevance_judgements": 14.0}
"""Tokens of an answer for each part that is wanted (of the rules, as a whole)."""


@dataclass(slots=True)
class Estimate:
    """The calls of a stage."""

    stage: str
    questions: int = 0
    calls: float = 0.0
    """Not in the store; more than the questions left where some answers have to be asked again."""
    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0
    measured_on: int = 0
    """Stored responses that the tokens were measured on; 0 for a rule of thumb."""
    at_most: bool = False
    """Whether earlier stages have yet to say how much there is to ask."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a model answers one form, as far as the store knows."""

    tokens_per_character: float
    completion_tokens: float | None
    calls_per_question: float
    measured_on: int


def habits(store: Store, schema: str, model: str) -> Habits:
    """Measures what the stored responses cost; the rule of thumb where there are too few."""
    total: Counter[str] = Counter()
    for row in store.rows():
        if row["schema"] == schema and row["model"] == model:
            total["rows"] += 1
            total["first"] += row["attempt"] == 0
            total["characters"] += row["prompt_characters"]
            total["prompt"] += row["response"]["prompt_tokens"]
            total["completion"] += row["response"]["completion_tokens"]
    if total["first"] < MIN_MEASURED or not total["prompt"]:
        return Habits(1 / CHARACTERS_PER_TOKEN, None, 1.0, 0)
    return Habits(
        total["prompt"] / total["characters"],
        total["completion"] / total["rows"],
        total["rows"] / total["first"],
        total["rows"],
    )


def estimate(
    stage: str, questions: Iterable[Question[P]], store: Store, attempts: int
) -> tuple[Estimate, dict[str, dict[str, P]]]:
    """Counts the calls that the questions still need.

    Returns:
        The estimate, and the usable parts of the answers that are stored, by subject.

    """
    found, answers = Estimate(stage), dict[str, dict[str, P]]()
    known: Habits | None = None
    for question in questions:
        found.questions += 1
        known = known or habits(store, question.form.name, question.request.model)
        parts, missing = _stored(question, store, attempts)
        answers[question.request.subject] = parts
        if missing:
            wanted = max(1, len(question.form.wanted)) * COMPLETION[question.form.name]
            found.calls += known.calls_per_question
            characters = question.request.characters
            found.prompt_tokens += (
                known.calls_per_question * characters * known.tokens_per_character
            )
            found.completion_tokens += known.calls_per_question * (
                known.completion_tokens or wanted
            )
    found.measured_on = known.measured_on if known else 0
    return found, answers


def _stored(question: Question[P], store: Store, attempts: int) -> tuple[dict[str, P], bool]:
    """What stored answers give, and whether a call is needed beyond them."""
    request, found = question.request, Gathered(question.form)
    for _ in range(attempts):
        response = store.get(request)
        if response is None:
            return found.parts, True
        if found.add(read(response, question.form)):
            break
        request = request.again()
    return found.parts, False
