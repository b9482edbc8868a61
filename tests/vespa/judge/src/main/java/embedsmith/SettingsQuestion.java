package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.yahoo.embedding.huggingface.HuggingFaceEmbedderConfig;
import com.yahoo.vespa.model.VespaModel;

/** What settings do a package's embedders get, by their id? */
class SettingsQuestion implements Question {
    private static final String COMPONENT = "default/component/emb_";

    @Override
    public JsonNode answer(JsonNode given) throws Exception {
        VespaModel model = Packages.of(given).model();
        ObjectNode answer = Judge.JSON.createObjectNode();
        for (String id : model.getConfigIds()) {
            if (!id.startsWith(COMPONENT)) continue;
            var config = model.getConfig(HuggingFaceEmbedderConfig.class, id);
            answer.putObject(id.substring(id.lastIndexOf('/') + 1))
                    .put("query", config.prependQuery())
                    .put("document", config.prependDocument())
                    .put("max_tokens", config.transformerMaxTokens())
                    .put("token_types", config.transformerTokenTypeIds())
                    .put("output", config.transformerOutput())
                    .put("pooling", config.poolingStrategy().toString())
                    .put("normalize", config.normalize());
        }
        return answer;
    }
}
