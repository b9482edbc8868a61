package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.yahoo.document.DocumentUpdate;
import com.yahoo.document.datatypes.FieldValue;
import com.yahoo.document.datatypes.StringFieldValue;
import com.yahoo.document.datatypes.TensorFieldValue;
import com.yahoo.document.update.AssignValueUpdate;
import com.yahoo.document.update.FieldUpdate;
import com.yahoo.document.update.ValueUpdate;

import java.util.ArrayList;
import java.util.List;

/**
 * What becomes of the "rows" of a feed, each a line of it: the document, the fields as the content
 * nodes get them once the indexing scripts have run, and what was embedded on the way.
 */
class FeedQuestion implements Question {
    @Override
    public JsonNode answer(JsonNode given) throws Exception {
        List<Embedders.Call> calls = new ArrayList<>();
        Indexing indexing = new Indexing(Packages.of(given).model(), calls);
        ArrayNode answer = Judge.JSON.createArrayNode();
        for (JsonNode row : given.get("rows")) {
            calls.clear();
            DocumentUpdate update = indexing.read(row.asText());
            DocumentUpdate indexed = indexing.index(update);
            ObjectNode found = answer.addObject()
                    .put("id", update.getId().toString())
                    .put("create", indexed.getCreateIfNonExistent());
            ObjectNode fields = found.putObject("fields");
            for (FieldUpdate each : indexed.fieldUpdates()) {
                fields.set(each.getField().getName(), value(each));
            }
            found.set("embedded", Judge.JSON.valueToTree(calls));
        }
        return answer;
    }

    /** What is assigned; our feeds do nothing else. */
    private static JsonNode value(FieldUpdate update) {
        ValueUpdate<?> only = update.getValueUpdates().get(0);
        if (update.size() != 1 || !(only instanceof AssignValueUpdate)) {
            throw new IllegalArgumentException("not an assignment: " + update);
        }
        FieldValue value = only.getValue();
        if (value instanceof TensorFieldValue vector) {
            return Vectors.write(vector.getTensor().orElseThrow());
        }
        return Judge.JSON.getNodeFactory().textNode(((StringFieldValue) value).getString());
    }
}
