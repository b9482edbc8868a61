package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;

/** One kind of question; what it throws is the answer of a Vespa that refuses. */
interface Question {
    JsonNode answer(JsonNode given) throws Exception;
}
