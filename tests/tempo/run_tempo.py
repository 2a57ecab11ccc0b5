"""Starts a real Tempo for tests: loopback, free ports, a data folder of its own, nothing left behind.

    with TempoServer(config="fast") as tempo:          # or "stock"
        tempo.push([otlp.span(...)], service="shop")
        tempo.wait_until(lambda: tempo.search('{name="x"}'), "x is searchable")

Tempo runs under a small supervisor (this file with --supervise) that holds one end of a pipe. When the pipe closes, because the test stopped
the server or died in any way, the supervisor ends Tempo (SIGTERM, after a second SIGKILL) and removes the data folder.

From a shell: `python3 tests/tempo/run_tempo.py --config fast --print-env` prints `export` lines with the URLs and stays until it is killed.
Config "fast" (server/tempo-test.yaml, of 3.x tempo-3-test.yaml) answers everything from the ingester, of 3.x the live store, within half a second; "stock"
(server/tempo-stock.yaml, tempo-3-stock.yaml) has the caps, backend blocks and hand-over gaps of a real one; "settled" (server/tempo-settled.yaml,
tempo-3-settled.yaml) is one that, after settle(), holds all of it in blocks alone, as a real one does data that are some hours old: for measuring.
Which Tempo it is, and which layout its blocks have, says BETRACE_TEMPO_VARIANT (variants.py); without it, it is the one that the tests build.
"""
import argparse
import ctypes
import glob
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import otlp  # noqa: E402  (the folder must be on the path first)
import variants  # noqa: E402
from tempo_binary import SERVER_MODULE, require_tempo  # noqa: E402

CONFIGS = {"fast": {2: "tempo-test.yaml", 3: "tempo-3-test.yaml"}, "stock": {2: "tempo-stock.yaml", 3: "tempo-3-stock.yaml"},
           "settled": {2: "tempo-settled.yaml", 3: "tempo-3-settled.yaml"}}
# What the names in a settled config stand for once all was handed over.
HANDED_OVER = {"COMPLETE_BLOCK_TIMEOUT": "40s", "QUERY_BACKEND_AFTER": "60s", "QUERY_INGESTERS_UNTIL": "120s"}
PORT_NAMES = ("HTTP_PORT", "GRPC_PORT", "OTLP_GRPC_PORT", "OTLP_HTTP_PORT", "ML_PORT")
LOG_NAME = "tempo.log"
READY_SECONDS = 60
# Tempo 2.8 ends within 0.3 s or, once it has answered a search, not at all; its data are thrown away in any case.
STOP_SECONDS = 1
# The environment's proxies must not see what goes to loopback.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_ports(count):
    """Ports that were free a moment ago. All are held at once, so that they differ."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


SHORT_BLOCK_SECONDS = 2
ENDING_SECONDS = 60  # a Tempo flushes, and the machine may be busy


def http(method, url, body=None, headers=None, timeout=60):
    """One request: (status, headers, body bytes). Any status is an answer; only a failed connection raises (OSError)."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with _opener.open(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def config_text_of(config, variant=None):
    """The text of a named config for a variant (the current one), for tests that change it: TempoServer(config_text=…)."""
    with open(os.path.join(SERVER_MODULE, CONFIGS[config][(variant or variants.current()).major]), encoding="utf-8") as file:
        return file.read()


class TempoServer:
    """One Tempo. url: its HTTP API; otlp_url: OTLP/HTTP (append /v1/traces); otlp_grpc: host:port; pid: Tempo's own process; variant: what it is."""

    def __init__(self, config="fast", multitenant=False, config_text=None, log_level="warn", variant=None, block_seconds=None, closes_blocks=False):
        """config_text: a whole config instead of a named one, with the same ${…} names. block_seconds: a block is cut when it is so old. closes_blocks:
        close_blocks() will be called, for which blocks of 3.x have to be cut soon."""
        self.config = config
        self.variant = variant or variants.current()
        self.block_seconds = block_seconds or (SHORT_BLOCK_SECONDS if closes_blocks and self.variant.major > 2 else None)
        self.multitenant = multitenant
        self.log_level = log_level
        self.config_text = config_text
        self.is_settled = False
        self.folder = None
        self.supervisor = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Starts and waits until ready. A port may be taken between choosing and binding, so three attempts."""
        for attempt in range(3):
            self._launch()
            try:
                self._wait_ready()
                return self
            except RuntimeError:
                self.stop()
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def _launch(self):
        self.folder = tempfile.mkdtemp(prefix="betrace-tempo-")
        self.ports = dict(zip(PORT_NAMES, free_ports(len(PORT_NAMES))))
        self._run()

    def _environment(self):
        """What the ${…} of a config stand for."""
        given = {"DATA": self.folder, "MULTI": str(self.multitenant).lower(), "LOG_LEVEL": self.log_level, "BLOCK": self.variant.block_settings}
        if self.block_seconds:
            given["MAX_BLOCK_DURATION"] = f"{self.block_seconds}s"
        if self.is_settled:
            given.update(HANDED_OVER)
        return {**os.environ, **given, **{name: str(port) for name, port in self.ports.items()}}

    def _run(self):
        """A process over the folder and the ports that are chosen."""
        ports = self.ports
        config_path = os.path.join(SERVER_MODULE, CONFIGS[self.config][self.variant.major])
        if self.config_text is not None:
            config_path = os.path.join(self.folder, "config.yaml")
            with open(config_path, "w", encoding="utf-8") as file:
                file.write(self.config_text)
        self.supervisor = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--supervise", self.variant.program, config_path, self.folder], env=self._environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self.pid = int(self.supervisor.stdout.readline() or 0)
        self.url = f"http://127.0.0.1:{ports['HTTP_PORT']}"
        self.otlp_url = f"http://127.0.0.1:{ports['OTLP_HTTP_PORT']}"
        self.otlp_grpc = f"127.0.0.1:{ports['OTLP_GRPC_PORT']}"

    def _wait_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        last = "no answer"
        while time.monotonic() < deadline:
            if self.supervisor.poll() is not None:
                raise RuntimeError(f"Tempo ended while starting:\n{self.log()[-4000:]}")
            try:
                status, _, body = http("GET", self.url + "/ready", timeout=5)
                last = f"{status} {body[:200]!r}"
                if status == 200 and self._receiver_listens():
                    return
            except OSError as error:
                last = str(error)
            time.sleep(0.05)
        raise RuntimeError(f"Tempo is not ready after {READY_SECONDS} s ({last}):\n{self.log()[-4000:]}")

    def _receiver_listens(self):
        status, _, _ = http("POST", self.otlp_url + "/v1/traces", b"{}", {"Content-Type": "application/json"}, timeout=5)
        return status in (200, 503)  # 503: "no org id" of a multi-tenant one

    def log(self):
        """All that Tempo wrote so far; empty once stopped."""
        try:
            with open(os.path.join(self.folder, LOG_NAME), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def restart(self):
        """Ends Tempo as a service manager would (SIGTERM, and SIGKILL when open connections keep it) and starts it again over the same data and
        ports; what it had acknowledged is in its write-ahead log."""
        os.kill(self.pid, signal.SIGTERM)
        try:
            self.supervisor.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self.supervisor.wait(timeout=ENDING_SECONDS)
        self.supervisor.stdin.close()
        self.supervisor.stdout.close()
        self._run()
        self._wait_ready()

    def kill(self):
        """Ends Tempo at once (SIGKILL), as an outage would; stop() still cleans up."""
        os.kill(self.pid, signal.SIGKILL)
        self.supervisor.wait(timeout=ENDING_SECONDS)

    def stop(self):
        """Ends Tempo and removes its data. May be called twice."""
        if self.supervisor is not None:
            self.supervisor.stdin.close()
            self.supervisor.wait(timeout=ENDING_SECONDS)
            self.supervisor.stdout.close()
            self.supervisor = None
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    # --- talking to it -------------------------------------------------------------------------------------------------------

    def open_blocks(self):
        """Folders of the blocks that hold spans and are still written to, or not completed yet. Live spans that no block has yet are not seen here."""
        written = glob.glob(os.path.join(self.folder, "wal" if self.variant.major == 2 else "live-store", "*+*", "meta.json"))
        return [os.path.dirname(path) for path in written]

    def close_blocks(self):
        """Makes completed blocks of all that is searchable. 2.x is told to; 3.x does it by itself when a block is old enough (closes_blocks)."""
        if self.variant.major == 2:
            status, _, body = self.get("/flush")
            if status != 204:
                raise AssertionError(f"/flush: expected 204, got {status}: {body[:200]!r}")
        self.wait_until(lambda: not self.open_blocks(), "all blocks are completed")

    def _kept_blocks(self, name):
        """Files of this name in completed blocks that the ingester (3.x: the live store) still holds."""
        return glob.glob(os.path.join(self.folder, "wal" if self.variant.major == 2 else "live-store", "blocks", "*", "*", name))

    def backend_blocks(self):
        """Their metadata, of blocks that were compacted away not."""
        return glob.glob(os.path.join(self.folder, "blocks", "*", "*", "meta.json"))

    def settle(self):
        """Of config "settled": what was pushed is handed over to blocks, and the ingester (3.x: the live store) lets go of it. Tempo is started again for
        that, so that its pid changes. Whether blocks answer for all of it then the caller has to see; spans of the last minute are not asked of blocks."""
        self.close_blocks()
        self.wait_until(lambda: len(self._kept_blocks("flushed")) == len(self._kept_blocks("meta.json")), "all blocks are in the backend")
        self.is_settled = True
        self.restart()
        self.wait_until(lambda: not self._kept_blocks("meta.json"), "the ingester lets go of its blocks")

    def _headers(self, tenant, **more):
        return {**more, **({"X-Scope-OrgID": tenant} if tenant else {})}

    def push_request(self, request, tenant=None):
        """POSTs one ExportTraceServiceRequest (a dict): (status, headers, body)."""
        headers = self._headers(tenant, **{"Content-Type": "application/json"})
        return http("POST", self.otlp_url + "/v1/traces", json.dumps(request).encode(), headers)

    def push(self, spans, service="test", resource=None, tenant=None):
        """Pushes spans (otlp.span) under one resource; anything but 200 is an error of the test."""
        status, _, body = self.push_request(otlp.request(spans, service, resource), tenant)
        if status != 200:
            raise AssertionError(f"push: expected 200, got {status}: {body[:500]!r}")

    def get(self, path, params=None, tenant=None, accept="application/json", timeout=60):
        """GET path?params: (status, headers, body bytes)."""
        query = "?" + urllib.parse.urlencode(params) if params else ""
        return http("GET", self.url + path + query, None, self._headers(tenant, Accept=accept), timeout)

    def search_raw(self, traceql, start=None, end=None, limit=None, spss=None, tenant=None):
        """/api/search with unix seconds: (status, body text)."""
        params = {"q": traceql}
        for name, value in (("start", start), ("end", end), ("limit", limit), ("spss", spss)):
            if value is not None:
                params[name] = value
        status, _, body = self.get("/api/search", params, tenant)
        return status, body.decode("utf-8", "replace")

    def search(self, traceql, start=None, end=None, limit=10000, spss=None, tenant=None):
        """The answer's traces as {trace id, 32 digits: row}. A row: the JSON of Tempo."""
        status, body = self.search_raw(traceql, start, end, limit, spss, tenant)
        if status != 200:
            raise AssertionError(f"search {traceql}: expected 200, got {status}: {body[:500]}")
        rows = json.loads(body).get("traces") or []
        return {row["traceID"].rjust(32, "0"): row for row in rows}

    def found_spans(self, traceql, start=None, end=None, limit=10000, spss=None, tenant=None):
        """Spans that a search shows: {trace id: {span id: span}} over all spansets."""
        found = {}
        for trace_id, row in self.search(traceql, start, end, limit, spss, tenant).items():
            sets = row.get("spanSets") or ([row["spanSet"]] if row.get("spanSet") else [])
            found[trace_id] = {span["spanID"].rjust(16, "0"): span for one in sets for span in one.get("spans", [])}
        return found

    def trace_raw(self, trace_id, params=None, tenant=None):
        """/api/v2/traces/{id}: (status, parsed JSON or text)."""
        status, headers, body = self.get(f"/api/v2/traces/{trace_id}", params, tenant)
        if "json" in (headers.get("Content-Type") or ""):
            return status, json.loads(body)
        return status, body.decode("utf-8", "replace")

    def trace(self, trace_id, tenant=None):
        """All spans of a trace by id (otlp.flat_spans); an empty list when Tempo does not have it."""
        status, answer = self.trace_raw(trace_id, tenant=tenant)
        if status != 200:
            raise AssertionError(f"trace {trace_id}: expected 200, got {status}: {answer}")
        return otlp.flat_spans(answer.get("trace") or {})

    @staticmethod
    def wait_until(probe, what, seconds=60, pause=0.1):
        """Polls until probe() is true and returns its value; fails with `what` otherwise. A probe that Tempo works on for
        long is asked more seldom: Tempo has the traces to take in that it waits for."""
        deadline = time.monotonic() + seconds
        while True:
            began = time.monotonic()
            value = probe()
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what} (last: {value!r})")
            time.sleep(min(max(pause, 3 * (time.monotonic() - began)), 3))


# --- the supervisor ----------------------------------------------------------------------------------------------------------

def _die_with_parent():
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # 1 = PR_SET_PDEATHSIG


def _end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def supervise(binary, config_path, folder, log_name=LOG_NAME):
    """Runs Tempo until the pipe on stdin closes. Tempo's own end leaves the folder, so that its log can be read."""
    with open(os.path.join(folder, log_name), "ab") as log:
        process = subprocess.Popen([binary, f"-config.file={config_path}", "-config.expand-env=true"], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)
    print(process.pid, flush=True)
    ended = os.pidfd_open(process.pid)
    ready, _, _ = select.select([sys.stdin.fileno(), ended], [], [])
    if sys.stdin.fileno() not in ready:
        return process.wait()
    _end(process)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def serve_shell(config, multitenant, print_env):
    """Starts one, prints how to reach it, and waits for a signal or for Tempo's end."""
    require_tempo()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    with TempoServer(config, multitenant) as tempo:
        mark = "export " if print_env else ""
        print(f"{mark}TEMPO_URL={tempo.url}\n{mark}OTLP_URL={tempo.otlp_url}\n{mark}OTLP_GRPC={tempo.otlp_grpc}\n{mark}TEMPO_PID={tempo.pid}",
              flush=True)
        try:
            tempo.supervisor.wait()
        except KeyboardInterrupt:
            return 0
        print(f"Tempo ended by itself:\n{tempo.log()[-4000:]}", file=sys.stderr)
        return 1


def main(arguments):
    if arguments[:1] == ["--supervise"]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return supervise(*arguments[1:])
    parser = argparse.ArgumentParser(description="Starts a Tempo for tests on loopback and stays until killed.")
    parser.add_argument("--config", choices=sorted(CONFIGS), default="fast")
    parser.add_argument("--multitenant", action="store_true")
    parser.add_argument("--print-env", action="store_true", help="print lines that a shell can eval")
    given = parser.parse_args(arguments)
    return serve_shell(given.config, given.multitenant, given.print_env)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
