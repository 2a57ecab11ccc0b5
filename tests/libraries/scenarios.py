"""What tests/libraries/record.py runs, and what each run has to show. A scenario is RIGHT, or names the rules of the packs that it breaks."""
import dataclasses
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support")]
from java_program import class_path  # noqa: E402
from python_packages import python_with  # noqa: E402

NODE_PACKAGES = ROOT / "tests" / "app" / "node_packages.py"

# scenario → the rules that it breaks. Those that begin with `right` break none.
BROKEN = {
    "n-plus-one": ("nplus1-same-statement", "nplus1-queries-per-request"),
    "n-plus-one-layered": ("nplus1-same-statement", "nplus1-queries-per-request"),
    "cache-loop": ("nplus1-cache-gets",),
    "single-writes": ("nplus1-writes-one-by-one",),
    "same-host": ("nplus1-same-host-fan-out",),
    "rpc-loop": ("nplus1-rpc-method-loop",),
    "rpc-deadline": ("sre-grpc-deadline-exceeded",),
    "not-retried": ("sre-unavailable-not-retried",),
    "hammer": ("sre-hammering-after-429",),
    "retry-storm": ("sre-retry-storm",),
    "secret-in-url": ("security-secret-in-url",),
    "secret-in-call": ("security-secret-in-url",),
    "card-in-url": ("pci-card-number-in-trace",),
    "card-in-query": ("pci-card-number-in-trace",),
    "plain-http": ("security-plain-http-call",),
    "drop": ("security-destructive-statement-in-production",),
    "drop-layered": ("security-destructive-statement-in-production",),
    "password-in-query": ("security-credential-in-query-text",),
    "security-code": ("pci-security-code-kept",),
    "hidden-failure": ("sre-failed-dependency-hidden",),
    "slow-query": ("sre-slow-database-query",),
    "slow-request": ("sre-slow-server-request",),
    "large-response": ("sre-large-response",),
    "gave-up": ("sre-work-after-caller-gave-up",),
    "sent-before-commit": ("messaging-sent-before-commit",),
    "processed-twice": ("messaging-processed-twice-with-success",),
    "processed-four-times": ("messaging-processed-more-than-three-times",),
    "no-dead-letter": ("messaging-failed-without-dead-letter",),
    "no-dead-letter-celery": ("messaging-failed-without-dead-letter",),
    "loop": ("messaging-loop",),
    "fan-out": ("messaging-fan-out",),
    "denied-then-read": ("security-denied-then-read",),
    "admin-unchecked": ("security-admin-route-needs-authorization",),
    "unknown-service": ("otel-unknown-service",),
    "unapproved": ("ai-dangerous-tool-needs-approval",),
    "denied": ("ai-dangerous-tool-needs-approval",),
    "same-call": ("ai-same-call-repeated",),
    "same-tool": ("ai-same-tool-again-and-again",),
    "runaway": ("ai-runaway-loop",),
    "tokens": ("ai-token-budget",),
    "cut": ("ai-truncated-answer-used",),
    "filtered": ("ai-tool-after-content-filter",),
    "unbounded": ("ai-unbounded-answer",),
    "other-model": ("ai-model-not-allowed",),
    "from-memory": ("ai-answer-without-retrieval",),
    # Spans that a program names itself (steps.json), as no library has names for them.
    "own-no-fraud-check": ("payments-fraud-check-before-large-capture",),
    "own-not-authorized": ("payments-capture-needs-authorization",),
    "own-captured-twice": ("payments-captured-twice",),
    "own-refund-first": ("payments-refund-without-capture",),
    "own-refund-too-large": ("payments-refund-exceeds-capture",),
    "own-not-in-ledger": ("payments-ledger-entry-after-capture",),
    "own-declined-shipped": ("payments-declined-not-shipped",),
    "own-other-currency": ("payments-currency-changes",),
    "own-no-idempotency-key": ("payments-provider-call-without-idempotency-key",),
    "own-phi-not-audited": ("hipaa-phi-access-audited",),
    "own-phi-denied": ("hipaa-phi-access-authorized",),
    "own-phi-shared-user": ("hipaa-unique-user",),
    "own-emergency-not-reviewed": ("hipaa-emergency-access-reviewed",),
    "own-phi-in-clear": ("hipaa-phi-leaves-encrypted",),
    "own-bulk-export": ("hipaa-bulk-export-approved",),
    "own-read-unchecked": ("soc2-data-access-authorized",),
    "own-role-not-approved": ("soc2-access-granted-with-approval",),
    "own-session-left": ("soc2-offboarding-revokes-sessions",),
    "own-alert-lost": ("soc2-alert-reaches-somebody",),
    "own-deployed-untested": ("soc2-deployment-approved-and-tested",),
    "own-backup-not-verified": ("soc2-backup-verified",),
    "own-card-not-audited": ("pci-cardholder-data-access-logged",),
    "own-detokenized": ("pci-detokenize-only-by-payments",),
    "own-no-second-factor": ("pci-admin-login-with-second-factor",),
    "own-card-in-clear": ("pci-card-data-in-transit",),
    "own-six-logins": ("security-login-attempts",),
    "own-old-tls": ("security-old-tls",),
    "own-id-in-name": ("otel-id-in-span-name",),
    "own-statement-as-name": ("otel-statement-as-span-name",),
    "own-query-without-system": ("otel-query-without-system",),
    "own-not-redacted": ("ai-personal-data-redacted-before-model",),
    "exception-escaped": ("otel-exception-not-marked",),
    "never-processed": ("messaging-linked-never-processed",),
    "other-region": ("ai-model-outside-region",),
    "metadata": ("security-metadata-service-call",),
    "while-rendering": ("nplus1-query-while-rendering",),
}
# What a run does instead where the library stops by itself: it acts on no half answer, and so looks nothing up.
INSTEAD = {(stack, scenario): ("ai-answer-without-retrieval",) for stack in ("strands", "ai-sdk", "openai-responses") for scenario in ("cut", "filtered")}
CLIENT_ALONE = "it writes the client's spans alone, so that no tool and no agent is seen"
LITERALS = "with the old names of the database conventions it writes ? for each literal of a statement, so that none is kept"
NO_AGENT = "it is no agent, and the loop that a program writes around it has no span of its own"
NO_REASON = "it does not write why an answer ended"

# (rule, stack, scenario) → why the wrong run is not found. A run that is found all the same fails the test.
NOT_FOUND = {
    ("sre-work-after-caller-gave-up", "node", "gave-up"): "the server's span of Node ends when the caller goes, whatever the server does then",
    ("sre-work-after-caller-gave-up", "node-old", "gave-up"): "the server's span of Node ends when the caller goes, whatever the server does then",
    ("security-secret-in-url", "go", "secret-in-url"): "otelhttp writes no query of a request that its server takes",
    ("pci-card-number-in-trace", "go", "card-in-url"): "otelhttp writes no query of a request that its server takes",
    **{("sre-large-response", stack, "large-response"): "the agent writes no size of an answer, unless it is told to" for stack in ("java", "java-old")},
    **{("messaging-sent-before-commit", stack, "sent-before-commit"): "the agent writes no commit, unless it is told to" for stack in ("java", "java-old")},
    ("pci-card-number-in-trace", "java-old", "card-in-query"): LITERALS,
    ("security-credential-in-query-text", "java-old", "password-in-query"): LITERALS,
    **{(BROKEN[scenario][0], "openllmetry", scenario): CLIENT_ALONE
       for scenario in ("unapproved", "denied", "same-call", "same-tool", "runaway", "cut", "filtered", "from-memory")},
    **{(BROKEN[scenario][0], "responses-client", scenario): CLIENT_ALONE for scenario in ("unapproved", "cut")},
    ("ai-model-outside-region", "openai-responses", "other-region"): "of these answers it writes api.openai.com, wherever the model is",
    ("ai-unbounded-answer", "openai-responses", "unbounded"): "of these answers it writes no limit, set or not",
    ("ai-same-call-repeated", "langchain-openllmetry", "same-call"): "it puts the number of a step to the arguments of a tool",
    **{(BROKEN[scenario][0], stack, scenario): NO_REASON for stack in ("openinference", "langfuse") for scenario in ("cut", "filtered")},
    ("ai-runaway-loop", "openinference", "runaway"): "a long conversation has more attributes than an SDK keeps, which is 128",
    ("ai-same-call-repeated", "mcp", "same-call"): "it writes no arguments of a tool",
    **{(BROKEN[scenario][0], "mcp", scenario): NO_AGENT for scenario in ("runaway", "from-memory")},
    ("ai-token-budget", "langfuse", "tokens"): "its counts are in a text of JSON",
}


def broken(stack, scenario):
    """The rules that a run breaks."""
    return INSTEAD.get((stack.name, scenario), BROKEN.get(scenario, ()))


QUERIES = {"secret-in-url": "secret-in-url?api_key=abc", "card-in-url": "card-in-url?card=4111111111111111"}


@dataclasses.dataclass
class Stack:
    """A program with the libraries that write its spans, under one set of conventions."""
    name: str
    column: str  # of the table
    folder: pathlib.Path
    command: object  # of a folder for what is built → the words
    versions: object  # () → {library: version}
    env: dict
    library_of: object  # scenario → the library whose spans it is about
    paths: list = dataclasses.field(default_factory=list)
    renamed: dict = dataclasses.field(default_factory=dict)
    agent: bool = False

    def scenario(self, path):
        name = path.split("?")[0].replace("/", "-")
        return {"admin-right": "right-admin", "fails": "right-fails", **self.renamed}.get(name, name)

    def scenarios(self):
        return [self.scenario(path) for path in self.paths]

    def file(self, scenario):
        library = self.library_of(scenario)
        settings = re.search(r"-(old|told)$|$", self.name)[0]
        return f"{library}-{self.versions()[library]}{settings}-{scenario}"


def routes_of(file, pattern):
    """The scenarios of a program, out of its own text."""
    text = (HERE / file).read_text(encoding="utf-8")
    return [QUERIES.get(name, name) for name in re.findall(pattern, text, re.M) if name != "works-on"]


def about(prefix, database, cache="", messages="", rpc="", http="", server=""):
    """Which library a scenario is about."""
    kinds = ((r"^(right-)?own-|escaped", "sdk"), (r"celery", "celery"), (r"layered", "sqlalchemy"), (r"rpc", rpc), (r"quer|n-plus-one|writes|drop|hidden|denied|security-code|rendering", database),
             (r"cache|list", cache), (r"letter|commit|processed|^loop|fan-out", messages), (r"in-url|slow-request|fails|admin|large|unknown", server),
             (r"", http))
    return lambda scenario: prefix + next(library for pattern, library in kinds if re.search(pattern, scenario))


def node_versions():
    with open(HERE / "node" / "package-lock.json", encoding="utf-8") as file:
        packages = json.load(file)["packages"]
    return {f"js-{re.split('instrumentation-|-node$', name)[-1] or 'sdk'}": entry["version"] for name, entry in packages.items()
            if re.fullmatch(r"node_modules/@opentelemetry/(instrumentation-\w+|sdk-node)", name)}


def python_versions():
    found = re.findall(r"^opentelemetry-(?:instrumentation-)?(\w+)==(\S+)", (HERE / "python" / "requirements.txt").read_text(encoding="utf-8"), re.M)
    return {f"py-{name}": version for name, version in found if name not in ("api", "dbapi", "instrumentation", "proto", "wsgi")}


def go_versions():
    found = re.findall(r"^\s(\S+/(otel\w+)) v(\S+)", (HERE / "go" / "go.mod").read_text(encoding="utf-8"), re.M)
    return {f"go-{name}": version for _, name, version in found}


def java_versions():
    version = re.search(r"opentelemetry-javaagent</artifactId>\s*<version>([^<]+)", (HERE / "java" / "pom.xml").read_text(encoding="utf-8"))[1]
    return {f"java-{name}": version for name in ("jdbc", "jedis", "rabbitmq", "httpclient", "httpserver")}


def node_command(_folder):
    subprocess.run([sys.executable, NODE_PACKAGES, HERE / "node"], check=True, stdout=sys.stderr)
    return [sys.executable, NODE_PACKAGES, "--run", "node", "shop.cjs"]


def python_command(_folder):
    return [python_with(HERE / "python" / "requirements.txt"), "shop.py"]


def go_command(folder):
    program = pathlib.Path(folder) / "shop"
    subprocess.run(["go", "build", "-o", program, "."], cwd=HERE / "go", check=True)
    return [program]


def java_command(_folder):
    program, packages = class_path(HERE / "java", "bed", "package", "--strict-checksums").split(":")
    jars = sorted(pathlib.Path(packages).parent.glob("*.jar"))
    agent = next(jar for jar in jars if jar.name.startswith("opentelemetry-javaagent-"))
    return ["java", f"-javaagent:{agent}", "-cp", ":".join([program, *(str(jar) for jar in jars if jar != agent)]), "Shop"]


NEW = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http,database", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=production", "OTEL_SERVICE_NAME": "shop"}
OLD = {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=production", "OTEL_SERVICE_NAME": "shop"}
# What the Java agent writes only where it is told to: commits, and the sizes of bodies.
TOLD = {"OTEL_INSTRUMENTATION_JDBC_EXPERIMENTAL_TRANSACTION_ENABLED": "true", "OTEL_INSTRUMENTATION_HTTP_SERVER_EMIT_EXPERIMENTAL_TELEMETRY": "true"}
TOLD_PATHS = ["right", "sent-before-commit", "large-response"]
NAMELESS = {"paths": ["right"], "renamed": {"right": "unknown-service"}}


def services():
    node = {"column": "Node", "folder": HERE / "node", "command": node_command, "versions": node_versions,
            "library_of": about("js-", "pg", "ioredis", "amqplib", rpc="grpc", http="http", server="express")}
    with open(HERE / "steps.json", encoding="utf-8") as file:
        own = list(json.load(file))
    node_paths = [*routes_of("node/shop.cjs", r'^  "?([\w/-]+)"?: (?:async )?\('), "fails"]
    python = {"column": "Python", "folder": HERE / "python", "command": python_command, "versions": python_versions,
              "library_of": about("py-", "psycopg2", "redis", "pika", rpc="grpc", http="requests", server="flask")}
    python_paths = routes_of("python/shop.py", r'^    "([\w/-]+)":')
    go = {"column": "Go", "folder": HERE / "go", "command": go_command, "versions": go_versions,
          "library_of": about("go-", "otelsql", rpc="otelgrpc", http="otelhttp", server="otelhttp")}
    go_paths = [*routes_of("go/main.go", r'^	"([\w/-]+)": +func'), "fails", "large-response"]
    java = {"column": "Java", "folder": HERE / "java", "command": java_command, "versions": java_versions,
            "library_of": about("java-", "jdbc", "jedis", "rabbitmq", http="httpclient", server="httpserver")}
    java_paths = routes_of("java/src/main/java/Shop.java", r'^    route\("([\w/-]+)"')
    nameless = {**NEW, "OTEL_SERVICE_NAME": ""}
    unset = {key: value for key, value in NEW.items() if key != "OTEL_SERVICE_NAME"}  # of an empty one the Java agent makes no service.name at all
    return [Stack("node", env=NEW, paths=[*node_paths, *own], **node), Stack("node-old", env=OLD, paths=node_paths, **node),
            Stack("node-nameless", env=nameless, **NAMELESS, **node),
            Stack("python", env=NEW, paths=[*python_paths, *own], **python), Stack("python-old", env=OLD, paths=python_paths, **python),
            Stack("python-nameless", env=nameless, **NAMELESS, **python),
            Stack("go", env=NEW, paths=go_paths, **go), Stack("go-nameless", env=nameless, **NAMELESS, **go),
            Stack("java", env=NEW, paths=java_paths, **java), Stack("java-old", env=OLD, paths=java_paths, **java),
            Stack("java-told", env={**NEW, **TOLD}, paths=TOLD_PATHS, **java), Stack("java-nameless", env=unset, **NAMELESS, **java)]


AGENT_ENV = {"OTEL_SERVICE_NAME": "support-agent", "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"}
# library → its column, the file of its pins, and the packages of the name and version
AGENTS = {
    "openai-agents-v2": ("agents-v2", ROOT / "tests/listen/agent/requirements.txt", "opentelemetry-instrumentation-openai-agents-v2"),
    "openinference": ("OpenInference", HERE / "agents-python/requirements.txt", "openinference-instrumentation-openai-agents"),
    "openllmetry": ("OpenLLMetry", HERE / "agents-python/requirements.txt", "opentelemetry-instrumentation-openai"),
    "pydantic-ai": ("Pydantic AI", HERE / "agents-python/requirements.txt", "pydantic-ai-slim"),
    "strands": ("Strands", HERE / "agents-python/requirements-strands.txt", "strands-agents"),
    "openai-responses": ("Responses", ROOT / "tests/listen/agent/requirements.txt", "opentelemetry-instrumentation-openai-agents-v2"),
    "responses-client": ("Responses client", HERE / "agents-python/requirements.txt", "openinference-instrumentation-openai"),
    "langchain-openinference": ("LangChain OI", HERE / "agents-python/requirements-langchain.txt", "openinference-instrumentation-langchain"),
    "langchain-openllmetry": ("LangChain OL", HERE / "agents-python/requirements-langchain.txt", "opentelemetry-instrumentation-langchain"),
    "mcp": ("MCP", ROOT / "tests/listen/agent/requirements.txt", "mcp"),
    "langfuse": ("Langfuse", HERE / "agents-python/requirements.txt", "langfuse"),
}

ADDRESSED = ("openai-agents-v2", "openai-responses", "pydantic-ai")  # those that write the address of a model
LONG = ("runaway", "same-tool", "right-60000-tokens")  # LangChain writes a thousand attributes and more, which would cost the test seconds
CLIENT_PATHS = ["right-agent", "unapproved", "tokens", "cut", "unbounded", "other-model"]  # enough of a client that shows no tools


def agents():
    with open(HERE / "scripts.json", encoding="utf-8") as file:
        all_paths = list(json.load(file))
    paths = [path for path in all_paths if path != "other-region"]
    own_paths = {"responses-client": CLIENT_PATHS, **{library: [path for path in paths if path not in LONG] for library in AGENTS if "langchain" in library},
             **dict.fromkeys(ADDRESSED, all_paths)}
    for library, (column, pins, package) in AGENTS.items():
        version = re.search(rf"^{package}==(\S+)", pins.read_text(encoding="utf-8"), re.M)[1]
        yield Stack(library, column, HERE / "agents-python", lambda _, pins=pins, library=library: [python_with(pins), "agent.py", library],
                    lambda library=library, version=version: {library: version}, AGENT_ENV, lambda _, library=library: library,
                    own_paths.get(library, paths), agent=True)
    with open(HERE / "agents-js" / "package-lock.json", encoding="utf-8") as file:
        version = json.load(file)["packages"]["node_modules/ai"]["version"]
    yield Stack("ai-sdk", "AI SDK", HERE / "agents-js", ai_sdk_command, lambda: {"ai-sdk": version}, AGENT_ENV, lambda _: "ai-sdk", paths, agent=True)


def ai_sdk_command(_folder):
    subprocess.run([sys.executable, NODE_PACKAGES, HERE / "agents-js"], check=True, stdout=sys.stderr)
    return [sys.executable, NODE_PACKAGES, "--run", "node", "agent.mjs"]


STACKS = [*services(), *agents()]
