package embedsmith;

import ai.vespa.embedding.HuggingFaceEmbedder;
import ai.vespa.modelintegration.evaluator.EmbeddedOnnxRuntime;
import ai.vespa.modelintegration.evaluator.config.OnnxEvaluatorConfig;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.yahoo.embedding.huggingface.HuggingFaceEmbedderConfig;
import com.yahoo.language.process.Embedder;
import com.yahoo.tensor.TensorType;
import com.yahoo.vespa.model.VespaModel;

import java.nio.file.Path;

/** The vectors of "texts" by a package's "embedder", as a "destination" of a "type" asks for them. */
class EmbedQuestion implements Question {
    @Override
    public JsonNode answer(JsonNode given) throws Exception {
        VespaModel model = Packages.of(given).model();
        String id = given.get("embedder").asText();
        String component = "default/component/" + id;
        var config = model.getConfig(HuggingFaceEmbedderConfig.class, component);
        var runtime = model.getConfig(OnnxEvaluatorConfig.class, component);
        Path folder = Path.of(given.get("folder").asText());
        HuggingFaceEmbedder embedder = new HuggingFaceEmbedder(
                EmbeddedOnnxRuntime.createTestInstance(), Embedder.Runtime.testInstance(), config,
                runtime, reference -> folder.resolve(reference.path().orElseThrow().value()));
        TensorType type = TensorType.fromSpec(given.get("type").asText());
        ArrayNode answer = Judge.JSON.createArrayNode();
        try {
            for (JsonNode text : given.get("texts")) {
                Embedder.Context context =
                        new Embedder.Context(given.get("destination").asText()).setEmbedderId(id);
                answer.add(Vectors.write(embedder.embed(text.asText(), context, type)));
            }
        } finally {
            embedder.deconstruct();
        }
        return answer;
    }
}
