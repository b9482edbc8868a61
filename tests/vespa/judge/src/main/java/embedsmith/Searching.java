package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.yahoo.component.chain.Chain;
import com.yahoo.container.QrSearchersConfig;
import com.yahoo.language.Linguistics;
import com.yahoo.language.process.Embedder;
import com.yahoo.prelude.IndexFacts;
import com.yahoo.prelude.IndexModel;
import com.yahoo.prelude.querytransform.CJKSearcher;
import com.yahoo.prelude.querytransform.NormalizingSearcher;
import com.yahoo.prelude.querytransform.StemmingSearcher;
import com.yahoo.search.Query;
import com.yahoo.search.Result;
import com.yahoo.search.Searcher;
import com.yahoo.search.config.IndexInfoConfig;
import com.yahoo.search.config.SchemaInfoConfig;
import com.yahoo.search.query.profile.compiled.CompiledQueryProfile;
import com.yahoo.search.query.profile.compiled.CompiledQueryProfileRegistry;
import com.yahoo.search.query.profile.config.QueryProfileConfigurer;
import com.yahoo.search.query.profile.config.QueryProfilesConfig;
import com.yahoo.search.querytransform.LowercasingConfig;
import com.yahoo.search.querytransform.VespaLowercasingSearcher;
import com.yahoo.search.schema.DocumentSummary;
import com.yahoo.search.schema.RankProfile;
import com.yahoo.search.schema.Schema;
import com.yahoo.search.schema.SchemaInfo;
import com.yahoo.search.searchchain.Execution;
import com.yahoo.search.searchers.QueryValidator;
import com.yahoo.search.searchers.ValidateNearestNeighborSearcher;
import com.yahoo.search.yql.MinimalQueryInserter;
import com.yahoo.vespa.config.search.AttributesConfig;
import com.yahoo.vespa.model.VespaModel;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.Map;

/** What a package makes of a request, up to what goes to the content nodes. */
class Searching {
    private final CompiledQueryProfileRegistry profiles;
    private final SchemaInfo schemas;
    private final Execution.Context context;
    private final Chain<Searcher> chain;

    Searching(VespaModel model) {
        QrSearchersConfig searchers = model.getConfig(QrSearchersConfig.class, "default");
        Linguistics linguistics = Indexing.linguistics(model);
        profiles = QueryProfileConfigurer.createFromConfig(
                model.getConfig(QueryProfilesConfig.class, "default")).compile();
        schemas = new SchemaInfo(model.getConfig(SchemaInfoConfig.class, "default"), searchers);
        context = Execution.Context.createContextStub(
                null,
                new IndexFacts(new IndexModel(
                        model.getConfig(IndexInfoConfig.class, "default"), searchers)),
                schemas,
                linguistics);
        // those of the default chain that may change or refuse what we ask, in its order
        chain = new Chain<>(
                new MinimalQueryInserter(linguistics),
                new CJKSearcher(),
                new StemmingSearcher(linguistics),
                new NormalizingSearcher(linguistics),
                new VespaLowercasingSearcher(
                        new LowercasingConfig(new LowercasingConfig.Builder())),
                new QueryValidator(),
                new ValidateNearestNeighborSearcher(
                        model.getConfig(AttributesConfig.class, Indexing.SCHEMA)));
    }

    /** The query that a request's JSON becomes. */
    Query read(JsonNode request, Map<String, Embedder> embedders) throws Exception {
        Map<String, String> values = flat(request);
        CompiledQueryProfile profile = profiles.findQueryProfile(values.get("queryProfile"));
        if (profile == null) throw new IllegalArgumentException("no such query profile");
        Query query = new Query.Builder()
                .setRequestMap(values)
                .setQueryProfile(profile)
                .setEmbedders(embedders)
                .setSchemaInfo(schemas)
                .build();
        Result result = new Execution(chain, context).search(query);
        if (result.hits().getError() != null) {
            throw new IllegalArgumentException(result.hits().getError().toString());
        }
        return query;
    }

    /** The declared inputs of a query's rank profile, and the fields of its summary. */
    void declare(Query query, ObjectNode found) {
        Schema schema = schemas.schemas().get("doc");
        RankProfile profile = schema.rankProfiles().get(query.getRanking().getProfile());
        if (profile == null) throw new IllegalArgumentException("no such rank profile");
        ArrayNode inputs = found.putArray("declared");
        profile.inputs().keySet().stream().sorted().forEach(inputs::add);
        DocumentSummary summary =
                schema.documentSummaries().get(query.getPresentation().getSummary());
        if (summary == null) return;
        ArrayNode fields = found.putArray("summary");
        summary.fields().keySet().stream().sorted().forEach(fields::add);
    }

    /** A request's body as Vespa's handler reads it, whose reader only the handler may call. */
    @SuppressWarnings("unchecked")
    private static Map<String, String> flat(JsonNode request) throws Exception {
        Class<?> reader = Class.forName("com.yahoo.search.handler.Json2SingleLevelMap");
        var made = reader.getDeclaredConstructor(InputStream.class);
        var parse = reader.getDeclaredMethod("parse");
        made.setAccessible(true);
        parse.setAccessible(true);
        byte[] body = Judge.JSON.writeValueAsBytes(request);
        return (Map<String, String>) parse.invoke(made.newInstance(new ByteArrayInputStream(body)));
    }
}
