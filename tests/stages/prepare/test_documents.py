import json
import os
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


def test_a_prefix_that_fills_a_chunk_is_named(folder: Path) -> None:
    result = run(folder, chunk_tokens=32, chunk_overlap=8, max_length=32, prefix="a " * 25)
    assert result.exit_code == 1
    assert "prepare.chunk_tokens: 32 leaves no room for text beside the 25 tokens" in result.output
    result = run(folder, chunk_tokens=32, chunk_overlap=16, max_length=32, prefix="a " * 20)
    assert result.exit_code == 0, result.output


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
    assert "docs: no usable file; 1 of 1 files are left out: .png 1 (no reader);" in message
    assert "; usable are .adoc, .asciidoc, .docx, .epub, .htm, " in message
    (folder / "blank.txt").write_text("\n")
    assert "blank.txt: no text in it" in run(folder).output
    message = run(folder, unreadable_files="skip").output
    assert "docs: no usable file; 2 of 2 files" in message
    assert "is not a folder" in run(folder / "nowhere").output


def test_chunks_longer_than_the_model_takes_are_refused(folder: Path) -> None:
    message = run(folder, chunk_tokens=300).output
    assert "prepare.chunk_tokens: 300 is more than encoder.max_length (256)" in message
    message = run(folder, chunk_tokens=64, chunk_overlap=40).output
    assert "prepare: chunk_overlap must not exceed half of chunk_tokens\n" in message


def test_what_is_left_out_is_told_by_extension(folder: Path) -> None:
    result = run(folder)
    assert result.stderr == "Warning: 1 of 4 files are left out: .png 1 (no reader)\n"
    for number in range(20):
        (folder / f"n{number}.txt").write_text(f"Note {number}: {'word ' * 20}")
    (folder / "empty.md").write_text("---\ntitle: Nothing\n---\n")
    assert "empty.md: no text in it" in run(folder).output
    result = run(folder, unreadable_files="skip")
    assert result.stderr == "2 of 25 files are left out: .png 1 (no reader); .md 1 (unreadable)\n"
    (folder / "large.tex").write_text("word\n" * 1000)
    result = run(folder, unreadable_files="skip")
    assert result.stderr.startswith("Warning: 3 of 26 files are left out: .png 1, .tex 1 (no rea")


def test_links_are_counted_and_not_followed(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("Not of this folder.")
    (folder / "manuals").symlink_to(outside)
    (folder / "one.txt").symlink_to(outside / "secret.txt")
    (folder / "gone.txt").symlink_to(outside / "nothing")
    (folder / "loop").symlink_to(folder)
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert metrics(folder)["linked_files"] == 4
    assert "(links, not followed)" in result.stderr
    assert len(corpus(folder)) == 6


def test_patterns_choose_the_files(folder: Path) -> None:
    result = run(folder, include=["*.md", "*.txt"], exclude=["how to/*"])
    assert result.exit_code == 0, result.output
    assert sorted(corpus(folder).values()) == [("notes", "Keep a copy. Keep another.")]
    assert result.stderr == ("3 of 4 files are left out: .html 1, .md 1, .png 1 (excluded)\n")
    assert metrics(folder)["excluded_files"] == 3


def test_names_that_are_no_text_stay_apart(folder: Path) -> None:
    for byte in (b"\xe9", b"\xe8"):
        Path(os.fsdecode(os.fsencode(folder) + b"/caf" + byte + b".txt")).write_text("Open.")
    (folder / "e\u0301.txt").write_text("Same.")
    (folder / "\u00e9.txt").write_text("Same.")
    assert run(folder).exit_code == 0
    assert len(corpus(folder)) == 10
    assert metrics(folder)["duplicate_ids"] == 0


def test_characters_are_cleaned_where_they_are_read(folder: Path) -> None:
    (folder / "notes.txt").write_text("Con\ufb01gure\x07 the Ku\u0308che.\x0cDaten\u00adsicherung.")
    assert run(folder).exit_code == 0
    text = "Configure the K\u00fcche.\nDatensicherung."
    assert ("notes", text) in corpus(folder).values()


def test_files_that_say_the_same_are_told_and_may_be_dropped(folder: Path) -> None:
    text = " ".join(f"Step {number} takes {number * 7} minutes." for number in range(30))
    (folder / "steps.html").write_text(f"<h1>Steps</h1><p>{text}</p>")
    (folder / "_sources").mkdir()
    (folder / "_sources/steps.rst.txt").write_text(f"Steps\n=====\n\n{text}")
    result = run(folder)
    pair = "_sources/steps.rst.txt says nearly the same as steps.html"
    assert pair in result.stderr
    assert ", 1 files much like another" in result.stdout
    assert (metrics(folder)["similar_files"], metrics(folder)["documents"]) == (1, 8)
    assert run(folder, similar_files="drop").exit_code == 0
    assert (metrics(folder)["similar_files"], metrics(folder)["documents"]) == (1, 7)
    assert ("Steps", text) in corpus(folder).values()
    assert pair in run(folder, similar_files="error").output


def test_pages_of_links_are_left_out_and_counted(folder: Path) -> None:
    links = "".join(f"- [Page {number}](p{number}.md)\n" for number in range(9))
    (folder / "index.md").write_text(f"# Index\n\n{links}")
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert ".md 1 (nothing but links)" in result.stderr
    assert metrics(folder)["link_files"] == 1


def test_chunks_know_where_they_stand(folder: Path) -> None:
    (folder / "page.HTML").write_text("<h1>Page</h1><h2 id='set-up'>Set up</h2><p>Bonjour</p>")
    run(folder)
    lines = (folder.parent / "collection/corpus.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["metadata"]["source"] for line in lines) == [
        "how to/guide.md#guide",
        "how to/guide.md#install",
        "how to/guide.md#linux",
        "how to/guide.md#use",
        "notes.txt",
        "page.HTML#set-up",
    ]
