"""A language model as teacher: it says how likely an answer is once a document is read."""

from collections.abc import Mapping

from stages.lib.core.collection import Corpus, Queries
from stages.lib.search.engine import Run
from stages.lib.teaching.teacher import Answered, Candidate, Teacher, regraded


class Reader:
    """A teacher that puts the best documents of another teacher's ranking in the model's order.

    Args:
        name: the teacher's.
        corpus: the documents.
        first: the teacher whose ranking is graded.
        answered: the answers, and who grades; a query without an answer keeps its ranking.
        depth: documents of a ranking that are graded; the rest leave it.

    """

    def __init__(
        self, name: str, corpus: Corpus, first: Teacher, answered: Answered, depth: int
    ) -> None:
        self.name = name
        self._corpus = corpus
        self._first = first
        self._answered = answered
        self._depth = depth

    def rank(self, queries: Queries) -> Run:
        """The best documents of each query, best first."""
        run = self._first.rank(queries)
        answers = self._answered.answers
        heads = {
            query_id: list(run[query_id].items())[: self._depth]
            for query_id, text in queries.items()
            if text in answers
        }
        likely = iter(
            self._answered.likelihood(
                [
                    Candidate(text, self._corpus[doc_id].contents, answers[text])
                    for query_id, head in heads.items()
                    for text in [queries[query_id]]
                    for doc_id, _ in head
                ]
            )
        )
        graded = {
            query_id: regraded(head, [next(likely) for _ in head])
            for query_id, head in heads.items()
        }
        return {query_id: graded.get(query_id, run[query_id]) for query_id in queries}


def answers_by_text(answers: Mapping[str, str], *splits: Queries) -> dict[str, str]:
    """The answers by their queries' texts; of two to one text, that of the lower query_id.

    A teacher ranks texts: what one text is ranked by has to be the same wherever it comes from.
    """
    asked = {query_id: text for queries in splits for query_id, text in queries.items()}
    return {
        asked[query_id]: answers[query_id]
        for query_id in sorted(asked.keys() & answers.keys(), reverse=True)
    }
