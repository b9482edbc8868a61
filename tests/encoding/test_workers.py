"""Several processes that encode together, on CPUs here."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stages.lib.encoding.encoder import encode_batches, load_encoder
from stages.lib.encoding.workers import encoding
from stages.lib.errors import UserError
from stages.lib.params import Params
from tests.imports import ROOT
from tests.tiny import WORDS

TEXTS = [" ".join(WORDS[int(digit)] for digit in str(n**3)) for n in range(4_000)]


def workers() -> list[int]:
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [
        int(one) for one in listed if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()
    ]


def test_two_processes_give_the_batches_of_one_until_they_are_killed(
    tiny_model: Path, params: Params
) -> None:
    settings = params.encoder.model_copy(update={"max_length": 16})
    model = load_encoder(tiny_model, settings)
    alone = list(encode_batches(model, TEXTS))
    assert len(alone) > 3
    with (
        pytest.raises(UserError, match="one of the 2 processes that encode was killed"),
        encoding(model, tiny_model, settings, processes=2) as encode,
    ):
        ((rows, few),) = encode(TEXTS[:9])
        assert workers() == [], "nobody is waited for where there is little to do"
        np.testing.assert_allclose(few, next(encode_batches(model, TEXTS[:9]))[1], atol=1e-6)
        assert sorted(rows) == list(range(9))
        together = list(encode(TEXTS))
        assert [rows for rows, _ in together] == [rows for rows, _ in alone]
        for (_, one), (_, other) in zip(together, alone, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
        assert list(encode([])) == []
        assert len(workers()) == 2
        os.kill(workers()[0], signal.SIGKILL)
        list(encode(TEXTS))
    assert workers() == []


SCRIPT = """
import sys, time
from pathlib import Path
from stages.lib.encoding.encoder import load_encoder
from stages.lib.encoding.workers import encoding
from stages.lib.params import read_params

if __name__ == "__main__":
    settings = read_params(Path("params.yaml")).encoder.model_copy(update={"max_length": 16})
    folder = Path(sys.argv[1])
    with encoding(load_encoder(folder, settings), folder, settings, 2) as encode:
        list(encode(["red apple"] * 5_000))
        print("encoded", flush=True)
        time.sleep(600)
"""


@pytest.mark.slow
def test_nobody_is_left_where_the_first_process_is_killed(tiny_model: Path, tmp_path: Path) -> None:
    script = tmp_path / "encodes.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(tiny_model)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"encoded\n"

    def running() -> list[str]:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == process.pid and fields[0] != "Z":
                found.append(stat.parent.name)
        return found

    assert len(running()) >= 3
    process.kill()
    process.wait()
    until = time.monotonic() + 60
    while running() and time.monotonic() < until:
        time.sleep(0.1)
    assert running() == []
