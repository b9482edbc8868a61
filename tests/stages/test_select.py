"""The stage select by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from stages.lib.core.collection import Document, read_split, write_corpus, write_queries
from stages.lib.core.generated import Generated, query_id, read_generated, write_generated
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.vectors import save_vectors
from stages.lib.params import Params
from stages.select import main

COLOURS = ("blue", "green", "red")
WORDS = ("apple", "bus", "car", "cat", "dog", "pear", "plum", "train")
CORPUS = {
    f"{colour}-{word}": Document(f"{colour}-{word}", f"{colour} {word}", "see below")
    for colour in COLOURS
    for word in WORDS
}


def test_what_trains_beside_the_queries_repeats_none_of_synthetic_dev(
    tmp_path: Path, tiny_model: Path, with_params: Callable[[dict[str, Any]], Params]
) -> None:
    """Queries without an LLM are titles and phrases, as are the texts that train beside them."""
    settings = with_params(
        {
            "encoder.max_length": 16,
            "select.dev_share": 0.4,
            "select.titles": True,
            "select.phrases": 0,
            "select.retriever_depth": len(CORPUS),
            "select.teacher_depth": len(CORPUS),
        }
    )
    texts = [each.contents for each in CORPUS.values()]
    vectors = encode(load_encoder(tiny_model, settings.encoder), texts)
    save_vectors(tmp_path / "vectors", vectors, list(CORPUS), "test")
    write_corpus(tmp_path / "corpus.jsonl", CORPUS)
    titles = [
        Generated(query_id(doc_id, "title", each.title), doc_id, "title", each.title)
        for doc_id, each in CORPUS.items()
    ]
    write_generated(tmp_path / "generated.jsonl", titles)
    write_generated(tmp_path / "imported.jsonl", [])
    for name in ("dev", "test"):
        write_queries(tmp_path / f"{name}.jsonl", {})
    paths = {
        "corpus": "corpus.jsonl",
        "generated": "generated.jsonl",
        "imported": "imported.jsonl",
        "dev": "dev.jsonl",
        "test": "test.jsonl",
        "vectors": "vectors",
        "out": "synthetic",
        "metrics": "select.json",
        "params": "params.yaml",
    }
    options = [part for name, path in paths.items() for part in (f"--{name}", tmp_path / path)]
    result = CliRunner().invoke(main, [*map(str, options), "--model", str(tiny_model)])
    assert result.exit_code == 0, result.output

    held_out = set(read_split(tmp_path / "synthetic" / "dev").queries.values())
    unlabelled = {
        query.text for query in read_generated(tmp_path / "synthetic" / "unlabelled.jsonl")
    }
    assert held_out
    assert unlabelled == {each.title for each in CORPUS.values()} - held_out
