"""Foreign libraries are fenced by folder, and folders stand on floors (docs/ARCHITECTURE.md): this reads #include lines and target_link_libraries."""
import os
import re

from sources import without_comments

SUMMARY = "each folder includes and links only what its fence allows, and nothing from a floor above"

C11 = set("assert ctype errno float inttypes limits math stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string".split())
# What libc offers besides: allowed wherever system calls are (tempo/ and server/), never in dsl/.
POSIX = set("""aio dirent fcntl fnmatch getopt glob grp libgen locale malloc netdb poll pwd regex sched setjmp signal spawn strings syslog termios
threads time unistd wchar sys arpa net netinet endian linux""".split())
CXX = set("algorithm cstddef cstdint cstdlib cstring exception functional memory new string string_view utility vector".split())
FOREIGN = [("re2/", "re2"), ("curl/", "curl"), ("protobuf-c/", "protobuf-c"), ("jansson.h", "jansson"), ("zlib.h", "zlib"), ("zstd", "zstd"),
           ("pthread.h", "pthread"), ("sqlite3.h", "sqlite3"), ("h2o", "h2o"), ("yaml.h", "libyaml"), ("grpc/", "grpc"),
           ("openssl/sha.h", "libcrypto"), ("openssl/evp.h", "libcrypto"), ("openssl/pem.h", "libcrypto"), ("openssl/x509.h", "libcrypto"),
           ("openssl/ts.h", "libcrypto"), ("openssl/err.h", "libcrypto"),
           ("openssl/", "openssl")]
LINKED = {"PkgConfig::RE2": "re2", "PkgConfig::CURL": "curl", "PkgConfig::PROTOBUF_C": "protobuf-c", "PkgConfig::JANSSON": "jansson",
          "ZLIB::ZLIB": "zlib", "PkgConfig::ZSTD": "zstd", "Threads::Threads": "pthread", "PkgConfig::SQLITE3": "sqlite3", "PkgConfig::H2O": "h2o",
          "PkgConfig::YAML": "libyaml", "PkgConfig::GRPC": "grpc", "OpenSSL::SSL": "openssl", "OpenSSL::Crypto": "libcrypto"}
SERVER = {"pthread", "libcrypto"}
WIRE = {"curl", "protobuf-c", "jansson", "zlib", "zstd", "pthread"}
# The libraries of a folder; the longest that fits a path wins.
FENCE = {
    "dsl": set(),
    "tempo": WIRE,
    "tempo/wire": WIRE,
    "tempo/api": {"jansson", "pthread"},
    "tempo/files": {"pthread"},
    "tempo/clickhouse": {"pthread"},
    "tempo/elastic": {"pthread"},
    "server": SERVER,
    "server/store": SERVER | {"sqlite3"},
    "server/http": SERVER | {"h2o", "jansson", "openssl"},
    "server/rulefile": SERVER | {"libyaml"},
    "server/json": SERVER | {"jansson"},
    "server/compliance": SERVER | {"jansson"},
    "server/lsp": SERVER | {"jansson"},
    "server/cli": SERVER | {"jansson"},
    "server/cli/lab": SERVER | {"jansson"},
    "server/cli/mcp": SERVER | {"jansson"},
    "server/cli/merge": SERVER | {"jansson"},
    "server/mcp": SERVER | {"jansson"},
    "server/grpc": SERVER | {"grpc", "protobuf-c", "jansson"},
}
# From the ground up. A file includes headers of its own folder and of lower floors, never of a folder beside it.
FLOORS = [
    ["dsl/base"],
    ["dsl/pattern", "dsl/trace"],
    ["dsl/rule"],
    ["dsl/syntax", "dsl/plan", "dsl/evaluate", "dsl/mine"],
    ["dsl/check", "dsl/example"],
    ["dsl"],  # compile.c, which knows them all
    ["tempo/wire"],
    ["tempo/api", "tempo/files", "tempo/clickhouse", "tempo/elastic"],
    ["server/base"],
    ["server/rules", "server/memory", "server/metrics", "server/telemetry"],
    ["server/work", "server/store", "server/editor", "server/rulefile"],
    ["server/replay", "server/doctor", "server/import", "server/sampler", "server/backtest"],
    ["server/settings", "server/query", "server/watch"],
    ["server/json"],
    ["server/compliance", "server/lsp", "server/mcp"],
    ["server/http"],
    ["server/grpc"],
    ["server"],  # main, and what starts and ends the service
    ["server/cli"],
    ["server/cli/lab", "server/cli/mcp", "server/cli/merge"],
]
# Doors in a floor that are for some alone: what stands on a source takes tempo/wire/source.h, and only who opens one knows which it is.
ONLY_FOR = {
    "tempo/api": {"server/settings", "server/doctor"},
    "tempo/clickhouse": {"server/settings", "server/doctor"},
    "tempo/elastic": {"server/settings", "server/doctor"},
    "tempo/files": {"server/rulefile", "server/http", "server/cli", "server/cli/lab", "server"},
}
# Rooms that lie lower and are shut all the same.
NOT_FOR = {
    "dsl/plan": {"dsl/check"},  # which would ask what a search finds: compile.c does
}
# Above everything: they name what there is.
TOP = {"server/main.c", "server/cli/commands.c"}
# The one file that reaches RE2.
RE2_SHIM = "dsl/pattern/pattern_re2.cc"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LINK = re.compile(r"target_link_libraries\(\s*(\S+)\s([^)]*)\)")


def fence_of(path):
    folder = os.path.dirname(path)
    while folder and folder not in FENCE:
        folder = os.path.dirname(folder)
    return folder


def foreign_library(header):
    return next((library for prefix, library in FOREIGN if header == prefix or header.startswith(prefix)), None)


def check_system_include(file, folder, header):
    """None, or what is wrong with <header> in this file."""
    allowed = FENCE[folder] | ({"re2"} if file == RE2_SHIM else set())
    library = foreign_library(header)
    if library:
        return None if library in allowed else f"{library} is not allowed in {folder}/"
    name = header.split("/")[0].removesuffix(".h")
    if name in C11 or (file.endswith(".cc") and name in CXX):
        return None
    if name in POSIX:
        return "dsl/ is pure: no I/O, threads or clock" if folder == "dsl" else None
    return "unknown header: if it belongs to libc or to an allowed library, add it to tests/lint/rule_folder_fence.py"


def floor_of(path):
    """(number, folder) of the room that a file or header lies in; None: in none."""
    folder = os.path.dirname(path)
    while folder:
        for number, rooms in enumerate(FLOORS):
            if folder in rooms:
                return number, folder
        folder = os.path.dirname(folder)
    return None


def check_own_include(tree, file, header):
    """None, or what is wrong with "header" in this file."""
    if header not in tree.files and not header.endswith(".pb-c.h"):
        return "no such header, by its path from the root"
    here, there = floor_of(file), floor_of(header)
    if not there or not here:
        return "it lies in no folder that FLOORS of tests/lint/rule_folder_fence.py has"
    if file in TOP or here == there:
        return None
    if there[0] >= here[0]:
        return f"{there[1]}/ is not below {here[1]}/ (FLOORS in tests/lint/rule_folder_fence.py)"
    if here[1] in NOT_FOR.get(there[1], ()):
        return f"{there[1]}/ is not for {here[1]}/ (NOT_FOR in tests/lint/rule_folder_fence.py)"
    if here[1] not in ONLY_FOR.get(there[1], {here[1]}) and not here[1].startswith("tempo/"):
        return f"{there[1]}/ is for {', '.join(sorted(ONLY_FOR[there[1]]))} alone"
    return None


def include_findings(tree):
    for file in tree.matching(".c", ".h", ".cc", under=("dsl", "tempo", "server")):
        folder = fence_of(file)
        for number, line in enumerate(without_comments(tree.read(file)).split("\n"), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            mark, header = match.groups()
            wrong = check_system_include(file, folder, header) if mark == "<" else check_own_include(tree, file, header)
            if wrong:
                yield f"{file}:{number}: includes {header}: {wrong}"


def target_folder(file, target):
    """server/CMakeLists.txt may define server_store: that target has the fence of server/store."""
    named = target.replace("_", "/", 1)
    named = {"server_lab": "server/cli/lab", "server_cli_mcp": "server/cli/mcp", "server_cli_merge": "server/cli/merge"}.get(target, named)
    return named if named in FENCE else fence_of(file)


def link_findings(tree):
    for file in tree.matching("CMakeLists.txt", under=("dsl", "tempo", "server")):
        text = re.sub(r"#[^\n]*", "", tree.read(file))
        for match in LINK.finditer(text):
            target, rest = match.groups()
            folder = target_folder(file, target)
            allowed = FENCE[folder] | ({"re2"} if folder == "dsl" else set())
            scope = None
            for word in rest.split():
                if word in ("PUBLIC", "PRIVATE", "INTERFACE"):
                    scope = word
                elif "::" in word and word not in LINKED:
                    yield f"{file}: {target} links {word}, which tests/lint/rule_folder_fence.py does not know"
                elif word in LINKED and LINKED[word] not in allowed:
                    yield f"{file}: {target} links {word}, which is not allowed in {folder}/"
                elif word in LINKED and scope != "PRIVATE" and not target.endswith("_proto"):  # generated headers need the library's
                    yield f"{file}: {target} links {word} {scope}: foreign libraries are linked PRIVATE"


def findings(tree):
    yield from include_findings(tree)
    yield from link_findings(tree)


BAD = [
    {"dsl/base/a.c": '#include "dsl/trace/b.h"\n', "dsl/trace/b.h": ""},
    {"dsl/trace/a.c": '#include "dsl/pattern/b.h"\n', "dsl/pattern/b.h": ""},
    {"dsl/plan/a.c": '#include "dsl/syntax/b.h"\n', "dsl/syntax/b.h": ""},
    {"dsl/check/a.c": '#include "dsl/plan/b.h"\n', "dsl/plan/b.h": ""},
    {"dsl/check/a.c": '#include "dsl/b.h"\n', "dsl/b.h": ""},
    {"dsl/rule/a.c": "#include <unistd.h>\n"},
    {"dsl/a.c": "#include <curl/curl.h>\n"},
    {"dsl/a.c": "#include <pthread.h>\n"},
    {"dsl/a.c": "#include <unistd.h>\n"},
    {"dsl/a.c": "#include <re2/re2.h>\n"},
    {"dsl/a.c": '#include "server/b.h"\n', "server/b.h": ""},
    {"tempo/wire/a.c": '#include "server/base/b.h"\n', "server/base/b.h": ""},
    {"tempo/wire/a.c": '#include "tempo/api/b.h"\n', "tempo/api/b.h": ""},
    {"tempo/api/a.c": '#include "tempo/files/b.h"\n', "tempo/files/b.h": ""},
    {"tempo/api/a.c": "#include <curl/curl.h>\n"},
    {"tempo/a.c": "#include <sqlite3.h>\n"},
    {"server/replay/a.c": '#include "server/query/b.h"\n', "server/query/b.h": ""},
    {"server/replay/a.c": '#include "tempo/api/b.h"\n', "tempo/api/b.h": ""},
    {"server/query/a.c": '#include "server/watch/b.h"\n', "server/watch/b.h": ""},
    {"server/cli/a.c": '#include "server/cli/lab/b.h"\n', "server/cli/lab/b.h": ""},
    {"server/http/a.c": '#include "server/b.h"\n', "server/b.h": ""},
    {"server/a.c": "#include <jansson.h>\n"},
    {"server/store/a.c": "#include <h2o.h>\n"},
    {"server/a.c": "#include <openssl/ssl.h>\n"},
    {"server/http/a.c": "#include <grpc/grpc.h>\n"},
    {"server/grpc/a.c": "#include <h2o.h>\n"},
    {"server/a.c": '#include "dsl/gone.h"\n'},
    {"server/a.c": "#include <lua.h>\n"},
    {"server/CMakeLists.txt": "target_link_libraries(server_base PUBLIC dsl PRIVATE PkgConfig::SQLITE3)\n"},
    {"server/CMakeLists.txt": "target_link_libraries(server_store PRIVATE PkgConfig::H2O)\n"},
    {"tempo/CMakeLists.txt": "target_link_libraries(tempo PUBLIC PkgConfig::CURL)\n"},
]
GOOD = [
    {"dsl/check/a.c": '#include "dsl/base/b.h"\n#include "dsl/syntax/b.h"\n', "dsl/base/b.h": "", "dsl/syntax/b.h": ""},
    {"dsl/a.c": '#include "dsl/check/b.h"\n#include "dsl/plan/b.h"\n', "dsl/check/b.h": "", "dsl/plan/b.h": ""},
    {"server/cli/lab/a.c": '#include "server/cli/b.h"\n#include "server/cli/lab/c.h"\n', "server/cli/b.h": "", "server/cli/lab/c.h": ""},
    {"server/main.c": '#include "server/cli/b.h"\n', "server/cli/b.h": ""},
    {"server/settings/a.c": '#include "tempo/api/b.h"\n', "tempo/api/b.h": ""},
    {"tempo/files/a.c": '#include "tempo/wire/b.h"\n', "tempo/wire/b.h": ""},
    {"dsl/a.c": '#include "dsl/b.h"\n#include <string.h>\n// #include <curl/curl.h>\n', "dsl/b.h": ""},
    {"dsl/pattern/pattern_re2.cc": "#include <re2/re2.h>\n#include <new>\n"},
    {"server/http/a.c": "#include <h2o.h>\n#include <openssl/ssl.h>\n#include <jansson.h>\n#include <sys/socket.h>\n"},
    {"server/CMakeLists.txt": "target_link_libraries(server_store PUBLIC server_base PRIVATE PkgConfig::SQLITE3)\n"},
    {"server/grpc/a.c": "#include <grpc/grpc.h>\n#include <jansson.h>\n#include <protobuf-c/protobuf-c.h>\n"},
    {"tempo/wire/proto/CMakeLists.txt": "target_link_libraries(tempo_wire_proto PUBLIC PkgConfig::PROTOBUF_C)\n"},
]
