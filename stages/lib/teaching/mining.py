"""Mining: the teacher ranks all queries, and each becomes a training row."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.lib.core.collection import Qrels, Split
from stages.lib.core.examples import Mined
from stages.lib.core.generated import Generated
from stages.lib.params import Mine
from stages.lib.teaching.negatives import Answers, known_answers, labelled, unlabelled
from stages.lib.teaching.teacher import Teacher


@dataclass(frozen=True, slots=True)
class TrainingQueries:
    """The queries to rank, with all that is known of their answers.

    Args:
        written: generated queries, with the documents that they were written for.
        expanded: positives of generated queries, those of a judge among them.
        ignored: documents that a judge put on neither side, by query.
        by_people: the train split; may be empty.
        unlabelled: phrases, titles and sentences of documents.
        dev: the synthetic dev split.

    """

    written: Split
    expanded: Qrels
    ignored: Qrels
    by_people: Split
    unlabelled: Sequence[Generated]
    dev: Split

    @property
    def qrels(self) -> Qrels:
        """The positives of all queries; where people and a judge speak of the same, people do."""
        return self.expanded | self.by_people.qrels

    @property
    def answers(self) -> Answers:
        """What people or a judge found relevant."""
        return known_answers(self.qrels, self.written.qrels)


def mine(teacher: Teacher, queries: TrainingQueries, params: Mine) -> Mined:
    """The training rows: those with negatives, those that the teacher alone labels, and dev's.

    A train query of people that has no negative is not lost: it joins those that the teacher alone
    labels, with its answers.
    """
    answers, by_people = queries.answers, queries.by_people.queries
    texts = queries.written.queries | by_people
    ranking = teacher.rank(texts)
    train = list(labelled(texts, queries.qrels, answers, queries.ignored, ranking, params))
    trained = {example.query_id for example in train}
    others = {query.query_id: query.text for query in queries.unlabelled}
    others |= {query_id: text for query_id, text in by_people.items() if query_id not in trained}
    sources = {query.query_id: query.doc_id for query in queries.unlabelled}
    dev = queries.dev.queries
    return Mined(
        teacher.name,
        train,
        list(unlabelled(others, answers, sources, teacher.rank(others))),
        list(unlabelled(dev, {}, {}, teacher.rank(dev))),
    )
