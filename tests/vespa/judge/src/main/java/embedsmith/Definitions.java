package embedsmith;

import com.yahoo.config.model.api.ConfigDefinitionRepo;
import com.yahoo.vespa.config.ConfigDefinitionKey;
import com.yahoo.vespa.config.buildergen.ConfigDefinition;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;

import static java.nio.charset.StandardCharsets.UTF_8;

/** The definition of the one config that services.xml sets by name, from the jar that reads it. */
class Definitions implements ConfigDefinitionRepo {
    private static final ConfigDefinitionKey KEY =
            new ConfigDefinitionKey("open-nlp", "ai.vespa.opennlp");

    @Override
    public Map<ConfigDefinitionKey, ConfigDefinition> getConfigDefinitions() {
        String path = "/configdefinitions/" + KEY.getName() + ".def";
        try (InputStream read = Definitions.class.getResourceAsStream(path)) {
            String[] lines = new String(read.readAllBytes(), UTF_8).split("\n");
            return Map.of(KEY, new ConfigDefinition(KEY.getName(), lines));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public ConfigDefinition get(ConfigDefinitionKey key) {
        return getConfigDefinitions().get(key);
    }
}
