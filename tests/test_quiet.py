"""Stages call nobody, and stop in one line from their first moment."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.imports import ROOT
from tests.unrouted import tried, uncountable

SESSION = """
import stages.cli
from onnx import TensorProto, helper
from stages.lib.export.runtime import open_session
given, found = (helper.make_tensor_value_info(each, TensorProto.FLOAT, [1]) for each in "ab")
graph = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "g", [given], [found])
open_session(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9))
"""


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, where connections are counted."""
    reason = uncountable(tmp_path)
    if reason:
        pytest.skip(reason)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    return tmp_path


def test_prepare_calls_nobody(counted: Path, tiny_model: Path) -> None:
    arguments = ["--tokenizer", tiny_model / "tokenizer.json", "--out", counted / "collection"]
    arguments += ["--metrics", counted / "metrics.json", "--judgements", counted / "none"]
    command = [sys.executable, "-m", "stages.prepare", *map(str, arguments)]
    assert tried(counted, *command) == 0


def test_onnx_runtime_calls_nobody(counted: Path) -> None:
    assert tried(counted, sys.executable, "-c", SESSION) == 0
    assert not list(counted.rglob("*deviceid*"))


@pytest.mark.parametrize("seconds", [1, 3])
def test_ctrl_c_while_modules_are_imported_is_one_line(seconds: float) -> None:
    command = [sys.executable, "-m", "stages.train"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    if process.returncode == 2:
        pytest.skip("the import was over")
    assert process.returncode in (130, -signal.SIGINT)
    assert said in ("Stopped.\n", "")
