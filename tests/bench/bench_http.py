"""What the HTTP server costs, on loopback, in one run:
  - GET of one rule against nginx that serves the same bytes (wrk; goal: at least 0.7 x its rate);
  - the slowest hundredth of reads while two replays run (goal: under 20 ms);
  - 1,000 idle connections and 200 readers of events at once: memory stays flat;
  - start to ready (goal: 100 ms) and memory of an idle service (goal: 20 MiB).
Prints figures and goals; asserts only that answers are right. Needs wrk and nginx. `--short` takes seconds,
`--medium` a few more, instead of a minute.
"""
import argparse
import http.client
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
os.environ["BETRACE_BIN"] = os.environ.get("BETRACE_RELEASE_BIN", os.path.join(HERE, "../../build/release/server/betrace"))
from betrace_process import Betrace, binary, run_cli  # noqa: E402
from debian_package import programs_of  # noqa: E402
from seed_rules import SLOW_DB  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402

RULE = dict(SLOW_DB, id="slow-db-no-retry")
PATH = "/v1/rules/slow-db-no-retry"
IDLE, READERS = 1000, 200
NGINX = """
{user} daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
  access_log off; default_type application/json; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location = {path} {{ return 200 '{body}'; }} }}
}}
"""


def wrk(url, seconds, connections=32, threads=1):
    """(requests per second, 99th percentile in ms)."""
    done = subprocess.run(["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency", url], capture_output=True, text=True, check=True)
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1)), float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """Two processes, as our two event loops; the body out of its configuration, which is its fastest way, and no log. Ended by the pid of the one
    that we started."""

    def __init__(self, body):
        self.body = body

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="betrace-nginx-")
        self.port = free_port()
        body = self.body.decode()
        assert "$" not in body, "nginx would take it for a variable"
        config = os.path.join(self.folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as out:
            out.write(NGINX.format(folder=self.folder, port=self.port, path=PATH, body=body.replace("\\", "\\\\").replace("'", "\\'"), user="user root;" if os.geteuid() == 0 else ""))
        self.process = subprocess.Popen([str(programs_of("nginx", "usr/sbin/nginx") / "nginx"), "-c", config, "-p", self.folder], stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                assert fetch(self.port, PATH) == self.body
                return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError("nginx did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, True)


def fetch(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


# ---- the four questions ----


def processor_seconds(pid):
    """Of a process and its children that live."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        children = file.read().split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(processor_seconds(child) for child in children)


def compare_rates(seconds, rounds):
    with Betrace("--memory-source") as server:
        assert server.post("/v1/rules", RULE).status == 201
        body = server.get(PATH).body
        with Nginx(body) as nginx:
            rates, costs = {"nginx": [], "betrace": []}, {"nginx": [], "betrace": []}
            for _ in range(rounds):
                for name, port, pid in (("nginx", nginx.port, nginx.process.pid), ("betrace", server.port, server.process.pid)):
                    before = processor_seconds(pid)
                    rate = wrk(f"http://127.0.0.1:{port}{PATH}", seconds)[0]
                    rates[name].append(rate)
                    costs[name].append((processor_seconds(pid) - before) / (rate * seconds) * 1e6)
        assert server.get(PATH).body == body
    ours, theirs = (statistics.median(rates[name]) for name in ("betrace", "nginx"))
    our_cost, their_cost = (statistics.median(costs[name]) for name in ("betrace", "nginx"))
    ratio = statistics.median(b / n for b, n in zip(rates["betrace"], rates["nginx"]))
    print(f"GET of one rule, {len(body)} bytes, 32 connections: nginx {theirs:,.0f}/s, betrace {ours:,.0f}/s (medians of {rounds} runs of {seconds} s, in turn)")
    print(f"ratio GET of one rule / nginx with the same bytes, median of pairs: {ratio:.2f} (goal 0.7)")
    print(f"ratio by processor time for one: {their_cost:.1f} us / {our_cost:.1f} us = {their_cost / our_cost:.2f} (what the rates come to when nothing else runs)")


def replay_until(server, stop, done):
    """One replay after the other, each over everything; how many."""
    count = 0
    while not stop.is_set():
        started = server.post(f"{PATH}/replay", {"start_time": "2026-03-09T00:00:00Z", "end_time": "2026-03-11T00:00:00Z"})
        assert started.status == 202, started
        while not stop.is_set():
            if server.get("/v1/replays/" + started.json()["replay_id"]).json()["status"] not in ("queued", "running"):
                count += 1
                break
            time.sleep(0.02)
    done.append(count)


def reads_while_replays_run(seconds, traces):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "traces.pb")
        made = run_cli("generate", "--traces", traces, "--violations", 50, "--end", "2026-03-10T12:00:00Z", "--since", "24h", "--out", file)
        assert made.returncode == 0, made.stderr
        with Betrace("--traces", file) as server:
            assert server.post("/v1/rules", RULE).status == 201
            quiet = wrk(f"http://127.0.0.1:{server.port}{PATH}", seconds, connections=4)[1]
            stop, done = threading.Event(), []
            workers = [threading.Thread(target=replay_until, args=(server, stop, done)) for _ in range(2)]
            for worker in workers:
                worker.start()
            rate, slowest = wrk(f"http://127.0.0.1:{server.port}{PATH}", seconds, connections=4)
            stop.set()
            for worker in workers:
                worker.join()
    print(f"reads on 4 connections while two replays of {traces} traces run ({sum(done)} ended): {rate:,.0f}/s; 99 % of them within {slowest:.2f} ms (goal 20; without replays {quiet:.2f})")


def resident(process):
    """MiB."""
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) / 1024


class SilentTempo:
    """Takes connections and never answers: replays over it go on for as long as it is wanted."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.taken = []
        threading.Thread(target=self.take, daemon=True).start()
        return self

    def take(self):
        try:
            while True:
                self.taken.append(self.listener.accept()[0])
        except OSError:
            pass

    def __exit__(self, *_):
        self.listener.close()
        for connection in self.taken:
            connection.close()


def open_connections(port, count, head):
    held = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        connection.sendall(head)
        held.append(connection)
    for connection in held:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200"), "each was answered"
    return held


def hold_many(seconds):
    with SilentTempo() as tempo, Betrace("--tempo", tempo.url, "--tempo-timeout", "10m", "--max-connections", "2000", "--request-timeout", "10m") as server:
        assert server.post("/v1/rules", RULE).status == 201
        started = server.post(f"{PATH}/replay", {"start_time": "now-1h"}).json()
        before = resident(server.process)
        idle = open_connections(server.port, IDLE, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with_idle = resident(server.process)
        readers = open_connections(server.port, READERS, f"GET /v1/replays/{started['replay_id']}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with_readers = resident(server.process)
        slowest = wrk(f"http://127.0.0.1:{server.port}{PATH}", seconds, connections=4)[1]
        after = resident(server.process)
        assert server.get(f"/v1/replays/{started['replay_id']}").json()["status"] == "running", "the readers had something to wait for"
        for connection in idle + readers:
            connection.close()
        server.delete(f"/v1/replays/{started['replay_id']}")
    print(f"memory: {before:.1f} MiB, with {IDLE:,} idle connections {with_idle:.1f}, with {READERS} readers of events too {with_readers:.1f}, after {seconds} s {after:.1f}")
    print(f"growth while they stay: {after - with_readers:.1f} MiB (goal 0, flat); reads meanwhile: 99 % within {slowest:.2f} ms")


def start_once(folder):
    """(seconds from start to the first 200 of /ready, MiB when idle)."""
    port = free_port()
    begin = time.monotonic()
    process = subprocess.Popen([binary(), "serve", "--memory-source", "--listen", f"127.0.0.1:{port}", "--db", os.path.join(folder, "rules.db")], stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                connection.request("GET", "/ready")
                if connection.getresponse().status == 200:
                    break
            except OSError:
                assert process.poll() is None and time.monotonic() - begin < 60
            finally:
                connection.close()
            time.sleep(0.001)
        seconds = time.monotonic() - begin
        time.sleep(0.5)
        return seconds, resident(process)
    finally:
        process.terminate()
        process.wait(30)


def measure_start(rounds):
    with tempfile.TemporaryDirectory() as folder:
        times, memory = zip(*(start_once(folder) for _ in range(rounds)))
    print(f"start to ready: {statistics.median(times) * 1000:.0f} ms (median of {rounds}; goal 100)")
    print(f"memory of an idle service: {statistics.median(memory):.1f} MiB (goal 20)")


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    size = parser.parse_args().size
    compare_rates(by_size(size, 1, 1, 4), by_size(size, 3, 5, 9))
    reads_while_replays_run(by_size(size, 3, 3, 10), by_size(size, 3000, 20000, 100000))
    hold_many(by_size(size, 4, 10, 60))
    measure_start(5)


if __name__ == "__main__":
    main()
