"""Starts a Tempo of several processes for tests: a distributor, three ingesters, a query frontend and two queriers, on loopback, with blocks in one folder.

    with TempoCluster() as tempo:                 # talks like a TempoServer: url is the frontend's, otlp_url the distributor's
        tempo.push([otlp.span(...)])
        tempo.kill("ingester-2")                  # SIGKILL; nobody was told
        tempo.wait_ring({"ingester-2": "UNHEALTHY"})
        tempo.start_part("ingester-2")            # again, over what it had on disk

Each process has a supervisor of its own (run_tempo.py), which ends it when the test ends in any way, and the last one takes the common folder along.
It is always the Tempo that the tests build: what is held here was measured on 2.8. `python3 tests/tempo/run_cluster.py` starts one and stays.
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import run_tempo  # noqa: E402  (the folder must be on the path first)
import variants  # noqa: E402
from run_tempo import TempoServer, free_ports, http  # noqa: E402
from tempo_binary import SERVER_MODULE, require_tempo  # noqa: E402

INGESTERS = ("ingester-1", "ingester-2", "ingester-3")
QUERIERS = ("querier-1", "querier-2")
# In the order of starting: who is joined or connected to comes first.
TARGETS = {"distributor": "distributor", **dict.fromkeys(INGESTERS, "ingester"), "query-frontend": "query-frontend", **dict.fromkeys(QUERIERS, "querier")}
CONFIG = os.path.join(SERVER_MODULE, "tempo-cluster.yaml")
PORTS_OF_PART = ("HTTP_PORT", "GRPC_PORT", "ML_PORT")
HAND_OVER_SECONDS, QUIET_LOOKS = 90, 8
WHO_READS_THE_RING = ("distributor", *QUERIERS)


class Part:
    """One process: its ports, which it keeps, and while it runs its supervisor and its pid."""

    def __init__(self, name, ports):
        self.name, self.ports = name, dict(zip(PORTS_OF_PART, ports))
        self.supervisor = self.pid = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.ports['HTTP_PORT']}"

    def run(self, folder, environment):
        self.supervisor = subprocess.Popen(
            [sys.executable, os.path.abspath(run_tempo.__file__), "--supervise", variants.default().program, CONFIG, folder, f"{self.name}.log"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self.pid = int(self.supervisor.stdout.readline() or 0)

    def signal(self, number):
        os.kill(self.pid, number)

    def wait_ended(self, seconds=run_tempo.ENDING_SECONDS):
        self.supervisor.wait(timeout=seconds)
        self.supervisor.stdin.close()
        self.supervisor.stdout.close()
        self.supervisor = self.pid = None

    def is_ready(self):
        if self.supervisor.poll() is not None:
            raise RuntimeError(f"{self.name} ended while starting")
        try:
            return http("GET", self.url + "/ready", timeout=5)[0] == 200
        except OSError:
            return False


class TempoCluster(TempoServer):
    """All of it. parts: {name: Part}; what TempoServer does by url and otlp_url works here too."""

    def __init__(self, replication=3, **settings):
        """settings: others that the config names, with their values (TRACE_IDLE, UNREGISTER, STALE_INDEX, MAX_BLOCK_DURATION)."""
        super().__init__(variant=variants.default())
        self.replication, self.settings = replication, settings
        self.parts = {}

    def start(self):
        """Starts all and waits until queries and pushes work. A port may be taken between choosing and binding, so three attempts."""
        for attempt in range(3):
            self._launch()
            try:
                self._wait_ready()
                return self
            except (RuntimeError, AssertionError):
                self.stop()
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def _launch(self):
        self.folder = tempfile.mkdtemp(prefix="betrace-cluster-")
        os.mkdir(os.path.join(self.folder, "blocks"))
        ports = free_ports(len(PORTS_OF_PART) * len(TARGETS) + 2)
        self.parts = {name: Part(name, ports[3 * number:3 * number + 3]) for number, name in enumerate(TARGETS)}
        self.url = self.parts["query-frontend"].url
        self.otlp_ports = ports[-2:]
        self.otlp_url = f"http://127.0.0.1:{ports[-1]}"
        for name in TARGETS:
            self._run_part(name)

    def _run_part(self, name):
        part = self.parts[name]
        data = os.path.join(self.folder, name)
        os.makedirs(data, exist_ok=True)
        join = ", ".join(f"127.0.0.1:{other.ports['ML_PORT']}" for other in self.parts.values() if other is not part)
        given = {"TARGET": TARGETS[name], "NAME": name, "DATA": data, "BLOCKS": os.path.join(self.folder, "blocks"), "JOIN": join,
                 "FRONTEND": f"127.0.0.1:{self.parts['query-frontend'].ports['GRPC_PORT']}", "LOG_LEVEL": self.log_level,
                 "REPLICATION": str(self.replication), **self.settings,
                 "OTLP_GRPC_PORT": str(self.otlp_ports[0]), "OTLP_HTTP_PORT": str(self.otlp_ports[1])}
        part.run(self.folder, {**os.environ, **given, **{key: str(port) for key, port in part.ports.items()}})

    def _wait_ready(self):
        self.wait_until(lambda: all(part.is_ready() for part in self.parts.values()), "all parts are ready", run_tempo.READY_SECONDS)
        self.wait_ring(dict.fromkeys(INGESTERS, "ACTIVE"))
        self.wait_until(self._receiver_listens, "the distributor takes spans")
        self.wait_until(lambda: self.get("/api/search", {"q": "{}", "limit": 1})[0] == 200, "a search is answered")

    def stop(self):
        """Ends every process and removes the folder. May be called twice."""
        for part in self.parts.values():
            if part.supervisor:
                part.supervisor.stdin.close()
        for part in self.parts.values():
            if part.supervisor:
                part.wait_ended()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    # --- parts ----------------------------------------------------------------------------------------------------------------------

    def kill(self, name):
        """SIGKILL, as an outage would; the others are not told."""
        self.parts[name].signal(signal.SIGKILL)
        self.parts[name].wait_ended()

    def end(self, name):
        """SIGTERM, as whoever rolls out a new version would, and SIGKILL when it does not end."""
        self.parts[name].signal(signal.SIGTERM)
        try:
            self.parts[name].supervisor.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.parts[name].signal(signal.SIGKILL)
        self.parts[name].wait_ended()

    def start_part(self, name):
        """Starts one that ended, over its own folder and ports; does not wait until it is ready."""
        self._run_part(name)

    def wait_part(self, name):
        self.wait_until(self.parts[name].is_ready, f"{name} is ready")

    def ring(self, seen_by="distributor"):
        """{ingester: state} as one part sees it: ACTIVE, UNHEALTHY (no heartbeat for a while), …; an ingester that was forgotten is not in it."""
        status, _, body = http("GET", self.parts[seen_by].url + "/ingester/ring", None, {"Accept": "application/json"}, timeout=5)
        return {row["id"]: row["state"] for row in json.loads(body)["shards"] or []} if status == 200 else {}

    def wait_ring(self, states):
        """Waits until everyone who reads the ring sees these states; None: the ingester is not in it any more."""
        readers = [name for name in WHO_READS_THE_RING if self.parts[name].supervisor]
        self.wait_until(lambda: all(self.ring(reader).get(name) == state for reader in readers for name, state in states.items()),
                        f"the ring has {states}")

    def forget(self, name):
        """What an operator does with an ingester that does not come back."""
        status, _, body = http("POST", self.parts["distributor"].url + "/ingester/ring", f"forget={name}".encode(),
                               {"Content-Type": "application/x-www-form-urlencoded"})
        if status not in (200, 302):
            raise AssertionError(f"forget {name}: {status} {body[:300]!r}")
        self.wait_ring({name: None})

    def hand_over(self):
        """Makes ingesters write all they hold to the common folder, and waits until they hold none of it themselves. What is in memory goes to an open block
        first, which /flush then cuts: so it has to be seen several times that there is none."""
        quiet = 0
        deadline = time.monotonic() + HAND_OVER_SECONDS
        while quiet < QUIET_LOOKS:
            time.sleep(0.3)
            for name in INGESTERS:
                if self.open_blocks(name):
                    http("GET", self.parts[name].url + "/flush")
            quiet = quiet + 1 if not any(self.held_blocks(name) for name in INGESTERS) else 0
            if time.monotonic() > deadline:
                raise AssertionError(f"not handed over: { {name: self.held_blocks(name) for name in INGESTERS} }")

    def open_blocks(self, name):
        return glob.glob(os.path.join(self.folder, name, "wal", "*+*", "meta.json"))

    def held_blocks(self, name):
        """Blocks in the folder of one ingester, open ones too. Spans that it has in memory alone are not seen here."""
        return self.open_blocks(name) + glob.glob(os.path.join(self.folder, name, "wal", "blocks", "single-tenant", "*"))

    def log(self, name=None):
        """What one part wrote, or all."""
        texts = []
        for part in [name] if name else self.parts:
            with open(os.path.join(self.folder, f"{part}.log"), encoding="utf-8", errors="replace") as file:
                texts.append(f"== {part}\n{file.read()}")
        return "\n".join(texts)


def main():
    require_tempo()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    with TempoCluster() as tempo:
        print(f"TEMPO_URL={tempo.url}\nOTLP_URL={tempo.otlp_url}", flush=True)
        try:
            while True:
                time.sleep(60)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
