import hashlib
from pathlib import Path

from stages.lib.core.hashes import content_hash, file_hash, text_hash


def test_a_file_is_named_by_the_beginning_of_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 300_000)
    whole = hashlib.sha256(b"x" * 300_000).hexdigest()
    assert file_hash(tmp_path / "a") == whole
    assert file_hash(tmp_path / "a", 12) == whole[:12]


def test_a_folder_is_named_by_names_and_contents(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "a").write_text("same")
    before = content_hash(tmp_path / "one")
    assert content_hash(tmp_path / "two") == before
    # by hand: the name, then the hash of the content
    digest = hashlib.sha256(b"sub/a" + hashlib.sha256(b"same").digest())
    assert before == digest.hexdigest()[:16]
    (tmp_path / "two" / "sub" / "a").rename(tmp_path / "two" / "a")
    assert content_hash(tmp_path / "two") != before


def test_texts_do_not_run_together() -> None:
    assert text_hash("ab", "c") != text_hash("a", "bc")
    assert text_hash("ab", digits=4) == hashlib.sha256(b"ab").hexdigest()[:4]
