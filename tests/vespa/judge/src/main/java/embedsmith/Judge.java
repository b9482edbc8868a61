package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * Vespa's own code, asked. Reads one JSON object a line, whose "ask" names the question, and
 * answers each with a line: {"answer": ...}, or {"refused": "message: its cause: ..."}.
 */
public class Judge {
    static final ObjectMapper JSON = new ObjectMapper();

    private static final Map<String, Question> QUESTIONS = Map.of(
            "package", new PackageQuestion(),
            "changes", new ChangesQuestion(),
            "settings", new SettingsQuestion(),
            "embed", new EmbedQuestion(),
            "feed", new FeedQuestion(),
            "queries", new QueriesQuestion(),
            "rank", new RankQuestion(),
            "words", new WordsQuestion());

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, UTF_8);
        System.setOut(System.err); // some of Vespa's code prints
        Logger.getLogger("").setLevel(Level.SEVERE);
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        for (String line; (line = questions.readLine()) != null; ) {
            answers.println(JSON.writeValueAsString(answer(line)));
        }
        System.exit(0); // Vespa's threads would go on
    }

    private static ObjectNode answer(String line) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            JsonNode given = JSON.readTree(line);
            Question question = QUESTIONS.get(given.path("ask").asText());
            if (question == null) throw new IllegalArgumentException("no such question: " + line);
            return answer.set("answer", question.answer(given));
        } catch (Exception | LinkageError | StackOverflowError | AssertionError fault) {
            fault.printStackTrace();
            return answer.put("refused", causes(fault));
        }
    }

    /** The messages of a fault and of its causes, each once, in one line. */
    private static String causes(Throwable fault) {
        Set<String> messages = new LinkedHashSet<>();
        String all = "";
        for (Throwable each = fault; each != null; each = each.getCause()) {
            String message = String.valueOf(each.getMessage() == null ? each : each.getMessage());
            if (!all.contains(message)) messages.add(message);
            all += message;
        }
        return String.join(": ", messages).replaceAll("\\s+", " ").strip();
    }
}
