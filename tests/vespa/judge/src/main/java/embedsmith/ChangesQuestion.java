package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.yahoo.config.model.api.ConfigChangeAction;
import com.yahoo.vespa.model.VespaModel;

/** What does each package demand that follows on the one before: restarts, re-indexing, feeding? */
class ChangesQuestion implements Question {
    @Override
    public JsonNode answer(JsonNode given) throws Exception {
        ArrayNode answer = Judge.JSON.createArrayNode();
        VespaModel before = null;
        for (JsonNode folder : given.get("folders")) {
            Packages.Built built = Packages.build(folder.asText(), given, before);
            ArrayNode demands = answer.addArray();
            for (ConfigChangeAction action : built.actions()) {
                demands.addObject()
                        .put("type", action.getType().toString())
                        .put("message", action.getMessage());
            }
            before = built.model();
        }
        return answer;
    }
}
