"""Encodes and measures untuned embedders: those of evaluate.others, and documents.model."""

import os
from pathlib import Path

from stages.cli import PARAMS, PROCESSES, path_option, stage
from stages.lib.core.collection import Texts, read_corpus, read_queries, read_split
from stages.lib.core.files import building, has_files, leave_unused, write_json
from stages.lib.encoder_params import EmbedderModel
from stages.lib.encoding.hub import check_code, fetch_embedder, licence
from stages.lib.params import read_params


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--dev", help="The dev split made by people; may be empty.")
@path_option("--synthetic-dev", help="The synthetic dev split, used where the other is empty.")
@path_option("--judged", help="The dev split that an LLM judged; may be empty.")
@path_option("--test", help="The test queries: they are encoded, and measured elsewhere.")
@path_option("--base", help="The base model.")
@path_option("--base-vectors", help="The base model's vectors of the corpus.")
@path_option("--documents", help="Folder of documents.model; empty where none is named.")
@path_option("--document-vectors", help="Its vectors of the corpus.")
@path_option("--adapter", help="The adapter of its queries; empty where none is wanted.")
@path_option("--models", help="Folder for the models of evaluate.others.")
@path_option("--stores", help="Folder for what endpoints answered.")
@path_option("--out", help="Folder for the vectors.")
@path_option("--metrics", help="JSON file for what each model reaches on dev.")
@PROCESSES
@PARAMS
def main(
    corpus: Path,
    dev: Path,
    synthetic_dev: Path,
    judged: Path,
    test: Path,
    base: Path,
    base_vectors: Path,
    documents: Path,
    document_vectors: Path,
    adapter: Path,
    models: Path,
    stores: Path,
    out: Path,
    metrics: Path,
    processes: int | None,
    params: Path,
) -> str:
    """Encode the corpus and the judged queries by each model, and measure it on dev."""
    os.environ["HF_HUB_OFFLINE"] = "0"
    settings = read_params(params)
    named: dict[str, EmbedderModel] = {one.name: one for one in settings.evaluate.others}
    models.mkdir(parents=True, exist_ok=True)
    stores.mkdir(parents=True, exist_ok=True)
    if not named and not has_files(documents):
        for folder in (out, models, stores):
            # what was fetched and paid for stays for when a model is named again
            if folder == out or not has_files(folder):
                leave_unused(folder, "evaluate.others is empty")
        write_json(metrics, {})
        return "others: evaluate.others is empty"
    # imported here, for a stage that is off would do little else
    import numpy as np

    from stages.lib.adaptation.adapter import adapted
    from stages.lib.adaptation.folder import has_learnt, load_adapter
    from stages.lib.embedders.embedder import open_embedder
    from stages.lib.embedders.stock import ADAPTED, BASE, DOCUMENTS, Stock
    from stages.lib.encoding.vectors import (
        describe_vectors,
        encoder_hash,
        load_queries,
        save_queries,
    )
    from stages.lib.evidence import dev_sets, measure
    from stages.lib.retrievers import load_dense, load_known, load_lexical
    from stages.lib.search.crossfit import Search
    from stages.lib.search.engine import Dense

    if has_files(documents):
        named[DOCUMENTS] = settings.documents
    collection = read_corpus(corpus)
    lexical = load_lexical(collection, settings)
    sets = dev_sets(read_split(dev), read_split(judged), read_split(synthetic_dev), collection)
    asked = {text for one in sets for text in one.split.queries.values()}
    queries = sorted(asked | {*read_queries(test).values()})

    def stock(
        name: str,
        model: EmbedderModel | None,
        dense: Dense,
        *,
        learnt: bool = False,
        beside: float | None = None,
    ) -> Stock:
        evidence = measure(Search([dense]), lexical, sets, settings, learnt=learnt, beside=beside)
        if model is None:
            return Stock(name, settings.base.model, settings.export.licence, dense, evidence)
        local = model.provider == "local"
        terms = licence(model.model, model.revision) if local else "the provider's"
        return Stock(name, model.model, terms, dense, evidence)

    found = [stock(BASE, None, load_dense(collection, base, base_vectors, settings))]
    with building(out) as folder:
        for name, model in named.items():
            key = "documents.model" if name == DOCUMENTS else f"evaluate.others: {name}"
            place, vectors = documents, document_vectors
            if name != DOCUMENTS:
                place, vectors = models / name, folder / name / "documents"
                fetch_embedder(model, key, f"{key}: revision", place)
                check_code(place, model.model, settings.base.custom_code)
            store = stores / f"{name}.jsonl"
            embedder = open_embedder(place, model, settings, store, key, processes)
            if name != DOCUMENTS:
                vectors.mkdir(parents=True)
                before = out / name / "documents"
                embedder.write_documents(vectors / "vectors.npy", Texts(collection), before)
                describe_vectors(vectors, list(collection), encoder_hash(place))
            (folder / name / "queries").mkdir(parents=True)
            save_queries(folder / name / "queries", queries, embedder.queries(queries))
            embedder.save()
            dense = load_known(collection, vectors, folder / name / "queries")
            found.append(stock(name, model, dense))
        if has_files(adapter):
            asked_of = load_queries(folder / DOCUMENTS / "queries")
            given = np.stack([asked_of[text] for text in queries])
            (folder / ADAPTED / "queries").mkdir(parents=True)
            behind = adapted(load_adapter(adapter), given)
            save_queries(folder / ADAPTED / "queries", queries, behind)
            dense = load_known(collection, document_vectors, folder / ADAPTED / "queries")
            learnt = has_learnt(adapter)
            plain = next(one for one in found if one.name == DOCUMENTS)
            share = plain.evidence.weight.dense
            found.append(stock(ADAPTED, settings.documents, dense, learnt=learnt, beside=share))
        rows = [one.row(found[0], settings) for one in found]
    write_json(metrics, {"rows": rows})
    best = max(rows, key=lambda row: row["served"][sets[0].name]["ndcg_cut_10"])
    return f"others: {len(named)} models, the best on {sets[0].name} dev is {best['name']}"


if __name__ == "__main__":
    main()
