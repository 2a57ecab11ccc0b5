"""An hour of mixed load on one service over a real Tempo: pushes, watch, replays, cancels, rule changes, pages, series, streams, and clients that go away.

The load is the same in every minute, so memory, file descriptors and threads have to be flat: the last quarter of the run is held against the second one (the
first fills caches). SOAK_SECONDS=n says how long. Prints a line a minute; ends with `N passed, N failed, N skipped`.
"""
import http.client
import json
import os
import random
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace  # noqa: E402
import prometheus_text  # noqa: E402
from run_tempo import TempoServer  # noqa: E402

SECONDS = float(os.environ.get("SOAK_SECONDS", "3600"))
SAMPLE_S = 5
RULES = 4
TEXTS = ('trace.has(span.name == "bad")', 'when { trace.has(span.name == "work") } always { trace.has(span.name == "audit") }',
         'trace.has(span.name == "work") and not trace.has_before(span.name == "audit", "work")', 'count(span.name == "work") > 2')
RANGE = {"start_time": "now-5m", "end_time": "now"}
# What may grow without being a leak: allocator arenas of threads that woke up late; threads that help a replay while it is sampled.
SLACK_MIB = 4
SLACK_RATIO = 1.05


class Soak:
    def __init__(self, server):
        self.server, self.random = server, random.Random(11)
        self.deadline = time.monotonic() + SECONDS
        self.done, self.errors, self.samples = {}, [], []

    def ask(self, method, path, body=None, allowed=()):
        answer = self.server.request(method, path, body, timeout=120)
        if answer.status >= 400 and answer.status not in allowed and answer.status != 503:
            self.errors.append(f"{method} {path}: {answer}")
        return answer

    def push(self):
        spans, now = [], time.time()
        for _ in range(2):
            trace_id = f"{self.random.getrandbits(127) + 1:032x}"
            names = ["work", self.random.choice(("audit",) * 18 + ("bad", "work"))]
            spans += [{"trace_id": trace_id, "span_id": f"{i + 1}", "name": name, "start_time": int(now - (3 if name == "audit" else 2)), "duration_ms": 5,
                       "attributes": {"n": self.random.randrange(10**6)}} for i, name in enumerate(names)]
        self.ask("POST", "/v1/spans", {"spans": spans})

    def replay(self):
        body = dict(RANGE, emit=False, **({"dsl": self.random.choice(TEXTS)} if self.random.random() < 0.5 else {"labels": {"set": "soak"}}))
        started = self.ask("POST", "/v1/replays", body, allowed=(400, 404))
        if started.status != 202:
            return
        path = f"/v1/replays/{started.json()['replay_id']}"
        if self.random.random() < 0.2:
            self.ask("DELETE", path, allowed=(404,))
        until = time.monotonic() + 60
        while self.ask("GET", path, allowed=(404,)).json().get("status") in ("queued", "running") and time.monotonic() < until:
            time.sleep(0.2)
        self.ask("GET", f"{path}/violations?limit=50", allowed=(404,))
        self.ask("DELETE", path, allowed=(404,))

    def edit(self):
        rule_id = f"r{self.random.randrange(RULES)}"
        # Mostly a change that changes no condition: one that does makes watch judge the last minutes anew.
        number = self.random.randrange(len(TEXTS)) if self.random.random() < 0.05 else int(rule_id[1:]) % len(TEXTS)
        rule = {"id": rule_id, "dsl": TEXTS[number], "labels": {"set": "soak"}, "description": f"edit {self.random.random()}"}
        if self.ask("PUT", f"/v1/rules/{rule_id}", rule, allowed=(404,)).status == 404:
            self.ask("POST", "/v1/rules", rule, allowed=(409,))
        if self.random.random() < 0.02:
            self.ask("DELETE", f"/v1/rules/{rule_id}", allowed=(404,))

    def look(self):
        rule_id = f"r{self.random.randrange(RULES)}"
        self.ask("GET", self.random.choice(("/v1/rules", "/metrics", "/ready", f"/v1/rules/{rule_id}/versions?limit=5", f"/v1/rules/{rule_id}/explain?start=now-5m&end=now",
                                            "/v1/violations?start=now-2m&limit=20&timeout=2s", "/v1/violations/series?start=now-5m&step=30s&timeout=5s",
                                            f"/v1/rules/{rule_id}/first-violation?start=now-5m&timeout=2s", "/v1/rules/r0/nothing", "/v1/violations?start=never")), allowed=(400, 404))

    def stream(self):
        """Reads a part of an answer and goes away in the middle."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            connection.request("GET", "/v1/violations?start=now-2m&timeout=2s", headers={"Accept": self.random.choice(("application/x-ndjson", "text/event-stream"))})
            connection.getresponse().read1(self.random.choice((1, 500, 100000)))
        finally:
            connection.close()

    def act(self, what, pause_s):
        while time.monotonic() < self.deadline:
            try:
                getattr(self, what)()
            except Exception as error:  # whatever it is, the run names it
                self.errors.append(f"{what}: {error!r}")
            self.done[what] = self.done.get(what, 0) + 1
            time.sleep(pause_s)

    def sample(self):
        families = prometheus_text.read(self.server.get("/metrics").body.decode())
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            status = dict(line.split(":", 1) for line in file)
        return {"rss_mib": int(status["VmRSS"].split()[0]) / 1024, "threads": int(status["Threads"]), "fds": families["process_open_fds"].samples[0][2]}

    def run(self):
        # What each actor does, and its pause: slow enough for a Tempo on two shared cores to keep up, so that every minute is like the last.
        pauses = {"push": 1, "replay": 15, "edit": 5, "look": 2, "stream": 7}
        threads = [threading.Thread(target=self.act, args=item, daemon=True) for item in pauses.items()]
        for thread in threads:
            thread.start()
        began, shown = time.monotonic(), 0
        while time.monotonic() < self.deadline:
            time.sleep(SAMPLE_S)
            self.samples.append(self.sample())
            minute = int((time.monotonic() - began) / 60)
            if minute > shown:
                shown = minute
                print(f"{minute:3} min {self.samples[-1]} {self.done} errors {len(self.errors)}", flush=True)
        for thread in threads:
            thread.join(180)
        return not any(thread.is_alive() for thread in threads)

    def verdicts(self):
        """[(what, held, figures)]: the last quarter against the second."""
        quarter = max(len(self.samples) // 4, 1)
        early, late = self.samples[quarter:2 * quarter], self.samples[-quarter:]
        result = [("no error", not self.errors, self.errors[:5])]
        for key, slack in (("rss_mib", SLACK_MIB), ("fds", 3), ("threads", 4)):
            before, after = (statistics.median(sample[key] for sample in part) for part in (early, late))
            result.append((f"{key} is flat", after <= before * SLACK_RATIO + slack, {"second quarter": before, "last quarter": after}))
        return result


def main():
    with TempoServer(config="fast") as tempo:
        with Betrace("--tempo", tempo.url, "--otlp", tempo.otlp_url, "--watch", "--interval", "5s", "--settle", "3s", "--handover", "1m", "--lookback", "5m") as server:
            soak = Soak(server)
            joined = soak.run()
            results = [("every actor came back", joined, soak.done), *soak.verdicts()]
            results.append(("the service ends by itself", server.stop() == 0, ""))
        for what, held, figures in results:
            print(f"{'ok  ' if held else 'FAIL'} {what} {json.dumps(figures)}", flush=True)
    passed = sum(held for _, held, _ in results)
    print(f"{passed} passed, {len(results) - passed} failed, 0 skipped", flush=True)
    return 0 if passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
