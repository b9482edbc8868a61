package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.yahoo.tensor.Tensor;
import com.yahoo.tensor.TensorAddress;
import com.yahoo.tensor.TensorType;

import java.util.List;

/** Tensors of one indexed dimension, as JSON: their type, and their cells as a list. */
class Vectors {
    private Vectors() {}

    static ObjectNode write(Tensor vector) {
        ObjectNode written = Judge.JSON.createObjectNode().put("type", vector.type().toString());
        ArrayNode cells = written.putArray("cells");
        for (int cell = 0; cell < size(vector.type()); cell++) {
            cells.add(vector.get(TensorAddress.of(cell)));
        }
        return written;
    }

    static Tensor read(TensorType type, Iterable<JsonNode> cells) {
        Tensor.Builder vector = Tensor.Builder.of(type);
        int cell = 0;
        for (JsonNode each : cells) vector.cell(each.asDouble(), cell++);
        return vector.build();
    }

    static int size(TensorType type) {
        return Math.toIntExact(type.dimensions().get(0).size().orElseThrow());
    }
}
