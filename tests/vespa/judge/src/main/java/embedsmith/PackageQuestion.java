package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/** Does a package compile and pass the validators; of what does Vespa warn? */
class PackageQuestion implements Question {
    @Override
    public JsonNode answer(JsonNode given) throws Exception {
        return Judge.JSON.valueToTree(Map.of("warnings", Packages.of(given).warnings()));
    }
}
