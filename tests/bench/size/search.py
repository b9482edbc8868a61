"""Time and peak memory of `embed`, `select` and `mine` on generated documents, by their number.

Documents have 50 words, vectors are random; 1,000 queries, of rare words of a document each, stand
for generated ones, and 1,000 key phrases are drawn. Neighbours and sentences are off, as README
advises for large corpora. Encoding costs what the model costs: it is measured with a model of two
small layers, for what is around it.

python -m tests.bench.size.search --model models/base 100000 1000000
"""

import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import click
import numpy as np
import yaml

from stages.lib.core.collection import Split, read_corpus, write_qrels, write_split
from stages.lib.core.generated import Generated, query_id, write_generated
from tests.bench.size.prepare import PARAMS, measure, write_collection
from tests.tiny import make_tiny_model

DIMENSIONS, BLOCK, QUERIES = 384, 50_000, 1_000


def write_vectors(folder: Path, doc_ids: list[str]) -> None:
    """Random unit vectors as `embed` leaves them."""
    random = np.random.default_rng(7)
    folder.mkdir()
    with (folder / "vectors.npy").open("wb") as file:
        shape = (len(doc_ids), DIMENSIONS)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(doc_ids), BLOCK):
            size = min(BLOCK, len(doc_ids) - start)
            block = random.standard_normal((size, DIMENSIONS), dtype=np.float32)
            file.write((block / np.linalg.norm(block, axis=1, keepdims=True)).tobytes())
    (folder / "doc_ids.json").write_text(json.dumps(doc_ids))


@click.command()
@click.option("--model", type=click.Path(path_type=Path), required=True, help="Of 384 dimensions.")
@click.argument("sizes", type=int, nargs=-1, required=True)
def main(model: Path, sizes: tuple[int, ...]) -> None:
    """Print time and memory by the number of documents."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_collection(folder, size)
            corpus = read_corpus(folder / "corpus.jsonl")
            write_vectors(folder / "vectors", list(corpus))
            step = max(1, size // QUERIES)
            frequency = Counter(word for each in corpus.values() for word in each.text.split())
            queries = (
                Generated(query_id(doc_id, "words", text), doc_id, "words", text)
                for doc_id in list(corpus)[::step]
                for words in [sorted(set(corpus[doc_id].text.split()), key=frequency.__getitem__)]
                for text in [" ".join(words[:10])]
            )
            write_generated(folder / "generated.jsonl", queries)
            for empty in ("imported.jsonl", "dev.jsonl"):
                (folder / empty).touch()
            del corpus
            params = yaml.safe_load(PARAMS.read_text())
            params["select"] |= {"phrases_in_all": QUERIES}
            params["mine"] |= {"neighbours": 0, "sentence_share": 0}
            params["embed"] |= {"sentences": False}
            params["encoder"]["max_length"] = 64
            (folder / "params.yaml").write_text(yaml.safe_dump(params))
            common: list[str | Path] = ["--params", folder / "params.yaml"]
            common += ["--corpus", folder / "corpus.jsonl"]
            tiny = make_tiny_model(folder / "tiny")
            run("embed ", size, [*common, "--model", tiny, "--out", folder / "out"])
            searched: list[str | Path] = ["--model", model, "--vectors", folder / "vectors"]
            select: list[str | Path] = ["--generated", folder / "generated.jsonl"]
            select += ["--imported", folder / "imported.jsonl"]
            select += ["--dev", folder / "dev.jsonl", "--test", folder / "queries.jsonl"]
            select += ["--reviews", folder / "none"]
            select += ["--queries", folder / "selected-vectors"]
            select += ["--out", folder / "synthetic", "--metrics", folder / "select.json"]
            run("select", size, [*common, *searched, *select])
            write_split(folder / "train", Split())
            shutil.copytree(folder / "synthetic" / "train", folder / "expanded")
            write_qrels(folder / "expanded" / "ignored.tsv", {})
            (folder / "none").mkdir()
            mine: list[str | Path] = ["--synthetic", folder / "synthetic"]
            mine += ["--train", folder / "train", "--expanded", folder / "expanded"]
            mine += ["--cross-encoder", folder / "none", "--language-model", folder / "none"]
            mine += ["--answers", folder / "none", "--rankings", folder / "rankings"]
            mine += ["--document-vectors", folder / "none", "--known", folder / "none"]
            mine += ["--queries", folder / "mined-vectors"]
            mine += ["--out", folder / "mined", "--metrics", folder / "mine.json"]
            run("mine  ", size, [*common, *searched, *mine])
            click.echo((folder / "select.json").read_text() + (folder / "mine.json").read_text())


def run(stage: str, size: int, arguments: list[str | Path]) -> None:
    """Runs a stage and prints what it took."""
    command = ["-m", f"stages.{stage.strip()}", *map(str, arguments)]
    measure(f"{stage} {size:>9}", command)


if __name__ == "__main__":
    main()
