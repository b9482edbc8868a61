"""Time of a search on the page, all five columns, on generated documents, by their number.

Documents have 50 words, vectors are random, of 384 dimensions, and so is the encoder, of no cost:
what an encoder costs comes on top, a few milliseconds a query for MiniLM.

python -m tests.bench.page_size 100000
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from stages.lib.core.collection import Texts, read_corpus
from stages.lib.encoding.encoder import Vectors
from stages.lib.page.searching import Searcher
from stages.lib.params import read_params
from stages.lib.search.bm25 import Lexical
from stages.lib.search.engine import Dense
from tests.bench.prepare_size import PARAMS, write_collection

DIMENSIONS, QUERIES = 384, 50


class Random(Dense):
    """Dense search whose queries are random."""

    def __init__(self, doc_ids: Sequence[str], seed: int) -> None:
        self.doc_ids = list(doc_ids)
        self._random = np.random.default_rng(seed)
        self.vectors = self._unit(len(self.doc_ids))

    def _unit(self, rows: int) -> Vectors:
        made = self._random.standard_normal((rows, DIMENSIONS), dtype=np.float32)
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self._unit(len(texts))


@click.command()
@click.argument("sizes", type=int, nargs=-1, required=True)
def main(sizes: tuple[int, ...]) -> None:
    """Print milliseconds a query by the number of documents."""
    params = read_params(PARAMS)
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_collection(folder, size)
            corpus = read_corpus(folder / "corpus.jsonl")
            models = {"base": Random(list(corpus), 1), "tuned": Random(list(corpus), 2)}
            lexical = Lexical(list(corpus), Texts(corpus), params.bm25)
            searcher = Searcher(corpus, lexical, models, {"base": 0.7, "tuned": 0.7}, folder)
            texts = [document.text for document in list(corpus.values())[:QUERIES]]
            seconds, processor = [], time.process_time()
            for text in texts:
                start = time.perf_counter()
                searcher.columns(" ".join(text.split()[:8]), searcher.names, 10)
                seconds.append(time.perf_counter() - start)
            each = (time.process_time() - processor) / QUERIES
            worst, median = max(seconds), float(np.median(seconds))
            click.echo(
                f"{size:>9,} documents: median {1000 * median:.0f} ms, most {1000 * worst:.0f} ms "
                f"a query (n = {QUERIES}), {1000 * each:.0f} ms of the processor"
            )


if __name__ == "__main__":
    main()
