"""Where Vespa's own code refuses a package, so does the stand-in: here both are asked."""

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.vespa.judge import Judge
from tests.vespa.judge import Refused as RefusedByVespa
from tests.vespa.standin.change import check_change
from tests.vespa.standin.package import Package, Refused, read_package
from tests.vespa.workspace import Workspace, check

SEMANTIC = "schemas/doc/semantic_*.profile"
HYBRID = "schemas/doc/hybrid_*.profile"
SCHEMA = "schemas/doc.sd"
SERVICES = "services.xml"
PROFILE = "search/query-profiles/hybrid_*.xml"
INPUT = "query(q) tensor<float>(x[16])"
FIELD = "tensor<bfloat16>(x[16])"

BROKEN = {
    SEMANTIC: [
        ("rank-profile", "# found by cosine\nrank-profile"),
        ("rank-profile", "\nrank-profile"),
        ("rank-profile semantic_", "rank-profile other_"),
        ("rank-profile semantic_", "rank-profile sem-antic_"),
        ("bm25(contents).k1: 1.2", "bm25(contents).k1: "),
        ("attribute(embedding", "attribute(other"),
        (INPUT, "query(q) tensor<float>(x[15])"),
        (INPUT, "query(q) tensor<float>(y[16])"),
        (INPUT, "query(p) tensor<float>(x[16])"),
        ("first-phase {", "first-fase {"),
        ("  }\n}", "  }\n"),
    ],
    HYBRID: [
        ("inherits semantic_", "inherits semantics_"),
        ("rerank-count: 400", "rerank-count: many"),
        ("expression: 0.8 *", "expression: 0,8 *"),
        ("expression: 0.8 *", "expression: 0.8 * ("),
    ],
    SCHEMA: [
        ("schema doc {", "schema dok {"),
        ("document doc {", "document dok {"),
        ("document doc {", "document doc {{"),
        ("stemming: best", "stemming: worst"),
        ("distance-metric: prenormalized-angular", "distance-metric: cosine"),
        ("max-links-per-node: 16", "max-links-per-node: few"),
        ("enable-bm25", "enable-bm52"),
        (FIELD, "tensor<bfloat17>(x[16])"),
        (FIELD, "tensor<bfloat16>(x{})"),
        (FIELD, "tensor<bfloat16>(x[0])"),
        ("embed emb_", "embed other_"),
        ("indexing: index | summary", "indexing: indx | summary"),
        ("(input text ||", "(input txt ||"),
        ("field doc_id type string", "field doc-id type string"),
        ("field title type string", "field doc_id type string"),
        ("field title type string", "field title type strin"),
        ("summary doc_id {}", "summary doc_ids {}"),
        ("bm25(contents).k1: 1.2", "bm25(contents).k1: "),
        ("rank-profile bm25 {", "rank-profile bm25 inherits nobody {"),
        ("schema doc {", "schema doc {\n  rank-profile a {\n  }\n  rank-profile a {\n  }\n"),
    ],
    SERVICES: [
        ("<search/>", "<serch/>"),
        ('type="hugging-face-embedder"', 'type="hugging-embedder"'),
        ("<max-tokens>", "<max-token>5</max-token><max-tokens>"),
        ("<max-tokens>64", "<max-tokens>many"),
        ("<pooling-strategy>mean", "<pooling-strategy>max"),
        ("<normalize>true", "<normalize>perhaps"),
        ('<component id="emb_', '<component id="em b_'),
        ('<component id="emb_', '<component id="emb-'),
        ("/model.onnx", "/other.onnx"),
        ("/tokenizer.json", "/other.json"),
        ('mode="index"', 'mode="indexed"'),
        ('document type="doc"', 'document type="dok"'),
        ('cluster="default"', 'cluster="other"'),
        ("<min-redundancy>1", "<min-redundancy>0"),
        ("<min-redundancy>1", "<min-redundancy>one"),
        ('<content id="content"', '<content id="con tent"'),
        ("<container ", '<container x="1" '),
        ("  </container>", '    <nodes count="0"/>\n  </container>'),
        ("</services>", "</service>"),
    ],
    PROFILE: [
        ('inherits="base"', 'inherits="bass"'),
        ('<query-profile id="hybrid', '<query-profile id="hybird'),
        ("</query-profile>", "</query-profil>"),
    ],
    "search/query-profiles/default.xml": [('inherits="hybrid', 'inherits="hybird')],
}
CASES = [(name, *change) for name, changes in BROKEN.items() for change in changes]


@pytest.fixture(scope="module")
def whole(original: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a package that nothing is wrong with."""
    folder = tmp_path_factory.mktemp("whole") / "workspace"
    workspace = Workspace(Path(shutil.copytree(original.folder, folder)))
    check(workspace.package())
    return workspace


@pytest.fixture
def changed(whole: Workspace, tmp_path: Path, name: str, before: str, after: str) -> Path:
    """The package with a text of a file changed."""
    folder = Path(shutil.copytree(whole.application, tmp_path / "package"))
    (path,) = folder.glob(name)
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return folder


def read(folder: Path) -> Package:
    """A package's folder as it is sent."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            archive.write(path, path.relative_to(folder))
    return read_package(body.getvalue())


def test_both_take_the_whole_package(whole: Workspace, judge: Judge) -> None:
    assert judge.package(whole.application) == []
    assert read(whole.application).ranks


@pytest.mark.parametrize(("name", "before", "after"), CASES)
def test_the_standin_refuses_what_is_broken(changed: Path) -> None:
    with pytest.raises(Refused):
        read(changed)


@pytest.mark.parametrize(("name", "before", "after"), CASES)
def test_vespa_refuses_what_is_broken(changed: Path, judge: Judge) -> None:
    with pytest.raises(RefusedByVespa):
        judge.package(changed)


@pytest.mark.parametrize(
    ("name", "before", "after", "override"),
    [
        (SCHEMA, "stemming: best", "stemming: none", "indexing-change"),
        (SCHEMA, "max-links-per-node: 16", "max-links-per-node: 24", "hnsw-settings-change"),
        (SCHEMA, FIELD, "tensor<float>(x[16])", "field-type-change"),
    ],
)
def test_both_refuse_a_change_that_needs_an_override(
    whole: Workspace, changed: Path, judge: Judge, override: str
) -> None:
    with pytest.raises(RefusedByVespa, match=f">{override}</allow>"):
        judge.changes([whole.application, changed])
    with pytest.raises(Refused, match=f">{override}</allow>"):
        check_change(read(whole.application), read(changed))
