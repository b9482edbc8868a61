"""The dev check of exported variants: what int8 does to retrieval."""

from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer

from stages.lib.core.collection import Corpus, Split, contents
from stages.lib.core.seeds import shuffled
from stages.lib.core.verdict import Verdict
from stages.lib.encoding.vectors import load_vectors
from stages.lib.export.folder import load_exported
from stages.lib.export.gate import Figures, Loss, judge, measure_loss
from stages.lib.params import Params
from stages.lib.search.engine import Dense, Embedded
from stages.lib.search.measures import HEADLINE
from stages.lib.search.metrics import mean, per_query


def measured_texts(corpus: Corpus, split: Split, params: Params) -> list[str]:
    """Draws by hash the documents and queries, with their prefixes, that int8 is measured on."""
    count = params.export.texts
    doc_ids = shuffled(params.seed, corpus, "export")[:count]
    query_ids = shuffled(params.seed, split.queries, "export")[:count]
    return [params.encoder.document_prefix + text for text in contents(corpus, doc_ids)] + [
        params.encoder.query_prefix + split.queries[query_id] for query_id in query_ids
    ]


def checked_documents(corpus: Corpus, split: Split, params: Params) -> list[str]:
    """The doc_ids to search in: all, or the judged ones and others drawn by hash."""
    limit = params.export.documents or len(corpus)
    judged = {doc_id for judgements in split.qrels.values() for doc_id in judgements}
    others = shuffled(
        params.seed, (doc_id for doc_id in corpus if doc_id not in judged), "export check"
    )
    wanted = judged | set(others[: max(0, limit - len(judged))])
    return [doc_id for doc_id in corpus if doc_id in wanted]


def check_retrieval(
    corpus: Corpus,
    split: Split,
    folder: Path,
    queries: SentenceTransformer,
    exported: Path,
    params: Params,
) -> tuple[dict[str, Any], Loss]:
    """Dev nDCG@10 of torch and int8 over the same documents, and what int8 loses of it.

    Args:
        corpus: the documents, in the order of the vectors.
        split: the dev split.
        folder: torch's vectors of the whole corpus.
        queries: torch's query encoder.
        exported: folder of the exported variants, `query/` and `document/` apart if they differ.
        params: all parameters.

    """
    checked = {doc_id: corpus[doc_id] for doc_id in checked_documents(corpus, split, params)}
    place = {doc_id: row for row, doc_id in enumerate(corpus)}
    rows = np.asarray(load_vectors(folder, corpus)[[place[doc_id] for doc_id in checked]])
    prefix = params.encoder.query_prefix
    systems = {
        "torch": Dense(list(checked), rows, queries, prefix),
        "int8": load_exported(checked, exported, "int8", folder, params),
    }
    wanted = {query_id: split.queries[query_id] for query_id in split.qrels}
    scores = {
        name: per_query(Embedded(dense).search(wanted, 10), split.qrels, (HEADLINE,))[HEADLINE]
        for name, dense in systems.items()
    }
    loss = measure_loss(scores["int8"], scores["torch"], params.seed)
    return {
        "documents": len(checked),
        "queries": len(wanted),
        HEADLINE: {name: round(mean(values), 6) for name, values in scores.items()},
        "loss": loss.row,
    }, loss


def verdicts(
    parity: dict[str, dict[str, dict[str, Any]]], loss: Loss, params: Params
) -> dict[str, Verdict]:
    """The verdict on each variant: its worst tower's parity, and what int8 loses on dev."""
    judged: dict[str, Verdict] = {}
    for variant in next(iter(parity.values())):
        least = min(tower[variant]["min_cosine"] for tower in parity.values())
        figures = Figures(least, loss if variant == "int8" else None)
        judged[variant] = judge(variant, figures, params.export)
    return judged
