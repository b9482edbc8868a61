"""Estimates what a run will cost: the calls that are not stored, their tokens and their price."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stages.lib.core.collection import Corpus, Split
from stages.lib.llm import judging
from stages.lib.llm.answers import MOST_ATTEMPTS, Gathered, P, Question, complaint, read
from stages.lib.llm.messages import Rejection
from stages.lib.llm.prompts import Prompts, examples
from stages.lib.llm.rules import draws, settle
from stages.lib.llm.spending import CHARACTERS_PER_TOKEN
from stages.lib.llm.storage.store import Store
from stages.lib.llm.synthesis import sources
from stages.lib.params import Params

MIN_MEASURED = 5
"""With this many stored responses of a model and form, tokens are measured rather than assumed."""
COMPLETION = {"dataset_rules": 160.0, "synthetic_queries": 28.0, "relevance_judgements": 14.0}
"""Tokens of an answer for each part that is wanted (of the rules, as a whole)."""
PLACEHOLDER = ["A rule of the usual length. " * 4] * 5
"""Stands in prompts for rules that no model was asked for yet."""


@dataclass(slots=True)
class Estimate:
    """The calls of a stage."""

    stage: str
    questions: int = 0
    calls: float = 0.0
    """Calls to be made; more than the open questions where some have to be asked again."""
    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0
    measured_on: int = 0
    """Stored responses that the tokens were measured on; 0 for a rule of thumb."""
    at_most: bool = False
    """Whether this is an upper bound, since earlier stages have not run."""


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
    total, answers = Estimate(stage), dict[str, dict[str, P]]()
    habit: Habits | None = None
    for question in questions:
        total.questions += 1
        habit = habit or habits(store, question.form.name, question.request.model)
        parts, missing = _stored(question, store, attempts)
        answers[question.request.subject] = parts
        if missing:
            usual = max(1, len(question.form.wanted)) * COMPLETION[question.form.name]
            prompt = question.request.characters * habit.tokens_per_character
            total.calls += habit.calls_per_question
            total.prompt_tokens += habit.calls_per_question * prompt
            total.completion_tokens += habit.calls_per_question * (habit.completion_tokens or usual)
    total.measured_on = habit.measured_on if habit else 0
    return total, answers


def _stored(question: Question[P], store: Store, attempts: int) -> tuple[dict[str, P], bool]:
    """What stored answers give, and whether a call is needed beyond them."""
    request, gathered = question.request, Gathered(question.form)
    for _ in range(min(attempts, MOST_ATTEMPTS)):
        response = store.get(request)
        if response is None:
            return gathered.parts, True
        if isinstance(response, Rejection):
            break
        reading = read(response, question.form)
        if gathered.add(reading, response.text):
            break
        request = request.again(complaint(reading.faults))
    return gathered.parts, False


def estimates(
    params: Params,
    corpus: Corpus,
    human: Split,
    selected: Split | None,
    writer: Prompts,
    stores: Mapping[str, Store],
) -> Iterator[Estimate]:
    """An estimate for each stage that asks the LLM.

    Args:
        params: of all stages.
        corpus: the documents.
        human: the collection's train split.
        selected: the synthetic train split, which expand would ask about; None before there is one.
        writer: makes the requests.
        stores: the responses by stage: rules, generate and expand.

    """
    attempts, rules = params.llm.attempts, params.rules.fixed
    if not rules:
        questions = writer.rules(corpus, human, params.rules)
        of_rules, answers = estimate("rules", questions, stores["rules"], attempts)
        yield of_rules
        rules, _ = settle(draws(answers))
        if of_rules.calls or not rules:
            rules = PLACEHOLDER
    doc_ids = sources(corpus, params.generate, params.seed)
    pool = examples(corpus, human, params.seed)
    documents = (corpus[doc_id] for doc_id in doc_ids)
    of_documents = writer.queries(documents, rules, pool, params.generate)
    of_queries, _ = estimate("generate", of_documents, stores["generate"], attempts)
    yield of_queries
    if params.expand.enabled:
        most = len(doc_ids) * len(params.generate.types)
        queries = len(selected.queries) if selected and not of_queries.calls else most
        judgements = _expected_judgements(params, corpus, human, queries, writer)
        of_judgements, _ = estimate("expand", judgements, stores["expand"], attempts)
        of_judgements.at_most = True
        yield of_judgements


def _expected_judgements(
    params: Params, corpus: Corpus, human: Split, queries: int, writer: Prompts
) -> Iterator[Question[int]]:
    """Questions like those that expand will ask; which documents they show is not known yet."""
    expand, doc_ids = params.expand, list(corpus)
    queries = min(queries, expand.queries or queries) + min(len(human.qrels), expand.compared)
    depth = min(expand.depth, len(corpus))
    pools = {
        f"query {number}": [
            doc_ids[(number * depth + rank) % len(doc_ids)] for rank in range(depth)
        ]
        for number in range(queries)
    }
    texts = dict.fromkeys(pools, "a query of the usual length, words of which matter little")
    return judging.questions(writer, corpus, texts, pools, expand.documents_per_call)


def summed(by_stage: Sequence[Estimate]) -> Estimate:
    """The estimates of all stages together."""
    return Estimate(
        "all",
        sum(stage.questions for stage in by_stage),
        sum(stage.calls for stage in by_stage),
        sum(stage.prompt_tokens for stage in by_stage),
        sum(stage.completion_tokens for stage in by_stage),
        at_most=any(stage.at_most for stage in by_stage),
    )
