package embedsmith;

import com.fasterxml.jackson.databind.JsonNode;
import com.yahoo.config.FileReference;
import com.yahoo.config.application.api.ApplicationPackage;
import com.yahoo.config.application.api.DeployLogger;
import com.yahoo.config.application.api.FileRegistry;
import com.yahoo.config.model.NullConfigModelRegistry;
import com.yahoo.config.model.api.ApplicationClusterEndpoint;
import com.yahoo.config.model.api.ConfigChangeAction;
import com.yahoo.config.model.api.ContainerEndpoint;
import com.yahoo.config.model.api.EndpointCertificateSecrets;
import com.yahoo.config.model.api.ValidationParameters;
import com.yahoo.config.model.application.provider.FilesApplicationPackage;
import com.yahoo.config.model.application.provider.MockFileRegistry;
import com.yahoo.config.model.deploy.DeployState;
import com.yahoo.config.model.deploy.TestProperties;
import com.yahoo.config.model.provision.InMemoryProvisioner;
import com.yahoo.config.provision.DataplaneToken;
import com.yahoo.config.provision.Environment;
import com.yahoo.config.provision.NodeResources;
import com.yahoo.config.provision.RegionName;
import com.yahoo.config.provision.SystemName;
import com.yahoo.config.provision.Zone;
import com.yahoo.vespa.model.VespaModel;
import com.yahoo.vespa.model.application.validation.Validation;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.logging.Level;
import java.util.stream.Stream;

/** Reads package folders as a config server does: compiles them and runs every validator. */
class Packages {
    /** What a package became: its model, what was logged, and what the change to it demands. */
    record Built(VespaModel model, Set<String> warnings, List<ConfigChangeAction> actions) {}

    /** A program of the content node's that checks rank features; Maven has it not. */
    private static final String NATIVE = "vespa-verify-ranksetup-bin";
    private static final int REMEMBERED = 16;
    private static final Zone CLOUD =
            new Zone(SystemName.Public, Environment.prod, RegionName.from("aws-us-east-1c"));
    private static final NodeResources NODE = new NodeResources(
            8, 32, 500, 1, NodeResources.DiskSpeed.fast, NodeResources.StorageType.local,
            NodeResources.Architecture.x86_64, new NodeResources.GpuResources(1, 16));

    private static final Map<List<String>, Built> BUILT = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<List<String>, Built> eldest) {
            return size() > REMEMBERED;
        }
    };

    /** The package that a question names by "folder", as its "hosted" and "token" have it. */
    static Built of(JsonNode given) throws Exception {
        String folder = given.get("folder").asText();
        List<String> key = List.of(folder, hosted(given) + "", given.path("token").asText());
        Built built = BUILT.get(key);
        if (built == null) BUILT.put(key, built = build(folder, given, null));
        return built;
    }

    /** A package that follows on another, or on none. */
    static Built build(String folder, JsonNode given, VespaModel before) throws Exception {
        Set<String> warnings = new TreeSet<>();
        DeployLogger log = new DeployLogger() {
            @Override
            public void log(Level level, String message) {
                if (level.intValue() < Level.WARNING.intValue()) return;
                if (!message.contains(NATIVE)) warnings.add(message);
            }

            @Override
            public void logApplicationPackage(Level level, String message) {
                log(level, message);
            }
        };
        File copy = copied(Path.of(folder));
        FilesApplicationPackage files = FilesApplicationPackage.fromDir(copy, Map.of());
        files.validateFileExtensions();
        TestProperties properties = new TestProperties();
        DeployState.Builder state = new DeployState.Builder()
                .deployLogger(log).fileRegistry(registry(copy)).properties(properties)
                .configDefinitionRepo(new Definitions());
        if (hosted(given)) host(state, properties, given.path("token").asText());
        Zone zone = hosted(given) ? CLOUD : Zone.defaultZone();
        ApplicationPackage preprocessed = files.preprocess(zone, log);
        preprocessed.validateXML();
        state.applicationPackage(preprocessed);
        if (before != null) state.previousModel(before);
        DeployState built = state.build();
        VespaModel model = new VespaModel(new NullConfigModelRegistry(), built);
        List<ConfigChangeAction> actions =
                new Validation().validate(model, new ValidationParameters(), built);
        return new Built(model, warnings, actions);
    }

    /** A copy, since Vespa writes beside what it reads, and takes a folder's name for its own. */
    private static File copied(Path folder) throws IOException {
        Path target = Files.createTempDirectory("package").resolve("application");
        List<Path> paths;
        try (Stream<Path> found = Files.walk(folder)) {
            paths = found.toList();
        }
        for (Path path : paths) {
            Path copy = target.resolve(folder.relativize(path).toString());
            if (Files.isDirectory(path)) Files.createDirectories(copy);
            else Files.copy(path, copy);
        }
        return target.toFile();
    }

    /** Files that services.xml names must be there; the mock alone does not look. */
    private static FileRegistry registry(File folder) {
        return new MockFileRegistry() {
            @Override
            public FileReference addFile(String path) {
                if (new File(folder, path).isFile()) return super.addFile(path);
                throw new IllegalArgumentException("no such file in the package: " + path);
            }
        };
    }

    private static boolean hosted(JsonNode given) {
        return given.path("hosted").asBoolean();
    }

    /** Vespa Cloud's side: its zone, endpoints, certificate, machines and the tenant's token. */
    private static void host(DeployState.Builder state, TestProperties properties, String token) {
        List<DataplaneToken> tokens = token.isEmpty() ? List.of()
                : List.of(new DataplaneToken(token, List.of(
                        new DataplaneToken.Version("print", "hash", Optional.empty()))));
        properties.setHostedVespa(true).setMultitenant(true).setDataplaneTokens(tokens)
                .setEndpointCertificateSecrets(
                        Optional.of(new EndpointCertificateSecrets("CERT", "KEY")));
        state.zone(CLOUD)
                .endpoints(Set.of(
                        endpoint("mtls", ApplicationClusterEndpoint.AuthMethod.mtls),
                        endpoint("token", ApplicationClusterEndpoint.AuthMethod.token)))
                .modelHostProvisioner(new InMemoryProvisioner(20, NODE, true));
    }

    private static ContainerEndpoint endpoint(
            String name, ApplicationClusterEndpoint.AuthMethod method) {
        return new ContainerEndpoint(
                "default", ApplicationClusterEndpoint.Scope.zone, List.of(name + ".example.com"),
                OptionalInt.empty(), ApplicationClusterEndpoint.RoutingMethod.exclusive, method);
    }
}
