"""Batches in which no document stands twice as a source.

Two queries of one document in a batch would make each other's positive a negative.
"""

from collections.abc import Iterator, Sequence

from sentence_transformers.base.sampler import DefaultBatchSampler

from stages.lib import seeds


class OneQueryADocument(DefaultBatchSampler):
    """Batches of row numbers, shuffled anew each epoch, without two rows of one source.

    Args:
        sources: the source document of each row.
        batch_size: rows a batch at most.
        seed: of the shuffling.

    """

    def __init__(self, sources: Sequence[str], batch_size: int, seed: int) -> None:
        super().__init__(sources, batch_size=batch_size, drop_last=False)
        self.sources = sources
        self.seed = seed

    def __iter__(self) -> Iterator[list[int]]:
        order = seeds.generator(self.seed, "batches", str(self.epoch)).permutation(
            len(self.sources)
        )
        waiting = [int(row) for row in order]
        while waiting:
            batch: list[int] = []
            seen: set[str] = set()
            put_off: list[int] = []
            for position, row in enumerate(waiting):
                if len(batch) == self.batch_size:
                    put_off.extend(waiting[position:])
                    break
                if self.sources[row] in seen:
                    put_off.append(row)
                else:
                    seen.add(self.sources[row])
                    batch.append(row)
            waiting = put_off
            yield batch

    def __len__(self) -> int:
        return sum(1 for _ in iter(self))
