"""reStructuredText, AsciiDoc, and the dialects of Markdown that sites are written in."""

import re
import time
from pathlib import Path

import pytest

from stages.lib.errors import UserError
from stages.lib.sources.formats.section import Section
from stages.lib.sources.formats.table import read_sections

RST = """\
.. _top:

:orphan:

Install the agent
=================

Intro with :ref:`the guide <guide>`, :py:func:`~bosun.run` and |prod|.

.. |prod| replace:: Bosun

.. toctree::
   :maxdepth: 2

   usage

.. note:: Keep *this*.

.. versionadded:: 3.5
   New option.

Linux
-----

.. code-block:: python
   :linenos:

   run(
       1,
   )

.. tab-set::

   .. tab-item:: Debian

      Use apt.

.. py:function:: open(path)

   Opens it.

=====  =====
Key    Use
=====  =====
A      B
=====  =====

Term
   Its meaning. [#f]_

.. [#f] A footnote.
.. _example: https://example.org
"""


def read(tmp_path: Path, name: str, text: str) -> list[Section]:
    (tmp_path / name).write_text(text)
    return read_sections(tmp_path / name)


def test_restructured_text_keeps_what_docutils_alone_does_not_know(tmp_path: Path) -> None:
    sections = read(tmp_path, "a.rst", RST)
    assert sections == [
        Section(
            ("Install the agent",),
            "Intro with the guide, run and Bosun.\n\nKeep this.\n\nNew option.",
        ),
        Section(
            ("Install the agent", "Linux"),
            "run(\n    1,\n)\n\nDebian\n\nUse apt.\n\nopen(path)\n\nOpens it.\n\nKey Use\n\nA B\n\n"
            "Term\n\nIts meaning.\n\nA footnote.",
        ),
    ]
    assert [section.anchors for section in sections] == [
        ((0, "install-the-agent"),),
        ((0, "linux"),),
    ]


def test_restructured_text_brings_in_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    for text in (
        "Open.\n\n.. include:: secret.txt\n",
        "Open.\n\n.. csv-table::\n   :file: secret.txt\n",
        "Open.\n\n.. raw:: html\n   :file: secret.txt\n",
        "Open. |day|\n\n.. |day| date:: %Y\n",
    ):
        told = " ".join(section.text for section in read(tmp_path, "a.rst", text))
        assert "Open." in told
        assert "secret" not in told.replace("secret.txt", "")
        assert "20" not in told


@pytest.mark.parametrize("piece", ["*a ", "`a ", "|a ", "a_ ", ":x:`", "- ", "* a\n", "=\na\n=\n"])
def test_no_restructured_text_takes_long(tmp_path: Path, piece: str) -> None:
    begin = time.process_time()
    try:
        read(tmp_path, "a.rst", piece * (15_000 // (1 + piece.count("\n"))))
    except UserError as error:  # nested deeper than the parser goes
        assert re.search("recursion|no text in it", str(error))
    assert time.process_time() - begin < 10
    with pytest.raises(UserError, match=r"more than 500,000 characters or 15,000 lines"):
        read(tmp_path, "a.rst", "line\n" * 15_001)


ASCIIDOC = """\
= Install the agent
Ann Author <ann@example.org>
:prod: Bosun
:toc:

Intro with *bold* text, `code` and link:http://example.org[the guide] for {prod}.
Second line.

NOTE: Keep this.

[[linux]]
== Linux

.Listing
[source,bash]
----
apt install \\
  bosun
----

* one
** two

|===
|Key |Use
|===

////
gone
////

ifdef::x[]
=== Debian

See <<linux,the part above>> and xref:a.adoc#x[other].

====
An example. +
====
"""


def test_asciidoc_is_read_by_its_headings(tmp_path: Path) -> None:
    sections = read(tmp_path, "a.adoc", ASCIIDOC)
    assert sections == [
        Section(
            ("Install the agent",),
            "Intro with bold text, code and the guide for Bosun. Second line.\n\nKeep this.",
        ),
        Section(
            ("Install the agent", "Linux"),
            "Listing\n\napt install \\\n  bosun\n\none\n\ntwo\n\nKey Use",
        ),
        Section(
            ("Install the agent", "Linux", "Debian"),
            "See the part above and other.\n\nAn example.",
        ),
    ]
    assert sections[1].anchors == ((0, "linux"),)


PIECES = ("*a ", "link:a", "<<a,", "((a", "{a}", "|9", "[[", ":a: ", "kbd:[", "a\n", "= a\n", "1.")


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("end", ["", "\n"])
def test_no_asciidoc_takes_time_squared(tmp_path: Path, piece: str, end: str) -> None:
    begin = time.process_time()
    read(tmp_path, "a.adoc", ("= T\n\n:a: " + "b" * 9000 + "\n\nx" + piece * 50_000 + end + "x"))
    assert time.process_time() - begin < 10


@pytest.mark.parametrize(
    "text",
    [
        "> [!NOTE]\n> Keep *this*.",
        "!!! note\n    Keep this.",
        "!!! note\n\n    Keep this.",
        "??? tip\n    Keep this.",
        ":::note\n\nKeep this.\n\n:::",
        "::: warning\nKeep this.\n:::",
        ":::{note}\nKeep this.\n:::",
        "```{warning}\n:class: x\nKeep *this*.\n```",
        '---\n{"a": 1}\n---\nKeep this.',
        '{\n  "title": "A",\n  "draft": true\n}\nKeep this.',
        "- [One](#one)\n- [Two](#two)\n\nKeep this.\n\n[Back to top](#a)",
        "[TOC]\n\nKeep this.".replace("[TOC]", "<nav>One</nav>"),
    ],
)
def test_markers_and_contents_are_no_text(tmp_path: Path, text: str) -> None:
    assert [section.text for section in read(tmp_path, "a.md", text)] == ["Keep this."]


def test_titles_of_admonitions_stay_where_they_say_something(tmp_path: Path) -> None:
    for text in (
        '!!! note "On Linux"\n    Keep.',
        ":::tip[On Linux]\nKeep.\n:::",
        ":::tip On Linux\nKeep.\n:::",
    ):
        assert read(tmp_path, "a.md", text) == [Section(("a",), "On Linux\n\nKeep.")]


def test_containers_in_code_are_code(tmp_path: Path) -> None:
    text = "```\n:::note\nimport x from y\n```\n\n~~~{code-block} python\nx = 1\n~~~"
    assert read(tmp_path, "a.mdx", text)[0].text == ":::note\nimport x from y\n\nx = 1"


def test_javascript_of_mdx_is_no_text(tmp_path: Path) -> None:
    text = (
        "import Tabs from '@theme/Tabs';\nexport const x = 1;\n\n# A\n\n<Tabs>\n\nKeep.\n\n</Tabs>"
    )
    assert read(tmp_path, "a.mdx", text) == [Section(("A",), "Keep.")]


def test_footnotes_stay(tmp_path: Path) -> None:
    text = "A claim.[^1]\n\n[^1]: Its proof."
    assert read(tmp_path, "a.md", text) == [Section(("a",), "A claim.\n\nIts proof.")]


def test_headings_have_the_anchors_of_sites(tmp_path: Path) -> None:
    sections = read(tmp_path, "a.md", "# A\n\n## Set up, now!\n\nx\n\n## B\n\n## Set up, now!\n\ny")
    assert [section.anchors[0][1] for section in sections] == ["set-up-now", "set-up-now-1"]
