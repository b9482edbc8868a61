import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.preparing import prepare

GUIDE = """\
# Guide

Read this first.

## Install

Take the disk. Put it in.

### Linux

{linux}

## Use

Use it daily. Use it well.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "how to").mkdir(parents=True)
    (folder / "how to" / "guide.md").write_text(GUIDE.format(linux="Run the script."))
    (folder / "notes.txt").write_text("Keep a copy. Keep another.\n")
    (folder / "page.HTML").write_text("<title>Page</title><p>Bonjour à tous", encoding="utf-8")
    (folder / "logo.png").write_bytes(b"\x89PNG")
    (folder / ".git").mkdir()
    (folder / ".git" / "config.txt").write_text("hidden")
    return folder


def run(folder: Path, **changes: Any) -> Result:
    return prepare(folder.parent, source="documents", path=str(folder), **changes)


def corpus(folder: Path) -> dict[str, tuple[str, str]]:
    lines = (folder.parent / "collection/corpus.jsonl").read_text().splitlines()
    return {row["_id"]: (row["title"], row["text"]) for row in map(json.loads, lines)}


def metrics(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder.parent / "prepare.json").read_text())
    return loaded


def test_files_become_titled_chunks(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert sorted(corpus(folder).values()) == [
        ("Guide", "Read this first."),
        ("Guide > Install", "Take the disk. Put it in."),
        ("Guide > Install > Linux", "Run the script."),
        ("Guide > Use", "Use it daily. Use it well."),
        ("Page", "Bonjour à tous"),
        ("notes", "Keep a copy. Keep another."),
    ]
    assert sorted(each.rsplit(":", 1)[0] for each in corpus(folder)) == [
        *["how_to/guide.md"] * 4,
        "notes.txt",
        "page.HTML",
    ]
    found = metrics(folder)
    assert (found["files"], found["ignored_files"], found["unreadable_files"]) == (3, 1, 0)
    assert (found["documents"], found["long_documents"], found["test"]["queries"]) == (6, 0, 0)


def test_an_edit_changes_only_the_chunks_that_it_touches(folder: Path) -> None:
    run(folder)
    before = corpus(folder)
    (folder / "how to" / "guide.md").write_text(GUIDE.format(linux="Run the installer."))
    (folder / "another.txt").write_text("New.")
    run(folder)
    after = corpus(folder)
    assert sorted(after[each] for each in after.keys() - before.keys()) == [
        ("Guide > Install > Linux", "Run the installer."),
        ("another", "New."),
    ]
    assert [before[each] for each in before.keys() - after.keys()] == [
        ("Guide > Install > Linux", "Run the script.")
    ]


def test_the_same_text_twice_in_a_file_is_two_documents(folder: Path) -> None:
    (folder / "notes.md").write_text("# A\n\n## B\n\nsame\n\n## C\n\nsame\n\n## B\n\nsame\n")
    assert run(folder).exit_code == 0
    assert list(corpus(folder).values()).count(("A > B", "same")) == 2
    assert list(corpus(folder).values()).count(("A > C", "same")) == 1
    assert metrics(folder)["repeated_documents"] == 1


def test_chunks_fit_the_model(folder: Path) -> None:
    (folder / "long.txt").write_text("\n".join(f"Line {n} of a long list." for n in range(300)))
    result = run(
        folder, chunk_tokens=32, chunk_overlap=8, max_length=32, prefix="a passage of the manual: "
    )
    assert result.exit_code == 0, result.output
    assert metrics(folder)["long_documents"] == 0
    texts = [text for title, text in corpus(folder).values() if title == "long"]
    assert len(texts) > 50
    assert all(any(f"Line {n} " in text for text in texts) for n in range(300))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("bad.txt", b"a\n\xff", "bad.txt:2: not UTF-8"),
        ("bad.pdf", b"%PDF-1.7 oops", "bad.pdf: unreadable PDF"),
        ("bad.docx", b"PK", "bad.docx: unreadable DOCX"),
    ],
)
def test_a_file_that_cannot_be_read_stops_or_is_counted(
    folder: Path, name: str, data: bytes, message: str
) -> None:
    (folder / name).write_bytes(data)
    result = run(folder)
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert message in result.output
    assert result.output.endswith("or set prepare.unreadable_files to skip\n")
    assert not (folder.parent / "collection").exists()
    assert run(folder, unreadable_files="skip").exit_code == 0
    assert metrics(folder)["unreadable_files"] == 1
    assert len(corpus(folder)) == 6


def test_a_folder_without_a_usable_file(folder: Path) -> None:
    for path in (folder / "how to" / "guide.md", folder / "notes.txt", folder / "page.HTML"):
        path.unlink()
    message = run(folder).output
    assert "docs: no usable file among 1; usable are .docx, .htm, .html, .markdown" in message
    (folder / "blank.txt").write_text("\n")
    assert "the corpus is empty" in run(folder).output
    assert "is not a folder" in run(folder / "nowhere").output


def test_chunks_longer_than_the_model_takes_are_refused(folder: Path) -> None:
    message = run(folder, chunk_tokens=300).output
    assert "prepare.chunk_tokens: 300 is more than encoder.max_length (256)" in message
    message = run(folder, chunk_tokens=64, chunk_overlap=40).output
    assert "prepare: chunk_overlap must not exceed half of chunk_tokens\n" in message
