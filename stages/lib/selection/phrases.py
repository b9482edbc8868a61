"""Key phrases, titles and sentences of documents: queries for every document, without an LLM.

They have no judgement: the teacher alone says what answers them. Where an LLM wrote queries for a
part of the corpus, they let training see the rest.
"""

import heapq
from collections.abc import Iterator
from itertools import chain

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus
from stages.lib.core.generated import Generated, query_id
from stages.lib.core.phrases import Telling
from stages.lib.core.text import sentences
from stages.lib.params import Select

TELLING = 8
"""Words of a document, by tf-idf, that its phrases are drawn from."""
MIN_WORDS, MAX_WORDS = 2, 4


def unlabelled_queries(corpus: Corpus, params: Select, seed: int) -> list[Generated]:
    """Phrases, titles and sentences; where these are more than `phrases_in_all`, a hash chooses."""
    queries = chain(
        key_phrases(corpus, params.phrases, seed) if params.phrases else (),
        titles(corpus) if params.titles else (),
        drawn_sentences(corpus, params.sentences, seed) if params.sentences else (),
    )
    if not params.phrases_in_all:
        return list(queries)
    return heapq.nsmallest(
        params.phrases_in_all,
        queries,
        key=lambda query: (seeds.digest(seed, "spare", query.query_id), query.query_id),
    )


def key_phrases(corpus: Corpus, count: int, seed: int) -> Iterator[Generated]:
    """`count` phrases of two to four of each document's most telling words (tf-idf).

    Documents with fewer than three such words have none.
    """
    by_weight = Telling(corpus)
    for doc_id, document in corpus.items():
        telling = by_weight.words(document, TELLING)
        if len(telling) < MIN_WORDS + 1:
            continue
        random = seeds.generator(seed, "phrases", doc_id)
        for _ in range(count):
            size = int(random.integers(MIN_WORDS, min(MAX_WORDS, len(telling)) + 1))
            text = " ".join(str(word) for word in random.permutation(telling)[:size])
            yield Generated(query_id(doc_id, "phrase", text), doc_id, "phrase", text)


def titles(corpus: Corpus) -> Iterator[Generated]:
    """The headings of the documents that have one."""
    for doc_id, document in corpus.items():
        if title := document.heading:
            yield Generated(query_id(doc_id, "title", title), doc_id, "title", title)


def drawn_sentences(corpus: Corpus, count: int, seed: int) -> Iterator[Generated]:
    """`count` sentences of each document, drawn by hash."""
    for doc_id, document in corpus.items():
        texts = seeds.shuffled(seed, set(sentences(document.text)), "spare sentence", doc_id)
        for text in texts[:count]:
            yield Generated(query_id(doc_id, "sentence", text), doc_id, "sentence", text)
