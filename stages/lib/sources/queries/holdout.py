"""A dev split for collections whose judged queries would else all train."""

from stages.lib.core import seeds
from stages.lib.core.collection import Split
from stages.lib.core.text import normal

FEWEST = 50
"""With fewer dev queries, the synthetic dev set, which has more, chooses with less noise."""


def with_dev(splits: dict[str, Split], share: float, seed: int) -> dict[str, Split]:
    """The splits, with a dev split from train where there is none.

    Queries are drawn by a hash of their text, so that a text that train has twice is on one side.
    Where fewer than `FEWEST` were drawn, the splits stay as they are.

    Args:
        splits: train, dev and test, empty where the collection has none.
        share: of the train queries, 0 to 1.
        seed: of the draw.

    """
    train = splits["train"]
    drawn = {
        query_id
        for query_id, text in train.queries.items()
        if seeds.share(seed, "dev", normal(text)) < share
    }
    if splits["dev"] or len(drawn) < FEWEST:
        return splits
    return splits | {
        "train": _part(train, [query_id for query_id in train.queries if query_id not in drawn]),
        "dev": _part(train, [query_id for query_id in train.queries if query_id in drawn]),
    }


def _part(split: Split, query_ids: list[str]) -> Split:
    return Split(
        {query_id: split.queries[query_id] for query_id in query_ids},
        {query_id: split.qrels[query_id] for query_id in query_ids},
    )
