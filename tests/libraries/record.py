"""Records what real libraries write. It starts PostgreSQL, Redis, RabbitMQ and a fake model, and runs the programs in this folder under their
instrumentations. It takes their spans by `betrace listen --save`, and writes one small file for each run.

    python3 tests/libraries/record.py [STACK …]        writes tests/libraries/recorded/LIBRARY-VERSION-SCENARIO.jsonl
    python3 tests/libraries/record.py --new [STACK …]  writes only the runs that have no file yet
    python3 tests/libraries/record.py --check          records all into a folder of its own and holds that to what is expected

Ids, and the time at which a run began, are replaced. Attributes that say where a program ran, and ids of LangGraph's steps, are left out,
and texts of more than 300 characters are cut. Nothing else is changed.
"""
import dataclasses
import gzip
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(HERE)]
from betrace_process import binary  # noqa: E402
from scenarios import STACKS  # noqa: E402
from servers import Servers, install_packages  # noqa: E402

RECORDED = HERE / "recorded"
LARGEST_PLAIN = 4096
LONGEST_TEXT = 300
EPOCH = 1790000000000000000
KEPT_OF_RESOURCE = ("service.name", "deployment.environment", "deployment.environment.name")
LEFT_OUT = re.compile(r"^(thread\.|code\.|process\.|network\.peer\.|net\.peer\.ip|user_agent\.|http\.user_agent|exception\.stacktrace|db\.connection_string"
                      r"|(gen_ai|traceloop)\..*(checkpoint_ns|task\.(parent\.)?id|lc_versions)$)")


class Listener:
    """`betrace listen` in the background; spans() ends it and gives what it took."""

    def __init__(self, folder):
        self.file = pathlib.Path(folder) / "taken.jsonl"
        self.process = subprocess.Popen([binary(), "listen", "--dsl", "trace.has(exists(span.none))", "--listen", "127.0.0.1:0", "--save", self.file,
                                         "--settle", "1s"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            found = re.search(r"(http://127\.0\.0\.1:\d+)", line)
            if found:
                self.url = found[1]
                return
        raise SystemExit(f"betrace listen did not begin: {self.said}")

    def spans(self):
        """(resource, scope, span) of all that came."""
        self.process.send_signal(signal.SIGINT)
        self.said += self.process.stderr.readlines()
        if self.process.wait(60) == 2 or not self.file.exists():
            raise SystemExit(f"betrace listen took nothing: {''.join(self.said)}")
        for line in self.file.read_text(encoding="utf-8").splitlines():
            for resource in json.loads(line).get("resourceSpans", []):
                for scope in resource.get("scopeSpans", []):
                    for span in scope.get("spans", []):
                        yield resource.get("resource", {}), scope.get("scope", {}), span


def value_of(span, *keys):
    for attribute in span.get("attributes", []):
        if attribute["key"] in keys:
            return next(iter(attribute["value"].values()))
    return None


def traces_of(spans):
    """Traces as lists of (resource, scope, span), the earliest span first."""
    traces = {}
    for entry in spans:
        traces.setdefault(entry[2]["traceId"], []).append(entry)
    return [sorted(trace, key=lambda entry: int(entry[2]["startTimeUnixNano"])) for trace in traces.values()]


def scenario_of(trace):
    """What was asked for: the path of the request that has no parent."""
    for _, _, span in trace:
        if not span.get("parentSpanId"):
            return str(value_of(span, "url.path", "http.target") or "").split("?")[0].strip("/")
    return ""


def without_places(holder):
    """What a reader of the file needs: no paths of this machine, no thread numbers, no whole conversations."""
    if "attributes" in holder:
        holder["attributes"] = [attribute for attribute in holder["attributes"] if not LEFT_OUT.match(attribute["key"])]
    for attribute in holder.get("attributes", []):
        text = attribute["value"].get("stringValue", "")
        if len(text) > LONGEST_TEXT:
            attribute["value"]["stringValue"] = text[:LONGEST_TEXT] + "…"
    for event in holder.get("events", []):
        without_places(event)
    return holder


def written(traces, name):
    """The traces as OTLP JSON lines, one each, with ids out of the file's name and times from EPOCH on."""
    ids = {}

    def other_id(old, digits):
        return ids.setdefault(old, hashlib.sha256(f"{name} {len(ids)}".encode()).hexdigest()[:digits])
    begin = min(int(span["startTimeUnixNano"]) for trace in traces for _, _, span in trace)
    lines = []
    for trace in traces:
        resources = {}
        for resource, scope, span in trace:
            moved = without_places(json.loads(json.dumps(span)))
            moved.pop("flags", None)
            for holder in (moved, *moved.get("links", [])):
                holder["traceId"], holder["spanId"] = other_id(holder["traceId"], 32), other_id(holder["spanId"], 16)
            if moved.get("parentSpanId"):
                moved["parentSpanId"] = other_id(moved["parentSpanId"], 16)
            for holder, key in [(moved, "startTimeUnixNano"), (moved, "endTimeUnixNano")] + [(event, "timeUnixNano") for event in moved.get("events", [])]:
                holder[key] = str(int(holder[key]) - begin + EPOCH)
            kept = [attribute for attribute in resource.get("attributes", []) if attribute["key"] in KEPT_OF_RESOURCE]
            resources.setdefault(json.dumps(kept), {}).setdefault(json.dumps({key: scope[key] for key in ("name", "version") if key in scope}), []).append(moved)
        line = {"resourceSpans": [{"resource": {"attributes": json.loads(kept)}, "scopeSpans": [{"scope": json.loads(scope), "spans": spans}
                                                                                              for scope, spans in scopes.items()]}
                                  for kept, scopes in resources.items()]}
        lines.append(json.dumps(line, separators=(",", ":"), ensure_ascii=False))
    return "\n".join(lines) + "\n"


def keep(target, name, traces):
    """The file of a run; a large one is packed, so that all of them together stay small."""
    text = written(traces, name).encode()
    for old in target.glob(f"{name}.jsonl*"):
        old.unlink()
    if len(text) > LARGEST_PLAIN:
        (target / f"{name}.jsonl.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    else:
        (target / f"{name}.jsonl").write_bytes(text)


def ask(port, path):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30).read()
    except urllib.error.HTTPError:
        pass


def environment_of(stack, addresses, listener):
    return dict(os.environ, **addresses, OTEL_EXPORTER_OTLP_ENDPOINT=listener.url, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
                OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none", **stack.env)


def run_agents(stack, addresses, folder):
    """{scenario: its traces} of a program that goes through all of its runs."""
    listener = Listener(folder)
    with open(pathlib.Path(folder) / "program.log", "w", encoding="utf-8") as log:
        subprocess.run(stack.command(folder), stdout=log, stderr=log, env=environment_of(stack, addresses, listener), cwd=stack.folder, check=True,
                       timeout=300)
    return runs_of(stack, listener)


def runs_of(stack, listener):
    found = {}
    for trace in traces_of(listener.spans()):
        found.setdefault(scenario_of(trace), []).append(trace)
    return {stack.scenario(path): found[path.split("?")[0]] for path in stack.paths if path.split("?")[0] in found}


def run_service(stack, addresses, folder):
    """{scenario: its traces} of a service that is asked for each of its routes."""
    listener = Listener(folder)
    env = environment_of(stack, addresses, listener)
    with open(pathlib.Path(folder) / "program.log", "w", encoding="utf-8") as log, \
            subprocess.Popen(stack.command(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=env, cwd=stack.folder) as process:
        port = int(process.stdout.readline())
        for path in stack.paths:
            ask(port, path)
        time.sleep(1)
        process.stdin.close()
        process.wait(60)
    return runs_of(stack, listener)


def without_known(stack):
    """The stack with those of its runs alone that have no file."""
    return dataclasses.replace(stack, paths=[path for path in stack.paths if not list(RECORDED.glob(f"{stack.file(stack.scenario(path))}.jsonl*"))])


def record(stack, addresses, target):
    with tempfile.TemporaryDirectory(prefix="betrace-libraries-") as folder:
        runs = (run_agents if stack.agent else run_service)(stack, addresses, folder)
    missing = set(stack.scenarios()) - set(runs)
    if missing:
        print(f"{stack.name}: no trace of {', '.join(sorted(missing))}", file=sys.stderr)
    for scenario, traces in runs.items():
        keep(target, stack.file(scenario), traces)
    print(f"{stack.name}: {len(runs)} runs")
    return not missing


def main(arguments):
    check = "--check" in arguments
    wanted = [word for word in arguments if not word.startswith("--")]
    stacks = [stack for stack in STACKS if not wanted or stack.name in wanted]
    if "--new" in arguments:
        stacks = [stack for stack in map(without_known, stacks) if stack.paths]
    install_packages()
    with tempfile.TemporaryDirectory(prefix="betrace-libraries-") as folder:
        os.chmod(folder, 0o755)
        target = RECORDED
        if check:
            target = pathlib.Path(folder) / "recorded"
            target.mkdir()
        with Servers(folder) as addresses:
            complete = [record(stack, addresses, target) for stack in stacks]
        if check:
            done = subprocess.run([sys.executable, ROOT / "tests" / "http" / "test_packs_recorded.py"], check=False, env=dict(os.environ, RECORDED=str(target)))
            return done.returncode or (0 if all(complete) else 1)
    return 0 if all(complete) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
