"""Faults of collections: each is counted, and handled as the parameters say."""

from array import array
from collections import Counter
from collections.abc import Container, Iterable
from itertools import combinations
from typing import Any

import numpy as np

from stages.lib.core.characters import cleaned
from stages.lib.core.collection import SPLITS, Document, Qrels, Queries, Split
from stages.lib.core.text import forbidden, normal, text_digest
from stages.lib.errors import UserError
from stages.lib.params import Prepare
from stages.lib.sources.source import Placed, PlacedQuery, Source
from stages.lib.sources.spool import Spool


def clean_documents(
    name: str, documents: Iterable[Placed], policy: Prepare, spool: Spool
) -> Counter[str]:
    """Adds a source's documents to the spool, cleaned, without duplicate ids and empty ones.

    Returns:
        Counts: `duplicate_ids`, `empty_documents`, and `repeated_documents`, whose text another
        document has, too.

    """
    counts: Counter[str] = Counter(duplicate_ids=0, empty_documents=0)
    digests = array("q")
    for place, given in documents:
        document = Document(
            given.doc_id, cleaned(given.title), cleaned(given.text), cleaned(given.source)
        )
        if (refused := forbidden(document.doc_id)) is not None:
            raise UserError(
                f"{place}: the id {document.doc_id!r} has the character U+{ord(refused):04X}, "
                "which Vespa refuses; change it"
            )
        if document.doc_id in spool:
            _refuse_duplicate(policy, place, document.doc_id)
            counts["duplicate_ids"] += 1
            continue
        if not document.contents:
            if policy.empty_documents == "error":
                raise UserError(
                    f"{place}: document {document.doc_id!r} is empty; remove it or set "
                    "prepare.empty_documents to drop or keep"
                )
            counts["empty_documents"] += 1
            if policy.empty_documents == "drop":
                continue
        spool.add(document)
        digests.append(text_digest(document.contents))
    if not digests:
        raise UserError(f"{name}: the corpus is empty; there is nothing to search")
    counts["repeated_documents"] = len(digests) - len(np.unique(np.asarray(digests)))
    return counts


def clean_split(
    name: str,
    rows: Iterable[PlacedQuery],
    qrels: Qrels,
    documents: Container[str],
    policy: Prepare,
    notes: list[str],
) -> tuple[Split, Counter[str]]:
    """The judged queries of a split, without judgements of what does not exist.

    Relevances below 0, which some collections give to spam, become 0.

    Args:
        name: what an error calls the split.
        rows: its queries.
        qrels: its judgements.
        documents: the doc_ids of the corpus.
        policy: what to do about faults.
        notes: gets a line on judgements of what does not exist.

    Returns:
        The split and its counts: `duplicate_ids` (of queries), `dangling_qrels` and
        `negative_relevances`.

    """
    counts: Counter[str] = Counter(duplicate_ids=0, dangling_qrels=0, negative_relevances=0)
    queries: Queries = {}
    for place, query_id, given in rows:
        text = cleaned(given)
        if not text.strip():
            raise UserError(f"{place}: query {query_id!r} is empty; give it a text or remove it")
        if query_id in queries:
            _refuse_duplicate(policy, place, query_id)
            counts["duplicate_ids"] += 1
        queries.setdefault(query_id, text)

    split = Split()
    dangling = []
    for query_id, judged in qrels.items():
        for doc_id, relevance in judged.items():
            if query_id not in queries or doc_id not in documents:
                dangling.append((query_id, doc_id))
                continue
            counts["negative_relevances"] += relevance < 0
            split.queries[query_id] = queries[query_id]
            split.qrels.setdefault(query_id, {})[doc_id] = max(0, relevance)
    counts["dangling_qrels"] = len(dangling)
    if dangling and (policy.dangling_qrels == "error" or not split):
        raise UserError(_dangling(name, dangling, sum(map(len, qrels.values()))))
    if dangling:
        fault = _fault(name, dangling, sum(map(len, qrels.values())))
        notes.append(f"{fault}; they are left out")
    return split, counts


def clean_splits(
    source: Source, documents: Container[str], policy: Prepare
) -> tuple[dict[str, Split], dict[str, Any]]:
    """The three splits of a source without their faults; one that it lacks is empty.

    Returns:
        The splits and the counts of their faults: by split, and `repeated_queries`, the texts that
        two splits share.

    """
    splits: dict[str, Split] = {}
    counts: dict[str, Counter[str]] = {}
    for name in SPLITS:
        place = f"{source.name}, {name} qrels"
        rows, qrels = source.queries.get(name, []), source.qrels.get(name, {})
        splits[name], counts[name] = clean_split(
            place, rows, qrels, documents, policy, source.notes
        )
    repeated = repeated_queries(splits)
    if policy.repeated_queries == "error" and any(repeated.values()):
        raise UserError(
            f"{source.name}: splits share query texts ({_listed(repeated)}); "
            "mend them or set prepare.repeated_queries to drop"
        )
    kept = drop_repeated_queries(splits) if policy.repeated_queries == "drop" else splits
    faults = {
        name: {
            **counts[name],
            "dropped_repeated": len(splits[name].queries) - len(kept[name].queries),
        }
        for name in SPLITS
    }
    return kept, {**faults, "repeated_queries": repeated}


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def repeated_queries(splits: dict[str, Split]) -> dict[str, int]:
    """How many texts each two splits share."""
    texts = {name: set(map(normal, splits[name].queries.values())) for name in splits}
    return {f"{a}_{b}": len(texts[a] & texts[b]) for a, b in combinations(splits, 2)}


def drop_repeated_queries(splits: dict[str, Split]) -> dict[str, Split]:
    """The splits without the queries whose text a later split has: test stays whole."""
    kept: dict[str, Split] = {}
    later: set[str] = set()
    for name in reversed(SPLITS):
        split = splits[name]
        texts = {query_id: normal(text) for query_id, text in split.queries.items()}
        ids = [query_id for query_id, text in texts.items() if text not in later]
        kept[name] = Split(
            {query_id: split.queries[query_id] for query_id in ids},
            {query_id: split.qrels[query_id] for query_id in ids},
        )
        later |= set(texts.values())
    return {name: kept[name] for name in SPLITS}


def _refuse_duplicate(policy: Prepare, place: str, identifier: str) -> None:
    if policy.duplicate_ids == "error":
        raise UserError(
            f"{place}: duplicate id {identifier!r}; make it unique or set prepare.duplicate_ids "
            "to first"
        )


def _dangling(name: str, dangling: list[tuple[str, str]], judgements: int) -> str:
    fault = _fault(name, dangling, judgements)
    if len(dangling) == judgements:
        return f"{fault}; are they another collection's?"
    return f"{fault}; mend them or set prepare.dangling_qrels to drop"


def _fault(name: str, dangling: list[tuple[str, str]], judgements: int) -> str:
    query_id, doc_id = dangling[0]
    return (
        f"{name}: {len(dangling)} of {judgements} judgements name a query or a document that does "
        f"not exist (the first: {query_id!r}, {doc_id!r})"
    )
