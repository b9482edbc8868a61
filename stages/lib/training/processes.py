"""Several processes that train together, one a GPU."""

import os
import sys

import torch

from stages.lib.errors import UserError


def launch(module: str, count: int | None, batch_size: int, key: str = "train.batch_size") -> None:
    """Starts the command anew under torchrun, unless one process on one device is wanted.

    Does not return if it does so. Each process takes its part of every batch.

    Args:
        module: the stage, which gets this process's arguments.
        count: how many processes; None for as many as there are GPUs.
        batch_size: has to be shared evenly,
        key: and is this parameter.

    Raises:
        UserError: the batch cannot be shared.

    """
    gpus = torch.cuda.device_count()
    wanted = count or max(1, gpus)
    # with several GPUs in sight, a lone process would be spread over them by the trainer
    if "WORLD_SIZE" in os.environ or (wanted == 1 and gpus <= 1):
        return
    if batch_size % wanted:
        raise UserError(
            f"params.yaml: {key}: {batch_size} cannot be shared by {wanted} processes; "
            "change it, or set EMBEDSMITH_PROCESSES"
        )
    threads = str(max(1, (os.cpu_count() or 1) // wanted))
    runner = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(wanted)]
    command = [sys.executable, "-m", *runner, "-m", module, *sys.argv[1:]]
    environment = {"OMP_NUM_THREADS": threads} | os.environ
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own arguments, no shell


def processes() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process is the one that writes, of those that train together."""
    return os.environ.get("RANK", "0") == "0"
