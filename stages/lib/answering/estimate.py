"""What the questions of an evaluation will cost, before any is asked."""

from itertools import cycle, islice
from pathlib import Path

from stages.lib.answering import verdicts
from stages.lib.answering.answers import REFERENCE, Answer, References, drawn, questions
from stages.lib.answering.comparison import BASE, TUNED
from stages.lib.answering.passages import PassagePrompts
from stages.lib.core.collection import Corpus, Split
from stages.lib.llm.estimate import Estimate, estimate, summed
from stages.lib.llm.storage.store import Store
from stages.lib.params import Params

USUAL = "An answer of the usual length, whose words matter little here. " * 3


def estimate_answers(
    params: Params,
    corpus: Corpus,
    split: Split,
    references: References,
    prompts: Path,
    store: Store,
) -> Estimate:
    """The calls of the stage answer at most: which passages will be shown is not known.

    Args:
        params: of all stages.
        corpus: the passages; any stand for those that will be found.
        split: the judged queries.
        references: right answers by query_id.
        prompts: folder of the prompts.
        store: the stage's responses, which tell how long answers are.

    """
    wanted, writer = params.answer, PassagePrompts(prompts, params.llm)
    asked = drawn(split, references, wanted.questions, params.seed)
    texts = {query_id: split.queries[query_id] for query_id in asked}
    others = cycle(corpus)
    found = {
        system: {query_id: tuple(islice(others, wanted.passages)) for query_id in asked}
        for system in (BASE, TUNED)
    }
    written = {query_id: found[BASE][query_id] for query_id in asked if query_id not in references}
    attempts, shown = params.llm.attempts, found | {REFERENCE: written}
    parts = [estimate("answer", questions(writer, corpus, texts, shown), store, attempts)[0]]
    if wanted.verdicts:
        answers = {
            system: {name: Answer(USUAL, doc_ids, ()) for name, doc_ids in row.items()}
            for system, row in found.items()
        }
        usual = {query_id: references.get(query_id, [USUAL]) for query_id in asked}
        to_grade = verdicts.questions(writer, corpus, texts, usual, answers, asked)
        parts.append(estimate("answer", to_grade, store, attempts)[0])
    total = summed(parts, "answer")
    total.at_most, total.measured_on = True, min(part.measured_on for part in parts)
    return total
