package embedsmith;

import ai.vespa.opennlp.OpenNlpConfig;
import com.fasterxml.jackson.core.JsonFactory;
import com.yahoo.document.Document;
import com.yahoo.document.DocumentType;
import com.yahoo.document.DocumentTypeManager;
import com.yahoo.document.DocumentUpdate;
import com.yahoo.document.annotation.AnnotationTypes;
import com.yahoo.document.annotation.SpanTrees;
import com.yahoo.document.config.DocumentmanagerConfig;
import com.yahoo.document.datatypes.StringFieldValue;
import com.yahoo.document.json.JsonReader;
import com.yahoo.language.Language;
import com.yahoo.language.Linguistics;
import com.yahoo.language.provider.DefaultLinguisticsProvider;
import com.yahoo.vespa.configdefinition.IlscriptsConfig;
import com.yahoo.vespa.indexinglanguage.ScriptParser;
import com.yahoo.vespa.indexinglanguage.ScriptParserContext;
import com.yahoo.vespa.indexinglanguage.SimpleDocumentFieldValues;
import com.yahoo.vespa.indexinglanguage.expressions.ExecutionContext;
import com.yahoo.vespa.indexinglanguage.expressions.Expression;
import com.yahoo.vespa.indexinglanguage.expressions.OutputExpression;
import com.yahoo.vespa.indexinglanguage.expressions.ScriptExpression;
import com.yahoo.vespa.indexinglanguage.expressions.StatementExpression;
import com.yahoo.vespa.indexinglanguage.parser.IndexingInput;
import com.yahoo.vespa.indexinglanguage.parser.ParseException;
import com.yahoo.vespa.model.VespaModel;

import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import static java.nio.charset.StandardCharsets.UTF_8;

/** What a package does with documents: reads rows of a feed and runs the indexing scripts. */
class Indexing {
    /** The config id of our content cluster's one document type. */
    static final String SCHEMA = "content/search/cluster.content/doc";

    private final DocumentTypeManager types;
    private final DocumentType document;
    private final ScriptExpression script;

    /** Writes what is embedded down in `calls`. */
    Indexing(VespaModel model, List<Embedders.Call> calls) throws ParseException {
        types = new DocumentTypeManager(model.getConfig(DocumentmanagerConfig.class, "default"));
        document = types.getDocumentType("doc");
        List<StatementExpression> statements = new ArrayList<>();
        for (String content : model.getConfig(IlscriptsConfig.class, SCHEMA).ilscript(0).content()) {
            ScriptParserContext context = new ScriptParserContext(
                    linguistics(model), Map.of(), Embedders.recording(model, calls), Map.of());
            context.setInputStream(new IndexingInput(content));
            StatementExpression statement = ScriptParser.parseStatement(context);
            // an embedder is told the field, and knows by it that the text is a document's
            var outputs = new OutputExpression.OutputFieldNameExtractor();
            statement.select(outputs, outputs);
            for (String field : outputs.getOutputFieldNames()) {
                statement.setStatementOutput(document, document.getField(field));
            }
            statements.add(statement);
        }
        script = new ScriptExpression(statements);
        script.resolve(document);
    }

    /** The container's own, which splits texts into words and guesses languages. */
    static Linguistics linguistics(VespaModel model) {
        String id = "default/component/" + DefaultLinguisticsProvider.class.getName();
        return new DefaultLinguisticsProvider(model.getConfig(OpenNlpConfig.class, id)).get();
    }

    /** The operation that a line of a feed is. */
    DocumentUpdate read(String row) {
        byte[] rows = ("[" + row + "]").getBytes(UTF_8);
        return (DocumentUpdate) new JsonReader(
                types, new ByteArrayInputStream(rows), new JsonFactory()).next();
    }

    /** The operation that reaches the content nodes; null for one that changes nothing there. */
    DocumentUpdate index(DocumentUpdate update) {
        return Expression.execute(script, update);
    }

    /** The field "contents" of a document of this text; its language is guessed if unknown. */
    StringFieldValue contents(String text, Language language) {
        Document given = new Document(document, "id:judge:doc::1");
        given.setFieldValue("text", new StringFieldValue(text));
        SimpleDocumentFieldValues values = new SimpleDocumentFieldValues(given);
        script.execute(new ExecutionContext(values).setLanguage(language));
        return (StringFieldValue) values.getFullOutput().getFieldValue("contents");
    }

    /** The words under which a text is found. */
    static List<String> words(StringFieldValue text) {
        List<String> words = new ArrayList<>();
        if (text.getSpanTree(SpanTrees.LINGUISTICS) == null) return words;
        for (var each : text.getSpanTree(SpanTrees.LINGUISTICS)) {
            if (each.getType() != AnnotationTypes.TERM) continue;
            words.add(each.getFieldValue() != null ? each.getFieldValue().toString()
                    : each.getSpanNode().getText(text.getString()).toString());
        }
        return words;
    }
}
