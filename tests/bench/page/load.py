"""How long the page takes for a query over generated documents, by their number.

Documents have 50 words, vectors of 384 dimensions are random, and the encoder has two small layers:
what is measured is the page itself, from the request to the last byte, in all five columns and in
two. Each query is asked once. The processor's own time stands beside the clock's, for machines that
others use as well.

python -m tests.bench.page.load 10000 100000
"""

import tempfile
import time
from pathlib import Path

import click
import numpy as np
from starlette.testclient import TestClient

from stages.lib.core.collection import Split, read_corpus
from stages.lib.core.seeds import shuffled
from stages.lib.page.asking import Answerer
from stages.lib.page.examples import ExampleDesk
from stages.lib.page.gains import JudgedQueries
from stages.lib.page.judging import Desk
from stages.lib.page.reviewing import ReviewDesk
from stages.lib.page.searching import Searcher
from stages.lib.page.web.addresses import GETS, POSTS
from stages.lib.page.web.application import Parts, application
from stages.lib.params import read_params
from stages.lib.retrievers import load_dense, load_lexical
from tests.bench.size.prepare import PARAMS, write_collection
from tests.bench.size.search import DIMENSIONS, write_vectors
from tests.tiny import make_tiny_model

COLUMNS = {"five": "bm25 base tuned base+bm25 tuned+bm25", "two": "base+bm25 tuned+bm25"}


def page(folder: Path, size: int, queries: int) -> tuple[TestClient, list[str]]:
    """The page over so many documents, and queries of ten words of a document each."""
    write_collection(folder, size)
    corpus = read_corpus(folder / "corpus.jsonl")
    write_vectors(folder / "vectors", list(corpus))
    model = make_tiny_model(folder / "tiny", width=DIMENSIONS)
    params = read_params(PARAMS)
    params = params.model_copy(
        update={"encoder": params.encoder.model_copy(update={"max_length": 32})}
    )
    models = {n: load_dense(corpus, model, folder / "vectors", params) for n in ("base", "tuned")}
    weights = {"base": 0.7, "tuned": 0.8}
    searcher = Searcher(corpus, load_lexical(corpus, params), models, weights, folder)
    parts = Parts(
        searcher,
        JudgedQueries(searcher, {"test": Split()}, 1),
        Desk(folder / "judgements", "ann", searcher, {}, 1),
        ReviewDesk(folder / "reviews", "ann", [], [], searcher, params),
        ExampleDesk(folder / "example_reviews", "ann", {}, params.seed),
        Answerer(corpus, PARAMS.parent / "stages/prompts", folder / "ask.jsonl", params),
        None,
        {},
        1,
    )
    drawn = shuffled(1, list(corpus)[: 20 * queries], "load")[: len(COLUMNS) * queries]
    texts = [" ".join(corpus[doc_id].text.split()[:10]) for doc_id in drawn]
    return TestClient(application(parts, GETS, POSTS, ""), "http://127.0.0.1"), texts


@click.command()
@click.option("--queries", default=100, show_default=True, help="For each number of columns.")
@click.argument("sizes", type=int, nargs=-1, required=True)
def main(queries: int, sizes: tuple[int, ...]) -> None:
    """Print milliseconds a query: median, 95 of 100, and of the processor in the mean."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            start = time.perf_counter()
            browser, texts = page(Path(name), size, queries)
            print(f"{size:,} documents: ready after {time.perf_counter() - start:.0f} s")
            for offset, (label, columns) in enumerate(COLUMNS.items()):
                clock, processor = [], []
                for text in texts[offset * queries : (offset + 1) * queries]:
                    start, spent = time.perf_counter(), time.process_time()
                    answer = browser.get("/search", params={"q": text, "c": columns})
                    clock.append(1000 * (time.perf_counter() - start))
                    processor.append(1000 * (time.process_time() - spent))
                    assert answer.text.count("<section>") == len(columns.split())
                low, high = np.percentile(clock[1:], (50, 95))
                print(
                    f"  {label} columns: {low:.0f} ms, 95 of 100 within {high:.0f}, "
                    f"the first {clock[0]:.0f}; {np.mean(processor[1:]):.0f} of the processor",
                    flush=True,
                )


if __name__ == "__main__":
    main()
