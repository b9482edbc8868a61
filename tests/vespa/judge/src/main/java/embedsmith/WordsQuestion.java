package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.yahoo.document.datatypes.StringFieldValue;
import com.yahoo.language.Language;
import com.yahoo.prelude.query.IntItem;
import com.yahoo.prelude.query.Item;
import com.yahoo.prelude.query.NullItem;
import com.yahoo.prelude.query.TermItem;
import com.yahoo.prelude.query.WeakAndItem;
import com.yahoo.prelude.query.WordItem;
import com.yahoo.vespa.model.VespaModel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The words that BM25 sees of "texts" of a "kind", document or query: of the field "contents", or
 * of the query profile "bm25". Without a "language" it is guessed for each text.
 */
class WordsQuestion implements Question {
    @Override
    public JsonNode answer(JsonNode given) throws Exception {
        VespaModel model = Packages.of(given).model();
        String language = given.path("language").asText();
        boolean query = given.get("kind").asText().equals("query");
        Searching searching = query ? new Searching(model) : null;
        Indexing indexing = query ? null : new Indexing(model, new ArrayList<>());
        ArrayNode answer = Judge.JSON.createArrayNode();
        for (JsonNode each : given.get("texts")) {
            List<String> words = query
                    ? ofQuery(searching, each.asText(), language)
                    : ofDocument(indexing, each.asText(), language);
            answer.add(Judge.JSON.valueToTree(words));
        }
        return answer;
    }

    private static List<String> ofDocument(Indexing indexing, String text, String language) {
        Language stated =
                language.isEmpty() ? Language.UNKNOWN : Language.fromLanguageTag(language);
        StringFieldValue contents = indexing.contents(text, stated);
        return Indexing.words(contents);
    }

    private static List<String> ofQuery(Searching searching, String text, String language)
            throws Exception {
        ObjectNode request =
                Judge.JSON.createObjectNode().put("queryProfile", "bm25").put("query", text);
        if (!language.isEmpty()) request.put("language", language);
        List<String> words = new ArrayList<>();
        collect(searching.read(request, Map.of()).getModel().getQueryTree().getRoot(), words);
        return words;
    }

    private static void collect(Item item, List<String> words) {
        if (item instanceof WeakAndItem any) {
            for (Item each : any.items()) collect(each, words);
        } else if (item instanceof WordItem || item instanceof IntItem) {
            words.add(((TermItem) item).getIndexedString());
        } else if (!(item instanceof NullItem)) {
            throw new IllegalArgumentException("not a word: " + item);
        }
    }
}
