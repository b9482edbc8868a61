package embedsmith;

import ai.vespa.modelintegration.evaluator.EmbeddedOnnxRuntime;
import ai.vespa.models.evaluation.FunctionEvaluator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.yahoo.component.ComponentId;
import com.yahoo.component.provider.ComponentRegistry;
import com.yahoo.data.access.slime.SlimeAdapter;
import com.yahoo.search.Query;
import com.yahoo.search.Result;
import com.yahoo.search.ranking.GlobalPhaseRanker;
import com.yahoo.search.ranking.RankProfilesEvaluator;
import com.yahoo.search.ranking.RankProfilesEvaluatorFactory;
import com.yahoo.search.result.FeatureData;
import com.yahoo.search.result.Hit;
import com.yahoo.slime.Cursor;
import com.yahoo.slime.Slime;
import com.yahoo.tensor.TensorType;
import com.yahoo.vespa.config.search.RankProfilesConfig;
import com.yahoo.vespa.config.search.core.OnnxModelsConfig;
import com.yahoo.vespa.config.search.core.RankingConstantsConfig;
import com.yahoo.vespa.config.search.core.RankingExpressionsConfig;
import com.yahoo.vespa.model.VespaModel;

/**
 * The scores of a "profile". Given a "function", that function's value for each of the "rows",
 * which hold vectors by feature; else the hits' order and scores after the global phase, the rows
 * holding their "score" and the match features, best first.
 */
class RankQuestion implements Question {
    @Override
    public JsonNode answer(JsonNode given) throws Exception {
        RankProfilesEvaluator evaluator = evaluator(Packages.of(given).model());
        String profile = given.get("profile").asText();
        return given.has("function")
                ? values(evaluator, profile, given)
                : ranked(evaluator, profile, given.get("rows"));
    }

    private static RankProfilesEvaluator evaluator(VespaModel model) {
        return new RankProfilesEvaluator(
                model.getConfig(RankProfilesConfig.class, Indexing.SCHEMA),
                model.getConfig(RankingConstantsConfig.class, Indexing.SCHEMA),
                model.getConfig(RankingExpressionsConfig.class, Indexing.SCHEMA),
                model.getConfig(OnnxModelsConfig.class, Indexing.SCHEMA),
                null,
                EmbeddedOnnxRuntime.createTestInstance());
    }

    private static JsonNode values(
            RankProfilesEvaluator evaluator, String profile, JsonNode given) {
        ArrayNode answer = Judge.JSON.createArrayNode();
        for (JsonNode row : given.get("rows")) {
            FunctionEvaluator function = evaluator.modelForRankProfile(profile)
                    .evaluatorOf(given.get("function").asText());
            row.fields().forEachRemaining(each -> function.bind(each.getKey(), Vectors.read(
                    TensorType.fromSpec(each.getValue().get("type").asText()),
                    each.getValue().get("cells"))));
            answer.add(function.evaluate().asDouble());
        }
        return answer;
    }

    private static JsonNode ranked(
            RankProfilesEvaluator evaluator, String profile, JsonNode rows) {
        var evaluators = new ComponentRegistry<RankProfilesEvaluator>();
        evaluators.register(new ComponentId("ranking-expression-evaluator.doc"), evaluator);
        GlobalPhaseRanker ranker =
                new GlobalPhaseRanker(new RankProfilesEvaluatorFactory(evaluators));
        Query query = new Query("?query=any");
        query.getRanking().setProfile(profile);
        query.setHits(rows.size());
        Result result = new Result(query);
        int number = 0;
        for (JsonNode row : rows) {
            Hit hit = new Hit(Integer.toString(number++), row.get("score").asDouble());
            Slime features = new Slime();
            Cursor object = features.setObject();
            row.get("features").fields().forEachRemaining(
                    each -> object.setDouble(each.getKey(), each.getValue().asDouble()));
            hit.setField("matchfeatures", new FeatureData(new SlimeAdapter(features.get())));
            result.hits().add(hit);
        }
        result.hits().sort();
        ranker.rerankHits(query, result, "doc");
        ArrayNode answer = Judge.JSON.createArrayNode();
        for (Hit hit : result.hits().asList()) {
            answer.addObject().put("row", Integer.parseInt(hit.getId().toString()))
                    .put("score", hit.getRelevance().getScore());
        }
        return answer;
    }
}
