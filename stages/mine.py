"""Finds candidates for each training query and scores them with the teacher."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import Queries, read_corpus, read_qrels, read_split
from stages.lib.core.files import building, write_json, write_jsonl
from stages.lib.core.generated import read_generated
from stages.lib.errors import UserError
from stages.lib.params import read_params
from stages.lib.retrievers import load_retrievers
from stages.lib.search.engine import Embedded, Run
from stages.lib.search.neighbours import Neighbours
from stages.lib.search.weights import by_query, choose_weight, least_overlapping
from stages.lib.teaching.best_sentence import load_best_sentence
from stages.lib.teaching.cross_encoder import Reranker
from stages.lib.teaching.negatives import judged, known_answers, unmined
from stages.lib.teaching.teacher import choose_teacher, fusion_teacher


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--synthetic", help="Folder with the synthetic splits and the key phrases.")
@path_option("--train", help="The train split made by people; may be empty.")
@path_option("--expanded", help="Folder with the positives and the documents on neither side.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus.")
@path_option("--cross-encoder", help="Folder of the cross-encoder; empty where none is named.")
@path_option("--out", help="Folder for training rows, dev rankings, weight and teacher.")
@path_option("--metrics", help="JSON file for the counts.")
@PARAMS
def main(
    corpus: Path,
    synthetic: Path,
    train: Path,
    expanded: Path,
    model: Path,
    vectors: Path,
    cross_encoder: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> None:
    """Weigh the fusion, choose the teacher, mine negatives; FlagEmbedding reads train.jsonl."""
    settings = read_params(params)
    documents = read_corpus(corpus)
    written, by_people = read_split(synthetic / "train"), read_split(train)
    dev = read_split(synthetic / "dev")
    phrases = read_generated(synthetic / "phrases.jsonl")
    retrievers = load_retrievers(documents, model, vectors, settings)
    dense, lexical = retrievers.dense, retrievers.lexical
    known = least_overlapping(dev, documents)
    weight = choose_weight(dense, lexical, known, settings.fusion)
    sentences = load_best_sentence(vectors, dense) if settings.embed.sentences else None
    smoothed = settings.mine.neighbours and settings.mine.smoothing
    neighbours = Neighbours(dense.vectors, settings.mine.neighbours) if smoothed else None
    fusion = Embedded(
        fusion_teacher(dense, sentences, lexical, weight.dense, neighbours, settings.mine)
    )

    def by_fusion(queries: Queries) -> Run:
        return fusion.search(queries, settings.mine.depth)

    rankings = {
        "base": Embedded(dense).search(known.queries, settings.mine.depth),
        "fusion": by_fusion(known.queries),
    }
    reranker = None
    if settings.mine.cross_encoder:
        reranker = Reranker(cross_encoder, documents, settings.mine)
        rankings["cross-encoder"] = reranker.rerank(known.queries, rankings["fusion"])
    teacher = choose_teacher(rankings, known)

    def rank(queries: Queries) -> Run:
        ranking = by_fusion(queries)
        if reranker and teacher == "cross-encoder":
            return reranker.rerank(queries, ranking)
        return ranking

    texts = {each.query_id: each.text for each in phrases}
    sources = {each.query_id: each.doc_id for each in phrases}
    qrels = read_split(expanded).qrels | by_people.qrels
    answers = known_answers(qrels, written.qrels)
    examples = list(
        judged(
            written.queries | by_people.queries,
            qrels,
            answers,
            read_qrels(expanded / "ignored.tsv"),
            rank(written.queries | by_people.queries),
            settings.mine,
        )
    )
    if not examples:
        raise UserError(f"{synthetic}: no query has a negative; loosen mine.margin in {params}")
    ranked = {example.query_id for example in examples}
    texts |= {each: text for each, text in by_people.queries.items() if each not in ranked}
    spare = unmined(texts, answers, sources, rank(texts))
    held_out = unmined(dev.queries, {}, {}, rank(dev.queries))
    with building(out) as folder:
        for name, rows in (("train", examples), ("unmined", spare), ("dev", held_out)):
            write_jsonl(folder / f"{name}.jsonl", (row.row(documents) for row in rows))
        write_json(folder / "teacher.json", {"teacher": teacher})
    write_json(
        metrics,
        {
            "queries": len(written.queries),
            "queries_by_people": len(by_people.queries),
            "examples": len(examples),
            "judged": len(answers),
            "negatives": round(sum(len(e.negatives) for e in examples) / len(examples), 3),
            "dense_weight": weight.dense,
            "dev_ndcg_cut_10_by_share": weight.by_share,
            "teacher": teacher,
            "dev_ndcg_cut_10_by_teacher": {
                name: round(float(by_query(run, known).mean()), 6)
                for name, run in rankings.items()
                if known
            },
            "dev_queries_that_chose": len(known.qrels),
        },
    )


if __name__ == "__main__":
    main()
