import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.collection import Document
from stages.lib.core.files import read_jsonl
from stages.lib.core.hashes import content_hash
from stages.lib.errors import UserError
from stages.lib.vespa.package.application import read_application
from stages.lib.vespa.package.feed import doc_id_of, document_row, floats, hexadecimal
from tests.vespa.project import ROOT, TEXTS, Project, check, parse, write_texts


def component(project: Project) -> Any:
    root = parse(project.application / "services.xml")
    (found,) = root.findall("container/component")
    return found


def mend(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_package_holds_model_schema_and_profiles_named_by_the_models_hash(
    project: Project,
) -> None:
    check(project.package())
    application = read_application(project.application)
    (served,) = application.models
    model = served.query.hash
    found = component(project)
    assert found.get("id") == f"emb_{model}"
    assert found.find("transformer-model").get("path") == f"models/{model}/model.onnx"
    assert found.find("transformer-token-type-ids").text is None
    assert found.find("prepend") is None
    packed = project.application / "models" / model / "model.onnx"
    assert packed.read_bytes() == (project.folder / "onnx" / "fp32" / "model.onnx").read_bytes()
    schema = (project.application / "schemas" / "doc.sd").read_text()
    assert f"field embedding_{model}_bfloat16 type tensor<bfloat16>(x[16])" in schema
    assert f"| trim | embed emb_{model} | attribute | index" in schema
    assert "bm25(contents).k1: 1.2" in schema
    profiles = project.application / "search" / "query-profiles"
    default = parse(profiles / "default.xml")
    assert default.get("inherits") == f"hybrid_{application.live}"
    semantic = parse(profiles / f"semantic_{application.live}.xml")
    fields = {each.get("name"): each.text for each in semantic}
    # a query profile must use the full names; input.query(q) would be ignored
    assert fields["ranking.features.query(q)"] == f"embed(emb_{model}, @query)"


def test_each_query_profile_names_a_rank_profile_that_exists(project: Project) -> None:
    check(project.package())
    schemas = project.application / "schemas"
    ranks = {"bm25", *(each.stem for each in (schemas / "doc").iterdir())}
    for path in schemas.glob("doc/*.profile"):
        assert f"rank-profile {path.stem} " in path.read_text()
    for path in (project.application / "search" / "query-profiles").iterdir():
        root = parse(path)
        assert root.get("id") == path.stem
        named = [each.text for each in root if each.get("name") == "ranking.profile"]
        assert set(named) <= ranks


def test_prefix_keeps_its_trailing_space_and_is_escaped(project: Project) -> None:
    project.write_model(seed=1, query="find <&> ", document="passage: ")
    check(project.package())
    found = component(project)
    assert found.find("prepend/query").text == "find <&> "
    assert found.find("prepend/document").text == "passage: "


def test_same_inputs_give_the_same_bytes_and_another_model_other_names(project: Project) -> None:
    check(project.package())
    first = content_hash(project.folder / "package")
    before = read_application(project.application).live
    check(project.package())
    assert content_hash(project.folder / "package") == first
    mend(project.folder / "onnx" / "fp32" / "embedder.json", query_prefix="query: ")
    check(project.package())
    assert read_application(project.application).live != before


def test_feed_has_each_document_once(project: Project) -> None:
    check(project.package())
    rows = [row for _, row in read_jsonl(project.folder / "package" / "feed.jsonl")]
    assert [doc_id_of(row["update"]) for row in rows] == sorted(TEXTS)
    assert all(row["create"] for row in rows)
    found = next(row for row in rows if row["update"] == "id:embedsmith:doc::b#2")
    assert found["fields"]["title"] == {"assign": "Agents & <proxies>"}


def test_fed_vectors_lie_in_the_document_and_in_a_feed_of_their_own(project: Project) -> None:
    project.set("package", vectors="fed")
    check(project.package())
    (served,) = read_application(project.application).models
    schema = (project.application / "schemas" / "doc.sd").read_text()
    document = schema[: schema.index("field contents")]
    assert f"    field {served.field} type tensor<bfloat16>(x[16])" in document
    rows = [row for _, row in read_jsonl(project.folder / "package" / "vectors.jsonl")]
    doc_ids = json.loads((project.folder / "vectors" / "doc_ids.json").read_text())
    assert [doc_id_of(row["update"]) for row in rows] == doc_ids
    stored = [floats(row["fields"][served.field]["assign"]["values"], "bfloat16") for row in rows]
    np.testing.assert_allclose(stored, project.vectors(), rtol=2**-8)


def test_tuned_query_tower_leaves_the_field_its_name(project: Project) -> None:
    onnx_folder = project.folder / "onnx"
    one = project.folder / "one"
    onnx_folder.rename(one)
    fields, labels = set(), set()
    for prefix in ("query: ", "ask: "):
        for side in ("query", "document"):
            target = onnx_folder / side
            target.mkdir(parents=True, exist_ok=True)
            for name in ("fp32/model.onnx", "fp32/tokenizer.json", "fp32/embedder.json"):
                (target / name).parent.mkdir(exist_ok=True)
                (target / name).write_bytes((one / name).read_bytes())
        mend(onnx_folder / "query" / "fp32" / "embedder.json", query_prefix=prefix)
        check(project.package())
        (served,) = read_application(project.application).models
        fields.add(served.field)
        labels.add(served.label)
        services = (project.application / "services.xml").read_text()
        assert len(re.findall('type="hugging-face-embedder"', services)) == 2
        schema = (project.application / "schemas" / "doc.sd").read_text()
        assert f"embed emb_{served.document.hash} |" in schema
    assert len(fields) == 1
    assert len(labels) == 2


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [("cloud", '<nodes count="2"'), ("cloud-gpu", '<gpu count="1"'), ("local", "<search")],
)
def test_nodes_by_place(project: Project, nodes: str, expected: str) -> None:
    project.set("package", nodes=nodes)
    check(project.package())
    services = (project.application / "services.xml").read_text()
    assert expected in services
    assert ("<nodes" in services) == (nodes != "local")


def refused(project: Project, message: str) -> None:
    result = project.package()
    assert result.exit_code == 1
    assert re.search(message, result.output), result.output
    assert "Traceback" not in result.output
    assert not (project.folder / "package").exists()
    assert not (project.folder / "metrics").exists()


def test_rank_profile_with_a_comment_before_it_is_refused(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = Path(shutil.copytree(ROOT / "application-package", tmp_path / "application-package"))
    path = edited / "schemas" / "rrf.profile"
    path.write_text("# by ranks alone\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr("tests.vespa.project.ROOT", tmp_path)
    refused(project, "rrf.profile: rank-profile comes first, comments after it")


def test_dimension_that_is_not_the_graphs_is_refused(project: Project) -> None:
    mend(project.folder / "onnx" / "fp32" / "embedder.json", dimension=8)
    refused(project, "has 16 dimensions, but its settings say 8")


def test_vectors_of_another_dimension_are_refused(project: Project) -> None:
    np.save(project.folder / "vectors" / "vectors.npy", np.ones((len(TEXTS), 8), np.float32))
    refused(project, "vectors of 8 dimensions, but .*onnx gives 16; run dvc repro export")


def test_vectors_of_another_corpus_are_refused(project: Project) -> None:
    write_texts(project, dict(list(TEXTS.items())[:3]))
    refused(project, "vectors of another corpus; run dvc repro")


def test_truncation_in_the_tokenizer_is_refused(project: Project) -> None:
    truncation = {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    mend(project.folder / "onnx" / "fp32" / "tokenizer.json", truncation=truncation)
    refused(project, "truncates at 8 tokens, which in Vespa wins over the 64")


def test_unknown_inputs_are_refused(project: Project) -> None:
    path = project.folder / "onnx" / "fp32" / "model.onnx"
    model = onnx.load(path)
    model.graph.input[0].name = "tokens"
    onnx.save(model, path)
    refused(project, "takes attention_mask, tokens; Vespa gives input_ids")


def test_pooling_that_does_not_fit_the_output_is_refused(project: Project) -> None:
    mend(project.folder / "onnx" / "fp32" / "embedder.json", pooling="none")
    refused(project, "last_hidden_state has 3 axes, but pooling 'none' needs 2")


def test_settings_that_say_otherwise_than_the_graph_are_refused(project: Project) -> None:
    settings = project.folder / "onnx" / "fp32" / "embedder.json"
    mend(settings, token_type_ids=True)
    refused(project, "its settings say token_type_ids True, the graph says otherwise")
    mend(settings, token_type_ids=False, output="pooled")
    refused(project, "gives last_hidden_state, but its settings say pooled; run dvc repro export")


def test_settings_are_checked_key_by_key(project: Project) -> None:
    settings = project.folder / "onnx" / "fp32" / "embedder.json"
    mend(settings, pooling="max")
    refused(project, "embedder.json: pooling: Input should be 'mean', 'cls' or 'none'; run dvc")
    mend(settings, pooling="mean", tokens=64)
    refused(project, "embedder.json: tokens: Extra inputs are not permitted; run dvc repro export")


def test_weights_beside_the_graph_are_refused(project: Project) -> None:
    path = project.folder / "onnx" / "fp32" / "model.onnx"
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    refused(project, "keeps weights in a file beside it")


def test_file_above_two_gigabytes_is_refused(project: Project) -> None:
    with (project.folder / "onnx" / "fp32" / "model.onnx").open("ab") as file:
        file.truncate(2**31)  # sparse: takes no room
    refused(project, "2.0 GiB, but Vespa loads ONNX files below 2 GiB")


def test_variant_that_its_gate_refuses_gives_way_to_fp32(project: Project) -> None:
    project.set("package", variant="int8")
    project.judge(passed=False, variant="int8")
    check(project.package())
    metrics = json.loads((project.folder / "metrics" / "package.json").read_text())
    assert metrics["variant"] == "fp32"


def test_export_of_which_nothing_passed_is_refused(project: Project) -> None:
    project.judge(passed=False)
    refused(project, "no exported variant passed its gate")


def test_missing_export_and_broken_files_are_named(project: Project) -> None:
    (project.folder / "onnx" / "fp32" / "model.onnx").write_bytes(b"not a model")
    refused(project, "model.onnx: not an ONNX model; run dvc repro export")
    (project.folder / "onnx" / "fp32" / "model.onnx").unlink()
    refused(project, "model.onnx: no such file; run dvc repro export")


def test_character_that_vespa_refuses_is_named() -> None:
    with pytest.raises(UserError, match=r"document 'x': has the character U\+000B"):
        document_row("embedsmith", Document("x", "", "a\vb"))


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cc", "Cs", "Cn"])))
def test_any_doc_id_comes_back_from_vespas_id(doc_id: str) -> None:
    row = document_row("embedsmith", Document(doc_id, "", "text"))
    assert doc_id_of(json.loads(json.dumps(row))["update"]) == doc_id


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8))
def test_vectors_come_back_from_their_hexadecimal_form(values: list[float]) -> None:
    vector = np.array([values], dtype=np.float32)
    np.testing.assert_array_equal(floats(hexadecimal(vector, "float")[0], "float"), vector[0])
    rounded = floats(hexadecimal(vector, "bfloat16")[0], "bfloat16")
    np.testing.assert_allclose(rounded, vector[0], rtol=2**-8, atol=1e-37)
    assert hexadecimal(rounded[None], "bfloat16") == hexadecimal(vector, "bfloat16")


def test_trained_vectors_are_fed_under_a_name_of_their_own(project: Project) -> None:
    (project.folder / "vectors" / "encoder.txt").write_text("trained\n")
    refused(project, "package.vectors: vespa would embed documents by the base, .* set it to fed")
    project.set("package", vectors="fed")

    def field() -> str:
        check(project.package())
        found = json.loads((project.folder / "metrics" / "package.json").read_text())["field"]
        assert isinstance(found, str)
        return found

    before = field()
    moved = project.vectors()[:, ::-1]
    np.save(project.folder / "vectors" / "vectors.npy", moved)
    # the encoders are the same, yet old and new vectors must not meet in one field
    assert field() != before
