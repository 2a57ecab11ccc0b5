"""There is one version, in VERSION. CMake reads it; files that have to spell it out (the chart, the app, image tags, the API's description) say the same."""
import re

SUMMARY = "every file that states the version states that of VERSION"
# (file, what stands around the version); each has to be there wherever the file is.
PLACES = (
    ("distribution/helm/betrace/Chart.yaml", r"^version: (\S+)$"),
    ("distribution/helm/betrace/Chart.yaml", r'^appVersion: "([^"]+)"$'),
    ("distribution/docker/Dockerfile", r"^ARG VERSION=(\S+)$"),
    ("distribution/docker/docker-compose.yml", r"^\s+image: betrace:(\S+)$"),
    ("distribution/kubernetes/replay-shards.yaml", r"^\s+image: ghcr.io/betracehq/betrace:(\S+)$"),
    ("distribution/kubernetes/merge-shards.yaml", r"^\s+image: ghcr.io/betracehq/betrace:(\S+)$"),
    ("grafana-betrace-app/package.json", r'^  "version": "([^"]+)",?$'),
    ("docs/openapi.yaml", r"^  version: (\S+)$"),
)


def findings(tree):
    if "VERSION" not in tree.files:
        return
    version = tree.read("VERSION").strip()
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"VERSION:1: {version!r}: expected three numbers with points between"
    for file, pattern in PLACES:
        if file not in tree.files:
            continue
        text = tree.read(file)
        found = list(re.finditer(pattern, text, re.M))
        if not found:
            yield f"{file}:1: states no version where {pattern} was expected"
        for match in found:
            if match.group(1) != version:
                yield f"{file}:{text.count(chr(10), 0, match.start()) + 1}: {match.group(1)}: VERSION says {version}"
    for file, number, match in tree.grep(re.compile(r"^project\(betrace VERSION (\S+)"), [name for name in tree.files if name == "CMakeLists.txt"]):
        if match.group(1) != "${BETRACE_VERSION}":
            yield f"{file}:{number}: {match.group(1)}: CMake reads VERSION"


BAD = [
    {"VERSION": "1.2\n"},
    {"VERSION": "1.2.3\n", "docs/openapi.yaml": "info:\n  version: 1.2.4\n"},
    {"VERSION": "1.2.3\n", "docs/openapi.yaml": "info:\n"},
    {"VERSION": "1.2.3\n", "distribution/helm/betrace/Chart.yaml": 'version: 1.2.3\nappVersion: "1.2.2"\n'},
    {"VERSION": "1.2.3\n", "distribution/docker/docker-compose.yml": "    image: betrace:1.2.3\n    image: betrace:1.2.2\n"},
    {"VERSION": "1.2.3\n", "grafana-betrace-app/package.json": '{\n  "version": "1.0.0",\n}\n'},
    {"VERSION": "1.2.3\n", "CMakeLists.txt": "project(betrace VERSION 1.2.3 LANGUAGES C)\n"},
]
GOOD = [
    {"VERSION": "1.2.3\n", "docs/openapi.yaml": "info:\n  version: 1.2.3\n", "CMakeLists.txt": "project(betrace VERSION ${BETRACE_VERSION} LANGUAGES C)\n"},
    {"docs/openapi.yaml": "info:\n  version: 1.2.4\n"},
]
