package embedsmith;

import ai.vespa.embedding.HuggingFaceEmbedder;
import com.yahoo.container.ComponentsConfig;
import com.yahoo.language.process.Embedder;
import com.yahoo.tensor.Tensor;
import com.yahoo.tensor.TensorType;
import com.yahoo.vespa.model.VespaModel;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Embedders under the ids of a package's. */
class Embedders {
    /** What an embedder was asked for. */
    record Call(String embedder, String text, String type, String destination) {}

    /** Embedders that write down what they are asked; their vectors are 1, 0, 0, ... */
    static Map<String, Embedder> recording(VespaModel model, List<Call> calls) {
        Map<String, Embedder> embedders = new TreeMap<>();
        for (var each : model.getConfig(ComponentsConfig.class, "default").components()) {
            if (each.classId().equals(HuggingFaceEmbedder.class.getName())) {
                embedders.put(each.id(), new Recorder(each.id(), calls));
            }
        }
        return embedders;
    }

    private record Recorder(String id, List<Call> calls) implements Embedder {
        @Override
        public List<Integer> embed(String text, Context context) {
            throw new UnsupportedOperationException("nothing of ours asks for tokens");
        }

        @Override
        public Tensor embed(String text, Context context, TensorType type) {
            calls.add(new Call(id, text, type.toString(), context.getDestination()));
            Tensor.Builder vector = Tensor.Builder.of(type);
            for (int cell = 0; cell < Vectors.size(type); cell++) vector.cell(cell == 0 ? 1 : 0, cell);
            return vector.build();
        }
    }
}
