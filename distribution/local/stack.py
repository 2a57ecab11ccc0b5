"""The stack without Docker, for developers: a real Tempo (the one that tests talk to), betrace with watch, and Debian's Prometheus with the shipped alerts, on loopback.

`up --store clickhouse` has, instead of the Tempo, the engine of ClickHouse and the collector that tests use, which writes as the OpenTelemetry exporter does.
`up`, `down` and `status` beside this file run it. What was started is known by its pid together with its start time, in DIR/NAME.pid, and is ended by that alone.
Environment: BETRACE_LOCAL_DIR (default build/local), TEMPO_PORT 3200, CLICKHOUSE_PORT 8123, OTLP_PORT 4318, BETRACE_PORT 8080, PROMETHEUS_PORT 9090, BETRACE_BIN."""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "tempo"), str(ROOT / "tests" / "clickhouse")]
from clickhouse_server import HERE as CLICKHOUSE, chdb_python  # noqa: E402
from debian_package import programs_of  # noqa: E402
from run_tempo import free_ports, http  # noqa: E402
from tempo_binary import NoTempo, tempo_binary  # noqa: E402

FOLDER = pathlib.Path(os.environ.get("BETRACE_LOCAL_DIR", ROOT / "build" / "local")).resolve()
PORTS = {name: int(os.environ.get(f"{name}_PORT", port)) for name, port in (("TEMPO", 3200), ("CLICKHOUSE", 8123), ("OTLP", 4318), ("BETRACE", 8080), ("PROMETHEUS", 9090))}
TEMPO_URL, CLICKHOUSE_URL = f"http://127.0.0.1:{PORTS['TEMPO']}", f"http://127.0.0.1:{PORTS['CLICKHOUSE']}"
STORES = {"tempo": f"tempo+{TEMPO_URL}", "clickhouse": f"clickhouse+{CLICKHOUSE_URL}/otel?table=otel_traces"}
BETRACE_URL, PROMETHEUS_URL = f"http://127.0.0.1:{PORTS['BETRACE']}", f"http://127.0.0.1:{PORTS['PROMETHEUS']}"
PAGES = ROOT / "grafana-betrace-app" / "dist-ui"
READY_SECONDS, STOP_SECONDS = 60, 5


class Part:
    """One program of the stack: its name, how it is started, and the address that answers 200 once it is ready."""

    def __init__(self, name, ready, command):
        self.name, self.ready, self.command = name, ready, command  # command(): (arguments, environment)
        self.pid_file, self.log = FOLDER / f"{name}.pid", FOLDER / f"{name}.log"

    def pid(self):
        """Of the process that was started here, if it still runs; a pid that another program has by now does not count."""
        try:
            known = json.loads(self.pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return known["pid"] if start_time(known["pid"]) == known["started"] else None

    def is_ready(self):
        try:
            return http("GET", self.ready, timeout=6)[0] == 200
        except OSError:
            return False

    def start(self):
        arguments, environment = self.command()
        with open(self.log, "ab") as log:
            process = subprocess.Popen(list(map(str, arguments)), env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       cwd=FOLDER, start_new_session=True)
        self.pid_file.write_text(json.dumps({"pid": process.pid, "started": start_time(process.pid)}), encoding="ascii")
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if self.is_ready():
                return
            time.sleep(0.1)
        tail = self.log.read_text(encoding="utf-8", errors="replace")[-1500:]
        raise SystemExit(f"{self.name} did not get ready; the end of {self.log}:\n{tail}")

    def wait_for_end(self, seconds):
        deadline = time.monotonic() + seconds
        while self.pid() and time.monotonic() < deadline:
            time.sleep(0.05)

    def stop(self):
        """True when it ran. SIGTERM, and SIGKILL for what does not end by it."""
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
            self.wait_for_end(STOP_SECONDS)
            if self.pid():
                os.kill(pid, signal.SIGKILL)
                self.wait_for_end(STOP_SECONDS)
        self.pid_file.unlink(missing_ok=True)
        return bool(pid)


def start_time(pid):
    """In ticks since the machine started; None where there is no such process, or only what is left of one."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def tempo_command():
    grpc, otlp_grpc, members = free_ports(3)
    environment = {"HTTP_PORT": PORTS["TEMPO"], "OTLP_HTTP_PORT": PORTS["OTLP"], "GRPC_PORT": grpc, "OTLP_GRPC_PORT": otlp_grpc, "ML_PORT": members,
                   "DATA": FOLDER / "tempo", "MULTI": "false", "LOG_LEVEL": "warn"}
    config = ROOT / "tests" / "tempo" / "server" / "tempo-test.yaml"
    return [tempo_binary(), f"-config.file={config}", "-config.expand-env=true"], {name: str(value) for name, value in environment.items()}


def clickhouse_command():
    (tcp,) = free_ports(1)
    return [chdb_python(), f"{CLICKHOUSE}/chdb_http.py", "--data", FOLDER / "clickhouse", "--http", PORTS["CLICKHOUSE"], "--tcp", tcp], {}


def collector_command():
    return [sys.executable, f"{CLICKHOUSE}/collector.py", "--port", PORTS["OTLP"], "--clickhouse", PORTS["CLICKHOUSE"]], {}


def betrace_command():
    program = os.environ.get("BETRACE_BIN") or build_betrace()
    pages = ["--ui", PAGES] if (PAGES / "index.html").exists() else []
    return [os.path.abspath(program), "serve", "--watch", "--store", STORES[store()], "--otlp", otlp_url(), "--db", FOLDER / "rules.db",
            "--listen", f"127.0.0.1:{PORTS['BETRACE']}", *pages, *evidence_key()], {}


def evidence_key():
    """Flags for the key that signs compliance reports. It is made once, with its public half beside it, where there is an openssl."""
    private, public = FOLDER / "evidence.pem", FOLDER / "evidence.pub"
    if not shutil.which("openssl"):
        return []
    if not private.exists():
        made = private.with_suffix(".new")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", made], check=True)
        made.chmod(0o600)
        made.rename(private)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return ["--evidence-key", private]


def build_betrace():
    program = ROOT / "build" / "release" / "server" / "betrace"
    if not program.exists():
        subprocess.run(["cmake", "--preset", "release", "-DBETRACE_TESTS=OFF"], cwd=ROOT, check=True)
        subprocess.run(["cmake", "--build", "--preset", "release", "--target", "betrace"], cwd=ROOT, check=True)
    return program


def prometheus_command():
    rules = ROOT / "distribution" / "prometheus"
    jobs = {"betrace": PORTS["BETRACE"], **({"tempo": PORTS["TEMPO"]} if store() == "tempo" else {})}
    config = {"global": {"scrape_interval": "5s", "evaluation_interval": "5s"}, "rule_files": [str(file) for file in sorted(rules.glob("*.yaml"))],
              "scrape_configs": [{"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for name, port in jobs.items()]}
    (FOLDER / "prometheus.yml").write_text(json.dumps(config, indent=1), encoding="utf-8")
    program = programs_of("prometheus", "usr/bin/prometheus", "usr/bin/promtool") / "prometheus"
    return [program, f"--config.file={FOLDER}/prometheus.yml", f"--storage.tsdb.path={FOLDER}/prometheus", f"--web.listen-address=127.0.0.1:{PORTS['PROMETHEUS']}"], {}


PARTS = {part.name: part for part in (Part("tempo", f"{TEMPO_URL}/ready", tempo_command), Part("clickhouse", f"{CLICKHOUSE_URL}/ping", clickhouse_command),
                                      Part("collector", f"http://127.0.0.1:{PORTS['OTLP']}/ready", collector_command),
                                      Part("betrace", f"{BETRACE_URL}/ready", betrace_command), Part("prometheus", f"{PROMETHEUS_URL}/-/ready", prometheus_command))}
PARTS_OF = {"tempo": ("tempo", "betrace", "prometheus"), "clickhouse": ("clickhouse", "collector", "betrace", "prometheus")}


def store():
    """Of the stack in this folder, as `up` was told."""
    file = FOLDER / "store"
    return file.read_text(encoding="ascii") if file.exists() else "tempo"


def otlp_url():
    """The collector before ClickHouse is told by its path which tables to write."""
    return f"http://127.0.0.1:{PORTS['OTLP']}" + ("/map/otel" if store() == "clickhouse" else "")


def parts():
    return [PARTS[name] for name in PARTS_OF[store()]]


def choose_store(name):
    """Whatever runs is of one store."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if name != store() and any(part.pid() for part in parts()):
        raise SystemExit(f"what runs here is of {store()}: distribution/local/down first, or another BETRACE_LOCAL_DIR")
    (FOLDER / "store").write_text(name, encoding="ascii")


def up(name):
    choose_store(name)
    for part in parts():
        if part.pid():
            print(f"{part.name} runs already")
            continue
        if part.is_ready():
            raise SystemExit(f"something else answers at {part.ready}; choose another port ({', '.join(f'{name}_PORT' for name in PORTS)})")
        try:
            part.start()
        except (NoTempo, unittest.SkipTest, OSError) as missing:
            if part.name != "prometheus":
                raise SystemExit(f"{part.name} cannot be started: {missing}") from missing
            print(f"without prometheus: {missing}")
    status()
    print(f"\nTraces: OTLP over HTTP to {otlp_url()}, for instance betrace generate --otlp {otlp_url()} --traces 2000 --since 24h\n"
          f"Store:  --store '{STORES[name]}'\n"
          f"Pages:  {BETRACE_URL + '/' if (PAGES / 'index.html').exists() else 'not built (make ui)'}\nData and logs: {FOLDER}\nEnd:    distribution/local/down")
    return 0


def down():
    for part in reversed(parts()):
        print(f"{part.name}: {'ended' if part.stop() else 'did not run'}")
    return 0


def status():
    """0: all of it runs and is ready."""
    fine = True
    for part in parts():
        pid = part.pid()
        word = "not running" if not pid else "ready" if part.is_ready() else "running, not ready"
        fine = fine and word == "ready"
        print(f"{part.name:<11} {word:<19} {f'pid {pid}' if pid else '':<13} {part.ready.rsplit('/', 1)[0] if part.name != 'prometheus' else PROMETHEUS_URL}")
    return 0 if fine else 1


def main(arguments):
    parser = argparse.ArgumentParser(prog="distribution/local/up", description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=("up", "down", "status"), help=argparse.SUPPRESS)
    parser.add_argument("--store", choices=tuple(STORES), help="up: where traces are kept (tempo)")
    options = parser.parse_args(arguments)
    return {"up": lambda: up(options.store or store()), "down": down, "status": status}[options.verb]()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
