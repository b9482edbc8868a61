"""Brings the base's query encoder into the vector space of documents.model."""

from pathlib import Path

import numpy as np

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.files import building, has_files, leave_unused, write_json
from stages.lib.core.generated import read_generated
from stages.lib.distillation.texts import held_out, texts_to_learn
from stages.lib.llm.session import ask_nothing
from stages.lib.params import read_params

OFF = "documents.model names no model"


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--synthetic", help="Folder with the synthetic splits and the unlabelled queries.")
@path_option("--train", help="The train split made by people; may be empty.")
@path_option("--model", help="The base model.")
@path_option("--documents", help="Folder of documents.model; empty where none is named.")
@path_option("--vectors", help="Its vectors of the corpus.")
@path_option("--store", help="What an endpoint answered.")
@path_option("--out", help="Folder for the query encoder; empty where no model is named.")
@path_option("--queries", help="Folder for the vectors of the queries to mine for.")
@path_option("--metrics", help="JSON file for how near the query encoder comes.")
@PARAMS
def main(
    corpus: Path,
    synthetic: Path,
    train: Path,
    model: Path,
    documents: Path,
    vectors: Path,
    store: Path,
    out: Path,
    queries: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Fit the query encoder to the vectors that the bigger model gives queries and sentences."""
    settings = read_params(params)
    if not has_files(documents):
        leave_unused(out, OFF)
        leave_unused(queries, OFF)
        ask_nothing(store)
        write_json(metrics, {})
        return f"distill: {OFF}"
    # imported here, for a stage that is off would do little else
    from stages.lib.distillation.space import agreement, distilled
    from stages.lib.embedders.embedder import open_embedder
    from stages.lib.encoding.encoder import load_encoder, towers
    from stages.lib.encoding.portable import join_towers
    from stages.lib.encoding.vectors import load_vectors, save_queries

    collection = read_corpus(corpus)
    splits = (read_split(synthetic / "train"), read_split(train))
    asked = [text for split in splits for text in split.queries.values()]
    asked += [query.text for query in read_generated(synthetic / "unlabelled.jsonl")]
    dev = list(read_split(synthetic / "dev").queries.values())
    texts = texts_to_learn(asked, collection, settings.distill.sentences, settings.seed)
    embedder = open_embedder(documents, settings.documents, settings, store, "documents.model")
    targets, of_dev = embedder.queries(texts), embedder.queries(dev)
    embedder.save()
    known = dict(zip([*texts, *dev], [*targets, *of_dev], strict=True))
    learnt, unseen = held_out(len(texts))
    base = load_encoder(towers(model)[0], settings.encoder)
    of_corpus = load_vectors(vectors, collection)
    student = distilled(base, [texts[row] for row in learnt], targets[learnt], of_corpus, settings)
    figures = agreement(
        student, [texts[row] for row in unseen], targets[unseen], of_corpus, settings
    )
    with building(out) as folder:
        student.save(str(folder / "query"), create_model_card=False)
        join_towers(folder)
    with building(queries) as folder:
        needed = sorted({*asked, *dev})
        save_queries(folder, needed, np.array([known[text] for text in needed]))
    write_json(metrics, {"texts": len(learnt)} | figures)
    return (
        f"distill: {len(learnt):,} texts; of {len(unseen)} others the query encoder finds "
        f"{figures['overlap_10']:.0%} of the ten documents that {settings.documents.model} finds, "
        f"cosine {figures['cosine']:.3f}"
    )


if __name__ == "__main__":
    main()
