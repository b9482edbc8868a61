"""What users get wrong most, and the one line that each of them reads."""

from pathlib import Path

import pytest
from fpdf import FPDF
from pypdf import PdfWriter

from tests.llm.conftest import Project
from tests.llm.server import Server
from tests.preparing import prepare


def locked(path: Path) -> None:
    file = FPDF()
    file.set_font("helvetica", size=12)
    file.add_page()
    file.multi_cell(0, text="Closed.")
    file.output(str(path))
    writer = PdfWriter(clone_from=path)
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(path)


def broken(path: Path) -> None:
    path.write_text("Hello")


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200_000_000)


SKIP = "or set prepare.unreadable_files to skip"


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("a.pdf", locked, f"encrypted PDF; save it without its password; {SKIP}"),
        (
            "a.pdf",
            broken,
            f"unreadable PDF (Stream has ended unexpectedly); save or print it again; {SKIP}",
        ),
        ("a.txt", huge, f"200 MB, more than prepare.max_file_mb (50); split the file; {SKIP}"),
    ],
    ids=["encrypted", "unreadable", "huge"],
)
def test_a_file(tmp_path: Path, name: str, make: object, message: str) -> None:
    assert callable(make)
    (tmp_path / "docs").mkdir()
    path = tmp_path / "docs" / name
    make(path)
    result = prepare(tmp_path, source="documents", path=str(path.parent))
    assert (result.exit_code, result.output) == (1, f"Error: {path}: {message}\n")
    assert not (tmp_path / "collection").exists()


def test_a_folder_with_no_usable_file(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/logo.png").touch()
    result = prepare(tmp_path, source="documents", path=str(tmp_path / "docs"))
    left_out = "1 of 1 files are left out: .png 1 (no reader)"
    said = f"Error: {tmp_path / 'docs'}: no usable file; {left_out}; usable are .adoc, "
    assert result.output.startswith(said)
    assert result.output.count("\n") == 1
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "wrong_key",
            "{url} refuses the key (401): Incorrect API key provided: ***; check "
            "OPENAI_API_KEY, and what it may use and spend",
        ),
        (
            "no_model",
            "{url} knows no model 'gpt-4.1-mini' (404): no such model; check llm.model in "
            "params.yaml and OPENAI_BASE_URL, which usually ends in /v1",
        ),
        (
            "html",
            "{url} does not answer as an OpenAI-compatible endpoint does; check OPENAI_BASE_URL, "
            "which usually ends in /v1",
        ),
    ],
)
def test_an_endpoint_is_asked_once(
    server: Server, llm_project: Project, fault: str, message: str
) -> None:
    llm_project.must("rules")
    server.script = [fault] * 100
    assert llm_project.refused("generate") == "Error: " + message.format(url=server.url)
    assert server.stats["calls"] == 2
    assert "sk-secret" not in llm_project.run("generate").output
    assert not (llm_project.folder / "queries.jsonl").exists()


def test_a_budget_without_a_price(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDSMITH_BUDGET", "1")
    llm_project.changes["llm.model"] = "unheard-of"
    assert llm_project.refused("rules") == (
        "Error: prices.models: no entry for 'unheard-of', so that EMBEDSMITH_BUDGET cannot be "
        "kept; add its prices to params.yaml, or unset EMBEDSMITH_BUDGET"
    )
    assert server.stats["calls"] == 0
