"""Measures a folder that was taken home by sentence-transformers alone; run by `python -I`.

Prints nDCG@10 over the queries of a qrels file, by the folder's document vectors where it has some,
else by documents encoded anew.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judgements(path: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query_id, doc_id, grade = line.split("\t")
        found.setdefault(query_id, {})[doc_id] = int(grade)
    return found


def gain(grades: list[int]) -> float:
    return sum(grade / float(np.log2(rank + 2)) for rank, grade in enumerate(grades[:10]))


def main(folder: Path, corpus: Path, queries: Path, qrels: Path) -> None:
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    vectors_file = folder / "vectors" / "vectors.npy"
    if vectors_file.is_file():
        doc_ids = json.loads((folder / "vectors" / "doc_ids.json").read_text())
        vectors = np.load(vectors_file)
    else:
        documents = lines(corpus)
        doc_ids = [row["_id"] for row in documents]
        texts = [f"{row['title']} {row['text']}".strip() for row in documents]
        vectors = model.encode_document(texts, normalize_embeddings=True)
    judged = judgements(qrels)
    texts = [row["text"] for row in lines(queries) if row["_id"] in judged]
    query_ids = [row["_id"] for row in lines(queries) if row["_id"] in judged]
    scores = model.encode_query(texts, normalize_embeddings=True) @ vectors.T
    values = []
    for query_id, row in zip(query_ids, scores, strict=True):
        grades = judged[query_id]
        ranked = [grades.get(doc_ids[place], 0) for place in np.argsort(-row, kind="stable")]
        values.append(gain(ranked) / gain(sorted(grades.values(), reverse=True)))
    foreign = [name for name in sys.modules if name.split(".")[0] == "stages"]
    print(json.dumps({"ndcg": float(np.mean(values)), "project": foreign}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
