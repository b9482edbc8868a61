package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.yahoo.prelude.query.CompositeItem;
import com.yahoo.prelude.query.IntItem;
import com.yahoo.prelude.query.Item;
import com.yahoo.prelude.query.NearestNeighborItem;
import com.yahoo.prelude.query.NullItem;
import com.yahoo.prelude.query.OrItem;
import com.yahoo.prelude.query.TermItem;
import com.yahoo.prelude.query.WeakAndItem;
import com.yahoo.prelude.query.WordItem;
import com.yahoo.search.Query;
import com.yahoo.search.query.Ranking;
import com.yahoo.tensor.Tensor;
import com.yahoo.vespa.model.VespaModel;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** What becomes of "requests" to the query API: the query, its settings and what is embedded. */
class QueriesQuestion implements Question {
    @Override
    public JsonNode answer(JsonNode given) throws Exception {
        VespaModel model = Packages.of(given).model();
        Searching searching = new Searching(model);
        ArrayNode answer = Judge.JSON.createArrayNode();
        for (JsonNode request : given.get("requests")) {
            List<Embedders.Call> calls = new ArrayList<>();
            Query query = searching.read(request, Embedders.recording(model, calls));
            ObjectNode found = answer.addObject();
            found.set("embedded", Judge.JSON.valueToTree(calls));
            found.set("tree", tree(query.getModel().getQueryTree().getRoot()));
            describe(query, found);
            searching.declare(query, found);
        }
        return answer;
    }

    private static void describe(Query query, ObjectNode found) {
        Ranking ranking = query.getRanking();
        found.put("profile", ranking.getProfile())
                .put("hits", query.getHits())
                .put("most_hits", query.properties().getInteger("maxHits"))
                .put("milliseconds", query.getTimeout())
                .put("soft_timeout", ranking.getSoftTimeout().getEnable())
                .put("second_phase", ranking.getRerankCount())
                .put("global_phase", ranking.getGlobalPhase().getRerankCount());
        ObjectNode inputs = found.putObject("inputs");
        new TreeMap<>(ranking.getFeatures().asMap()).forEach((name, value) -> {
            if (value instanceof Tensor vector) inputs.set(name, Vectors.write(vector));
        });
    }

    /** What is matched; "other" is what none of our queries should hold. */
    private static JsonNode tree(Item item) {
        ObjectNode written = Judge.JSON.createObjectNode();
        if (item instanceof NullItem) {
            return Judge.JSON.nullNode();
        } else if (item instanceof WordItem || item instanceof IntItem) {
            TermItem word = (TermItem) item;
            return written.put("word", word.getIndexedString()).put("field", word.getIndexName());
        } else if (item instanceof NearestNeighborItem near) {
            return written.put("nearest", near.getIndexName())
                    .put("input", near.getQueryTensorName())
                    .put("targets", near.getTotalTargetHits())
                    .put("approximate", near.getAllowApproximate())
                    .put("explore", near.getHnswExploreAdditionalHits());
        } else if (item instanceof WeakAndItem any) {
            written.put("targets", any.getTotalTargetHits());
            return written.set("weak_and", branches(any));
        } else if (item instanceof OrItem or) {
            return written.set("or", branches(or));
        }
        return written.put("other", item.getClass().getSimpleName() + ": " + item);
    }

    private static ArrayNode branches(CompositeItem item) {
        ArrayNode written = Judge.JSON.createArrayNode();
        for (Item each : item.items()) written.add(tree(each));
        return written;
    }
}
