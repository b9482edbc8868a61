from pathlib import Path

import pytest
from click.testing import CliRunner

from stages.share.model import main
from tests.imports import ROOT


def test_a_folder_of_the_same_lock_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def assemble(_outputs: object, _params: object, folder: Path, _place: str, **_: bool) -> None:
        made.append(folder)
        (folder / "README.md").write_text("card")

    monkeypatch.setattr("stages.lib.publishing.outputs.assemble_outputs", assemble)
    lock, out = tmp_path / "dvc.lock", tmp_path / "embedder"
    lock.write_text("one")
    words = ["--out", str(out), "--params", str(ROOT / "params.yaml")]
    watched = [*words, "--unless-of", str(lock)]

    def run(arguments: list[str]) -> int:
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return len(made)

    assert [run(watched), run(watched)] == [1, 1]
    lock.write_text("two")
    assert [run(watched), run(watched)] == [2, 2]
    assert run(words) == 3, "asked for by itself, it is assembled"
    # and nobody knows of what
    assert run(watched) == 4
    (out / "README.md").unlink()
    out.rmdir()
    assert run(watched) == 5
