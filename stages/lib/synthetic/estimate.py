"""Estimates what thinking up tasks and examples will cost."""

from collections.abc import Iterator, Mapping, Sequence

from stages.lib.core.collection import Corpus
from stages.lib.llm.estimate import Estimate, estimate
from stages.lib.llm.storage.store import Store
from stages.lib.params import Params
from stages.lib.synthetic.tasks import Task, distinct
from stages.lib.synthetic.writer import Writer

USUAL = "Given a text of the usual length, find another one that belongs to it in some way."


def estimates_of_tasks(
    params: Params, writer: Writer, corpus: Corpus, stores: Mapping[str, Store]
) -> Iterator[Estimate]:
    """An estimate for each of the two stages; none where brainstorm.families is empty.

    Args:
        params: of all stages.
        writer: makes the requests.
        corpus: the collection, of which brainstorm.documents may show some.
        stores: the responses by stage: brainstorm and examples.

    """
    wanted, attempts = params.brainstorm, params.llm.attempts
    if not wanted.families:
        return
    questions = writer.tasks(wanted, corpus if wanted.of_collection else {})
    of_tasks, answers = estimate("brainstorm", questions, stores["brainstorm"], attempts)
    yield of_tasks
    by_list = {name: [parts] for name, parts in answers.items()}
    tasks: Sequence[Task] = distinct(by_list, wanted.families, wanted.tasks)[0]
    if of_tasks.calls:  # which tasks there will be is not known
        numbers = range(wanted.tasks)
        tasks = [Task(name, f"{USUAL} {number}") for name in wanted.families for number in numbers]
    of_examples, _ = estimate(
        "examples", writer.examples(tasks, params.examples), stores["examples"], attempts
    )
    of_examples.at_most = bool(of_tasks.calls)
    yield of_examples
