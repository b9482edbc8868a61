"""Chooses the teacher, ranks the training queries by it, and mines negatives."""

from dataclasses import replace
from pathlib import Path
from statistics import fmean

from stages.cli import PARAMS, path_option, stage
from stages.lib import scoring, search, teaching
from stages.lib.core.collection import read_corpus, read_qrels, read_split
from stages.lib.core.examples import write_mined
from stages.lib.core.files import building, has_files, leave_unused, write_json
from stages.lib.core.generated import read_generated
from stages.lib.core.hashes import code_hash, content_hash, file_hash, text_hash
from stages.lib.errors import UserError
from stages.lib.params import Params, read_params
from stages.lib.retrievers import load_dense, load_known, load_lexical
from stages.lib.search.engine import Dense, Scorer
from stages.lib.search.weights import choose_weight, least_overlapping
from stages.lib.teaching.best_sentence import load_best_sentence
from stages.lib.teaching.language_model import answers_by_text
from stages.lib.teaching.mining import TrainingQueries, mine
from stages.lib.teaching.remembered import Remembered, read_rankings, write_rankings
from stages.lib.teaching.teacher import Answered, Material
from stages.lib.teaching.teachers import build_teachers, choose_teacher


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--synthetic", help="Folder with the synthetic splits and the unlabelled queries.")
@path_option("--train", help="The train split made by people; may be empty.")
@path_option("--expanded", help="Folder with the positives and the documents on neither side.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus.")
@path_option("--document-vectors", help="documents.model's of the corpus; else empty.")
@path_option("--known", help="documents.model's vectors of the queries; else empty.")
@path_option("--cross-encoder", help="Folder of the cross-encoder; empty where none is named.")
@path_option("--language-model", help="Folder of the language model; empty where none is named.")
@path_option("--answers", help="JSONL of answers to the generated queries; may be empty.")
@path_option("--rankings", help="Folder for the teacher's rankings, which a later run takes over.")
@path_option("--queries", help="Folder for the queries' vectors, which a later run takes over.")
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
    document_vectors: Path,
    known: Path,
    cross_encoder: Path,
    language_model: Path,
    answers: Path,
    rankings: Path,
    queries: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Weigh the fusion, choose the teacher, mine negatives; FlagEmbedding reads train.jsonl."""
    settings = read_params(params)
    documents = read_corpus(corpus)
    asked = TrainingQueries(
        written=read_split(synthetic / "train"),
        expanded=read_split(expanded).qrels,
        ignored=read_qrels(expanded / "ignored.tsv"),
        by_people=read_split(train),
        unlabelled=read_generated(synthetic / "unlabelled.jsonl"),
        dev=read_split(synthetic / "dev"),
    )
    lexical = load_lexical(documents, settings)
    sentences: Scorer | None = None
    dense: Dense
    if has_files(known):
        # who encodes the documents teaches; its sentences would cost as much as the documents again
        dense = load_known(documents, document_vectors, known)
        leave_unused(queries, "the queries' vectors are those of documents.model")
    else:
        dense = load_dense(documents, model, vectors, settings, queries)
        if settings.embed.sentences:
            sentences = load_best_sentence(vectors, dense)
    choosing = least_overlapping(asked.dev, documents)
    weight = choose_weight(dense, lexical, choosing, settings.fusion)
    material = Material(
        documents, dense, sentences, lexical, weight.dense, cross_encoder, settings.mine
    )
    if settings.mine.language_model:
        answered = _answered(asked, answers, language_model, rankings, settings)
        material = replace(material, answered=answered)
    teachers = build_teachers(material)
    choice = choose_teacher(teachers, choosing)
    used = [vectors]
    if has_files(known):
        used += [document_vectors, known]
    if settings.mine.cross_encoder:
        used.append(cross_encoder)
    read: list[str] = []
    if settings.mine.language_model:
        used.append(language_model)
        read = [file_hash(answers), settings.scoring.model_dump_json(), code_hash(scoring)]
    ranked_by = text_hash(
        choice.teacher.name,
        str(weight.dense),
        _rankers(settings),
        code_hash(search, teaching),
        file_hash(corpus),
        *map(content_hash, used),
        *read,
    )
    teacher = Remembered(choice.teacher, list(documents), read_rankings(rankings, ranked_by))
    mined = mine(teacher, asked, settings.mine)
    if not mined.train:
        raise UserError(f"{synthetic}: no query has a negative; loosen mine.margin in {params}")
    with building(out) as folder, building(rankings) as beside:
        write_mined(folder, mined, documents)
        write_rankings(beside, teacher.rankings(), ranked_by)
    dense.save_queries(teacher.texts)
    write_json(
        metrics,
        {
            "queries": len(asked.written.queries),
            "queries_by_people": len(asked.by_people.queries),
            "examples": len(mined.train),
            "judged": len(asked.answers),
            "negatives": round(fmean(len(row.negatives) for row in mined.train), 3),
            "dense_weight": weight.dense,
            "dev_ndcg_cut_10_by_share": weight.by_share,
            "teacher": mined.teacher,
            "dev_ndcg_cut_10_by_teacher": choice.by_teacher,
            "dev_queries_that_chose": len(choosing.qrels),
        },
    )
    return (
        f"mine: {len(mined.train):,} examples and {len(mined.unlabelled):,} unlabelled, "
        f"teacher {mined.teacher}, {teacher.ranked:,} queries ranked anew, {dense.encoded:,} "
        "encoded anew"
    )


def _answered(
    queries: TrainingQueries, answers: Path, folder: Path, rankings: Path, settings: Params
) -> Answered:
    """The answers to the queries, and the language model that says how likely they are."""
    # only who names a language model needs any of this, and a change to it reruns nobody else
    from stages.lib.llm.environment import Environment
    from stages.lib.llm.query_answers import read_query_answers
    from stages.lib.llm.storage.store import Store
    from stages.lib.scoring.likelihood import LocalLikelihood

    by_text = answers_by_text(
        read_query_answers(answers), queries.written.queries, queries.dev.queries
    )
    if not by_text:
        raise UserError(
            f"{answers}: no answer to any query, and mine.language_model goes by them; set "
            'mine.language_model to ""'
        )
    # the journal has the scores: beside the rankings none are kept
    store = Store(rankings / "scores.jsonl", Environment.read().journal)
    likelihood = LocalLikelihood(folder, "mine.language_model", store, settings.scoring)
    return Answered(by_text, likelihood)


def _rankers(settings: Params) -> str:
    """The parameters by which the corpus is ranked; those of mining read the ranking alone."""
    mining = {"range_min", "range_max", "margin", "negatives"}
    return settings.model_dump_json(
        include={"engine": True, "encoder": True, "bm25": True, "mine": True},
        exclude={"mine": mining},
    )


if __name__ == "__main__":
    main()
