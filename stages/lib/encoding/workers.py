"""Several processes that encode together, one a GPU.

The batches are those of a single process, so that what a vector stands beside, and with it its last
bits, does not depend on how many there are.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.queues import Queue
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer

from stages.lib.encoder_params import Encoder
from stages.lib.encoding.encoder import (
    Encode,
    Vectors,
    batches,
    embed_batch,
    encode_batches,
    load_encoder,
    token_ids,
)
from stages.lib.errors import UserError

_model: SentenceTransformer
"""A worker's own."""


@contextmanager
def encoding(
    model: SentenceTransformer, folder: Path, params: Encoder, processes: int | None
) -> Iterator[Encode]:
    """How to encode texts by a model: here, or by several processes until the end of the block.

    Args:
        model: what the folder holds, loaded here.
        folder: from where each process loads it again.
        params: how many tokens it is to see.
        processes: how many; None for as many as there are GPUs.

    Raises:
        UserError: a process was killed.

    """
    count = processes or max(1, torch.cuda.device_count())
    if count == 1:
        yield partial(encode_batches, model)
        return
    context = multiprocessing.get_context("spawn")
    ranks: Queue[int] = context.Queue()
    for rank in range(count):
        ranks.put(rank)
    try:
        with ProcessPoolExecutor(count, context, _start, (folder, params, ranks, count)) as pool:
            yield partial(_encode_together, pool, count, model)
    except BrokenProcessPool as error:
        raise UserError(
            f"{folder}: one of the {count} processes that encode was killed, perhaps because "
            "memory ran out; set EMBEDSMITH_PROCESSES to fewer"
        ) from error


def _encode_together(
    pool: ProcessPoolExecutor, workers: int, model: SentenceTransformer, texts: Sequence[str]
) -> Iterator[tuple[list[int], Vectors]]:
    ids = token_ids(model, texts) if texts else []
    split = batches([len(tokens) for tokens in ids])
    tokenised = ([ids[row] for row in batch] for batch in split)
    encoded: Iterator[Vectors]
    if len(split) <= workers:  # done here before the others have loaded the model
        encoded = map(partial(embed_batch, model.eval()), tokenised)
    else:
        encoded = pool.map(_embed, tokenised)
    yield from zip(split, encoded, strict=True)


def _start(folder: Path, params: Encoder, ranks: "Queue[int]", count: int) -> None:
    """Loads the model in a new process, onto a GPU of its own where there are any."""
    global _model
    # Ctrl-C reaches the first process, which ends the others once their batch is done
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // count))
    if torch.cuda.is_available():
        # before the model is loaded, or the first GPU would hold all of them for a moment
        torch.cuda.set_device(ranks.get() % torch.cuda.device_count())
    _model = load_encoder(folder, params).eval()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _embed(ids: Sequence[list[int]]) -> Vectors:
    return embed_batch(_model, ids)
