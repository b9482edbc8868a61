"""Which documents get queries, and the queries that came back."""

from collections.abc import Iterator, Mapping, Sequence

from stages.lib import seeds
from stages.lib.collection import Corpus, Document
from stages.lib.llm.answers import SyntheticQueries
from stages.lib.params import Generate
from stages.lib.queries import Generated, query_id
from stages.lib.similarity import words


def sources(corpus: Corpus, params: Generate, seed: int) -> list[Document]:
    """The documents to write queries for, drawn by hash among those that are long enough."""
    long = [each for each in corpus.values() if len(words(each.contents)) >= params.min_words]
    order = seeds.shuffled(seed, (each.doc_id for each in long), "generate")
    chosen = sorted(order[: params.documents] if params.documents else order)
    return [corpus[doc_id] for doc_id in chosen]


def written(answers: Mapping[str, SyntheticQueries], types: Sequence[str]) -> Iterator[Generated]:
    """The queries of the types asked for."""
    for doc_id, answer in answers.items():
        for query in answer.queries:
            text = " ".join(query.text.split())
            if query.type in types and text:
                yield Generated(query_id(doc_id, query.type, text), doc_id, query.type, text)
