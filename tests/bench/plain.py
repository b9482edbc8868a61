"""What others do, beside the recipe: MultipleNegativesRankingLoss on the same generated queries.

python -m tests.bench.plain FOLDER RUN [--epochs 1] [--learning-rate 2e-5] [--batch-size 64]

FOLDER and RUN (a folder in it, such as default-13) are what tests.bench.recipe left. One encoder is
tuned for both sides on pairs of query and document with the others of the batch as negatives, by
sentence-transformers' own trainer, and the last weights count: there is no dev set in that recipe.
Gradients are cached (GradCache, arXiv 2101.06983), so that memory does not bound the batch.
"""

import argparse
import tempfile
from pathlib import Path

from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
)
from sentence_transformers.sentence_transformer.training_args import (
    BatchSamplers,
    SentenceTransformerTrainingArguments,
)

from stages.lib.core.collection import read_corpus, read_split
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.evaluation.significance import compare
from stages.lib.params import read_params
from stages.lib.retrievers import load_lexical
from stages.lib.search.engine import Dense, Embedded, Fused, Scorer
from stages.lib.search.metrics import mean, per_query

MEASURES = ("ndcg_cut_10", "recall_100")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("run")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--batch-size", type=int, default=64)
    options = parser.parse_args()
    params = read_params(options.folder / options.run / "params.yaml")
    corpus = read_corpus(options.folder / "collection" / "corpus.jsonl")
    train = read_split(options.folder / options.run / "synthetic" / "train")
    model = load_encoder(options.folder / "base", params.encoder)
    texts = [document.contents for document in corpus.values()]
    base = Dense(
        list(corpus),
        encode(model, texts),
        load_encoder(options.folder / "base", params.encoder),
        "",
    )
    pairs = [
        (train.queries[q], corpus[d].contents) for q, judged in train.qrels.items() for d in judged
    ]
    with tempfile.TemporaryDirectory() as scratch:
        SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=scratch,
                num_train_epochs=options.epochs,
                per_device_train_batch_size=options.batch_size,
                learning_rate=options.learning_rate,
                warmup_steps=0.1,
                bf16=True,
                use_cpu=model.device.type == "cpu",
                batch_sampler=BatchSamplers.NO_DUPLICATES,
                seed=params.seed,
                save_strategy="no",
                report_to="none",
            ),
            train_dataset=Dataset.from_dict(
                {"query": [q for q, _ in pairs], "document": [d for _, d in pairs]}
            ),
            loss=CachedMultipleNegativesRankingLoss(model, mini_batch_size=64),
        ).train()
    tuned = Dense(list(corpus), encode(model, texts), model, "")
    lexical = load_lexical(corpus, params)
    weight = params.fusion.dense_weight
    systems: dict[str, Scorer] = {
        "base": base,
        "plain": tuned,
        "base+bm25": Fused(base, lexical, weight),
        "plain+bm25": Fused(tuned, lexical, weight),
    }
    for name in ("train", "dev", "test"):
        split = read_split(options.folder / "collection" / name)
        if not split:
            continue
        queries = {query_id: split.queries[query_id] for query_id in split.qrels}
        scores = {
            system: per_query(Embedded(scorer).search(queries, 100), split.qrels, MEASURES)
            for system, scorer in systems.items()
        }
        tests = compare(
            {system: each["ndcg_cut_10"] for system, each in scores.items()},
            {"plain": "base", "plain+bm25": "base+bm25"},
            10_000,
            1,
        )
        for system, each in scores.items():
            test = f"  {tests[system].as_dict()}" if system in tests else ""
            print(
                f"{name} {system:10} nDCG@10 {100 * mean(each['ndcg_cut_10']):.2f} "
                f"R@100 {100 * mean(each['recall_100']):.2f}{test}"
            )


if __name__ == "__main__":
    main()
