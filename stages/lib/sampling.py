"""Batches of texts of like length, in which no document stands twice as a source.

Two queries of one document in a batch would make each other's positive a negative.
"""

from collections.abc import Iterator, Sequence

from sentence_transformers.base.sampler import DefaultBatchSampler

from stages.lib import seeds

WINDOW = 8
"""Batches that are filled from one shuffled run, so that their queries are of like length."""


class OneSourceABatch(DefaultBatchSampler):
    """Batches of row numbers, shuffled anew each epoch, without two rows of one source.

    Args:
        sources: the source document of each row.
        lengths: the length of each row's query.
        batch_size: rows a batch at most.
        seed: of the shuffling.

    """

    def __init__(
        self, sources: Sequence[str], lengths: Sequence[int], batch_size: int, seed: int
    ) -> None:
        super().__init__(sources, batch_size=batch_size, drop_last=False)
        self.sources = sources
        self.lengths = lengths
        self.seed = seed

    def __iter__(self) -> Iterator[list[int]]:
        random = seeds.generator(self.seed, "batches", str(self.epoch))
        order = [int(row) for row in random.permutation(len(self.sources))]
        window = self.batch_size * WINDOW
        batches = []
        for start in range(0, len(order), window):
            run = sorted(order[start : start + window], key=lambda row: self.lengths[row])
            batches += self._fill(run)
        return (batches[int(index)] for index in random.permutation(len(batches)))

    def _fill(self, waiting: list[int]) -> list[list[int]]:
        batches = []
        while waiting:
            batch: list[int] = []
            seen: set[str] = set()
            put_off: list[int] = []
            for row in waiting:
                if len(batch) == self.batch_size or self.sources[row] in seen:
                    put_off.append(row)
                else:
                    seen.add(self.sources[row])
                    batch.append(row)
            waiting = put_off
            batches.append(batch)
        return batches

    def __len__(self) -> int:
        return sum(1 for _ in iter(self))
