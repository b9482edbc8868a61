"""Estimates what a run will cost: the calls that are not stored, their tokens and their price."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stages.lib.core.collection import Corpus, Document, Split
from stages.lib.llm import judging, query_answers
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
COMPLETION = {
    "dataset_rules": 160.0,
    "synthetic_queries": 28.0,
    "query_answers": 20.0,
    "hard_queries": 28.0,
    "relevance_judgements": 14.0,
    "brainstormed_tasks": 500.0,
    "task_examples": 400.0,
    "passage_answer": 90.0,
    "answer_verdicts": 20.0,
}
"""Tokens of an answer for each part that is wanted (of rules and tasks, as a whole)."""
PLACEHOLDER = ["A rule of the usual length. " * 4] * 5
"""Stands in prompts for rules that no model was asked for yet."""
USUAL = "a query of the usual length, words of which matter little"


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
    dev: Split,
    selected: Split | None,
    plan: judging.Plan | None,
    writer: Prompts,
    stores: Mapping[str, Store],
    reviewed: Sequence[tuple[str, Document]] = (),
) -> Iterator[Estimate]:
    """An estimate for each stage that asks the LLM.

    Args:
        params: of all stages.
        corpus: the documents.
        human: the collection's train split.
        dev: the collection's dev split.
        selected: the synthetic train split, which expand would ask about; None before there is one.
        plan: what judge_dev asked last; None before it has run with these parameters.
        writer: makes the requests.
        stores: the responses by stage: rules, generate, judge_dev and expand.
        reviewed: queries that people vouch for, with their documents, as examples.

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
    pool = [*reviewed, *examples(corpus, human, params.seed)]
    documents = (corpus[doc_id] for doc_id in doc_ids)
    of_documents = writer.queries(documents, rules, pool, params.generate)
    of_queries, written = estimate("generate", of_documents, stores["generate"], attempts)
    yield of_queries
    if params.generate.answers:
        usual = dict.fromkeys(params.generate.types, USUAL)
        known = {doc_id: written[doc_id] or usual for doc_id in doc_ids}
        to_answer = query_answers.questions(writer, corpus, known)
        of_answers, _ = estimate("answers", to_answer, stores["generate"], attempts)
        of_answers.at_most = bool(of_queries.calls)
        yield of_answers
    if params.judge_dev.queries:
        planned = plan or _most(params, corpus, dev)
        of_dev = _of_plan(planned, params, corpus, rules, writer, stores["judge_dev"])
        # other queries than those of the last run may come, and with them other documents
        of_dev.at_most = plan is None or bool(of_queries.calls)
        yield of_dev
    if params.expand.enabled:
        most = len(doc_ids) * len(params.generate.types)
        queries = len(selected.queries) if selected and not of_queries.calls else most
        judgements = _expected_judgements(params, corpus, human, queries, writer)
        of_judgements, _ = estimate("expand", judgements, stores["expand"], attempts)
        of_judgements.at_most = True
        yield of_judgements


def _of_plan(
    plan: judging.Plan,
    params: Params,
    corpus: Corpus,
    rules: Sequence[str],
    writer: Prompts,
    store: Store,
) -> Estimate:
    """What judge_dev asks by a plan: hard queries, then grades."""
    pairs = ((corpus[doc_id], corpus[other]) for doc_id, other in plan.neighbours.items())
    hard = writer.hard(pairs, rules, params.generate.max_characters)
    per_call = params.judge_dev.documents_per_call
    grades = (
        question
        for documents in (plan.pools, plan.additions)
        for question in judging.questions(writer, corpus, plan.queries, documents, per_call)
    )
    attempts = params.llm.attempts
    of_hard, _ = estimate("judge_dev", hard, store, attempts)
    of_grades, _ = estimate("judge_dev", grades, store, attempts)
    total = summed([of_hard, of_grades], "judge_dev")
    total.measured_on = of_grades.measured_on
    return total


def _most(params: Params, corpus: Corpus, dev: Split) -> judging.Plan:
    """A plan of the size that judge_dev may ask at most; which documents it shows is not known."""
    wanted, doc_ids = params.judge_dev, list(corpus)
    shown = doc_ids[: wanted.hard_documents]
    neighbours = dict(zip(shown, doc_ids[1:] + doc_ids[:1], strict=False))
    queries = wanted.queries + min(len(dev.qrels), wanted.compared)
    pools = _expected_pools(doc_ids, queries, wanted.most_documents)
    additions = _expected_pools(doc_ids, queries, wanted.most_additions)
    return judging.Plan(neighbours, dict.fromkeys(pools, USUAL), {}, pools, additions)


def _expected_judgements(
    params: Params, corpus: Corpus, human: Split, queries: int, writer: Prompts
) -> Iterator[Question[int]]:
    """Questions like those that expand will ask; which documents they show is not known yet."""
    expand = params.expand
    queries = min(queries, expand.queries or queries) + min(len(human.qrels), expand.compared)
    pools = _expected_pools(list(corpus), queries, expand.depth)
    texts = dict.fromkeys(pools, USUAL)
    return judging.questions(writer, corpus, texts, pools, expand.documents_per_call)


def _expected_pools(doc_ids: Sequence[str], queries: int, depth: int) -> dict[str, list[str]]:
    """As many documents for each query, the corpus' in turn."""
    depth = min(depth, len(doc_ids))
    return {
        f"query {number}": [
            doc_ids[(number * depth + rank) % len(doc_ids)] for rank in range(depth)
        ]
        for number in range(queries)
    }


def summed(estimates: Sequence[Estimate], name: str = "all") -> Estimate:
    """The estimates together."""
    return Estimate(
        name,
        sum(part.questions for part in estimates),
        sum(part.calls for part in estimates),
        sum(part.prompt_tokens for part in estimates),
        sum(part.completion_tokens for part in estimates),
        at_most=any(part.at_most for part in estimates),
    )
