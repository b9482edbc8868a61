"""Batches of texts of like length, in which no document stands twice as a source.

Two queries of one document in a batch would make each other's positive a negative.
"""

from collections.abc import Iterator, Sequence

from sentence_transformers.base.sampler import DefaultBatchSampler

from stages.lib.core import seeds

WINDOW = 8
"""Batches that are filled from one shuffled run, so that their queries are of like length."""


class OneSourceABatch(DefaultBatchSampler):
    """Batches of row numbers, shuffled anew each epoch, without two rows of one source.

    Args:
        sources: the source document of each row.
        lengths: the length of each row's query.
        batch_size: rows a batch at most.
        seed: of the shuffling.
        drop_last: leaves out the rows that fill no batch, for processes that share batches.

    """

    def __init__(
        self,
        sources: Sequence[str],
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        *,
        drop_last: bool = False,
    ) -> None:
        super().__init__(sources, batch_size=batch_size, drop_last=drop_last)
        self.sources = sources
        self.lengths = lengths
        self.seed = seed

    def __iter__(self) -> Iterator[list[int]]:
        random = seeds.generator(self.seed, "batches", str(self.epoch))
        order = [int(row) for row in random.permutation(len(self.sources))]
        window = self.batch_size * WINDOW
        full: list[list[int]] = []
        short: list[list[int]] = []
        waiting: list[int] = []
        for start in range(0, len(order), window):
            waiting += order[start : start + window]
            waiting.sort(key=lambda row: self.lengths[row])
            filled, waiting = self._fill(waiting)
            full += filled
        while waiting:
            batch, waiting = self._take(waiting)
            short.append(batch)
        shuffled = [full[int(index)] for index in random.permutation(len(full))]
        return iter(shuffled if self.drop_last else shuffled + short)

    def _fill(self, waiting: list[int]) -> tuple[list[list[int]], list[int]]:
        """Full batches, and the rows that are left."""
        batches: list[list[int]] = []
        while True:
            batch, rest = self._take(waiting)
            if len(batch) < self.batch_size:
                return batches, waiting
            batches.append(batch)
            waiting = rest

    def _take(self, waiting: list[int]) -> tuple[list[int], list[int]]:
        """A batch without two rows of one source, and the rows that are left."""
        batch: list[int] = []
        seen: set[str] = set()
        rest: list[int] = []
        for row in waiting:
            if len(batch) == self.batch_size or self.sources[row] in seen:
                rest.append(row)
            else:
                seen.add(self.sources[row])
                batch.append(row)
        return batch, rest

    def __len__(self) -> int:
        return sum(1 for _ in iter(self))
