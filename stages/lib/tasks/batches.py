"""Batches of one task each, so that a batch's other documents are fair negatives."""

from collections.abc import Iterator, Sequence
from math import ceil

from sentence_transformers.base.sampler import DefaultBatchSampler

from stages.lib.core import seeds


class OneTaskABatch(DefaultBatchSampler):
    """Batches of row numbers, shuffled anew each epoch, whose rows are of one task.

    Args:
        tasks: the task of each row.
        batch_size: rows a batch at most.
        seed: of the shuffling.
        evenly: each task gets the mean number of batches an epoch: rows of a small one come again,
            some of a large one wait for another epoch. Else each row comes once.
        drop_last: leaves out the rows that fill no batch, for processes that share batches.

    """

    def __init__(
        self,
        tasks: Sequence[int],
        batch_size: int,
        seed: int,
        *,
        evenly: bool = False,
        drop_last: bool = False,
    ) -> None:
        super().__init__(tasks, batch_size=batch_size, drop_last=drop_last)
        self.seed = seed
        self._evenly = evenly
        self._rows: dict[int, list[int]] = {}
        for row, task in enumerate(tasks):
            self._rows.setdefault(task, []).append(row)

    def __iter__(self) -> Iterator[list[int]]:
        batches: list[list[int]] = []
        for task, rows in sorted(self._rows.items()):
            wanted = len(self) // len(self._rows) * self.batch_size if self._evenly else len(rows)
            order: list[int] = []
            while len(order) < wanted:
                scope = str(self.epoch), str(task), str(len(order))
                random = seeds.generator(self.seed, "task", *scope)
                order += [rows[int(at)] for at in random.permutation(len(rows))]
            parts = range(0, wanted, self.batch_size)
            batches += [order[:wanted][start : start + self.batch_size] for start in parts]
        if self.drop_last:
            batches = [batch for batch in batches if len(batch) == self.batch_size]
        random = seeds.generator(self.seed, "batches", str(self.epoch))
        return iter([batches[int(at)] for at in random.permutation(len(batches))])

    def __len__(self) -> int:
        counts = [
            len(rows) // self.batch_size if self.drop_last else ceil(len(rows) / self.batch_size)
            for rows in self._rows.values()
        ]
        if not self._evenly:
            return sum(counts)
        return ceil(sum(counts) / len(counts)) * len(counts)
