"""The load of tests/faults/test_soak.py: everybody who uses a service does so at a pace of their own, and notes each
answer. A viewer looks and listens, an editor pushes, replays and edits, somebody has no token, another tenant lists
rules, and a probe asks for readiness. A service pushes traces to Tempo itself; the test knows which of them
violate."""
import http.client
import json
import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import run_cli  # noqa: E402

RULES = 4
TEXTS = ('trace.has(span.name == "bad")', 'when { trace.has(span.name == "work") } always { trace.has(span.name == "audit") }',
         'trace.has(span.name == "work") and not trace.has_before(span.name == "audit", "work")',
         'count(span.name == "work") > 2')
KEPT = {"id": "kept", "name": "kept", "dsl": "when { db.slow } always { retry }"}  # nobody changes this one
OWN = {"id": "own", "dsl": TEXTS[0]}
RANGE = {"start_time": "now-5m", "end_time": "now"}
# What each does, and its pause: slow enough for a Tempo on two shared cores to keep up, so that every minute is like
# the last one.
PAUSES = {"push": 1, "replay": 30, "replay_kept": 30, "edit": 5, "look": 2, "stream": 7, "intrude": 5, "list_own": 1,
          "probe": 1, "pass_traffic": 1}
NOT_NOW = (502, 503, 504)  # what a Tempo that hangs may be answered with
PATIENCE = 10.0  # of the probe and the other tenant, after which they count as not answered
SEARCHABLE_SECONDS = 20  # after which Tempo's search shows what was pushed
EDGE_SECONDS = 5  # a trace so near to the edge of a range may be in it or not
PATHS = ("/v1/rules", "/metrics", "/v1/rules/{rule}/versions?limit=5", "/v1/rules/{rule}/explain?start=now-5m&end=now",
         "/v1/violations?start=now-2m&limit=20&timeout=2s", "/v1/violations/series?start=now-5m&step=30s&timeout=5s",
         "/v1/rules/{rule}/first-violation?start=now-5m&timeout=2s", "/v1/rules/{rule}/contrast?start=now-5m&timeout=2s",
         "/v1/traces/{trace}/verdicts", "/v1/compliance/reports/soc2?start=now-5m", "/v1/rules/r0/nothing",
         "/v1/violations?start=never")


def make_tokens(file):
    """{who: headers}, of a new file of tokens."""
    headers = {"nobody": {}}
    for name, role, tenant in (("viewer", "viewer", "soak"), ("editor", "editor", "soak"), ("other", "editor", "patient")):
        made = run_cli("token", "new", "--file", file, "--name", name, "--role", role, "--tenants", tenant)
        assert made.returncode == 0, made.stderr
        headers[name] = {"Authorization": f"Bearer {made.stdout.strip()}", "X-Scope-OrgID": tenant}
    return headers


class Load:
    """`done`: how often each did it, `errors`: answers that nobody may get, `taken`: seconds of those who must not wait,
    `planted`: {trace that violates KEPT: when}, `stored`: {rule: its description}, as acknowledged."""

    def __init__(self, server, tempo, headers, seed):
        self.server, self.tempo, self.headers, self.random = server, tempo, headers, random.Random(seed)
        self.is_ending, self.is_stopping = threading.Event(), False
        self.done, self.errors, self.planted, self.stored, self.replays = {}, [], {}, {}, {}
        self.taken = {"probe": [], "list_own": []}
        self.begun = time.time()
        self.pushed = ["1"]

    # ---- asking ----

    def ask(self, who, method, path, body=None, allowed=(), timeout=120):
        answer = self.server.request(method, path, body, headers=self.headers[who], timeout=timeout)
        if answer.status >= 400 and answer.status not in allowed and answer.status not in NOT_NOW:
            self.errors.append(f"{who}: {method} {path}: {answer}")
        return answer

    def ask_patiently(self, what, who, path, is_served):
        """Whatever happens it is answered: what is not leaves None among `taken`."""
        began = time.monotonic()
        try:
            answer = self.server.request("GET", path, headers=self.headers[who], timeout=PATIENCE)
            seconds = time.monotonic() - began if is_served(answer) else None
        except (OSError, http.client.HTTPException):
            seconds = None
        if not self.is_stopping:
            self.taken[what].append(seconds)

    # ---- what everybody does ----

    def probe(self):
        self.ask_patiently("probe", "nobody", "/ready",
                           lambda answer: answer.status in (200, 503) and b'"parts"' in answer.body)

    def list_own(self):
        self.ask_patiently("list_own", "other", "/v1/rules", lambda answer: answer.status == 200)

    def intrude(self):
        method, path = self.random.choice((("GET", "/v1/violations?start=now-1h"), ("POST", "/v1/replays"),
                                           ("GET", "/v1/compliance/reports/soc2?start=now-1h"), ("POST", "/v1/spans")))
        answer = self.ask("nobody", method, path, b"{" * 1000 if method == "POST" else None, allowed=(401,))
        if answer.status not in (401, 503):
            self.errors.append(f"without a token: {method} {path}: {answer}")

    def push(self):
        spans, now = [], time.time()
        for _ in range(2):
            trace_id = f"{self.random.getrandbits(127) + 1:032x}"
            names = ["work", self.random.choice(("audit",) * 18 + ("bad", "work"))]
            spans += [{"trace_id": trace_id, "span_id": f"{i + 1}", "name": name, "duration_ms": 5,
                       "start_time": int(now - (3 if name == "audit" else 2)), "attributes": {"n": self.random.randrange(10**6)}}
                      for i, name in enumerate(names)]
        self.ask("editor", "POST", "/v1/spans", {"spans": spans})
        self.pushed = [spans[0]["trace_id"], *self.pushed[:20]]

    def pass_traffic(self):
        """A service that pushes to Tempo by itself: every fifth trace violates KEPT."""
        number = self.done.get("pass_traffic", 0)
        trace_id, now = otlp.new_trace_id(), time.time_ns()
        spans = [otlp.span(trace_id, "db.slow", now, 100_000_000)]
        if number % 5:
            spans.append(otlp.span(trace_id, "retry", now + 200_000_000))
        self.push_as_exporters_do(spans)
        if not number % 5:
            self.planted[trace_id] = now / 1e9

    def push_as_exporters_do(self, spans):
        """What Tempo cannot take for a moment (503, while its ring settles) is sent again: the same spans, so once stored."""
        request = otlp.request(spans, "shop")
        for seconds in (1, 2, 4, 8, 0):
            status, _, body = self.tempo.push_request(request)
            if status != 503 or not seconds:
                break
            time.sleep(seconds)
        if status != 200:
            raise AssertionError(f"push: expected 200, got {status}: {body[:500]!r}")

    def edit(self):
        rule_id = f"r{self.random.randrange(RULES)}"
        # Mostly a change that changes no condition: one that does makes watch judge the last minutes anew.
        number = self.random.randrange(len(TEXTS)) if self.random.random() < 0.05 else int(rule_id[1:]) % len(TEXTS)
        rule = {"id": rule_id, "dsl": TEXTS[number], "labels": {"set": "soak"}, "description": f"edit {self.random.random()}"}
        is_delete = self.random.random() < 0.02
        self.stored.pop(rule_id, None)  # until it is acknowledged nobody knows
        if is_delete:
            self.ask("editor", "DELETE", f"/v1/rules/{rule_id}", allowed=(404,))
            return
        answer = self.ask("editor", "PUT", f"/v1/rules/{rule_id}", rule, allowed=(404,))
        if answer.status == 404:
            answer = self.ask("editor", "POST", "/v1/rules", rule, allowed=(409,))
        if answer.status in (200, 201):
            self.stored[rule_id] = rule["description"]

    def look(self):
        rule_id = f"r{self.random.randrange(RULES)}"
        path = self.random.choice(PATHS).format(rule=rule_id, trace=self.random.choice(self.pushed))
        self.ask("viewer", "GET", path, allowed=(400, 404))

    def stream(self):
        """Reads a part of an answer and goes away in the middle."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            kind = self.random.choice(("application/x-ndjson", "text/event-stream"))
            connection.request("GET", "/v1/violations?start=now-2m&timeout=2s", headers={"Accept": kind, **self.headers["viewer"]})
            connection.getresponse().read1(self.random.choice((1, 500, 100000)))
        finally:
            connection.close()

    # ---- replays ----

    def run_replay(self, body, is_cancelled=False):
        """Its status and violations, or None where it was refused, or did not end."""
        started = self.ask("editor", "POST", "/v1/replays", body, allowed=(400, 404))
        if started.status != 202:
            return None
        path = f"/v1/replays/{started.json()['replay_id']}"
        if is_cancelled:
            self.ask("editor", "DELETE", path, allowed=(404,))
        until, status = time.monotonic() + 120, {"status": "queued"}
        while status.get("status") in ("queued", "running") and time.monotonic() < until and not self.is_stopping:
            time.sleep(0.2)
            status = self.ask("viewer", "GET", path, allowed=(404,)).json()
        found = self.ask("viewer", "GET", f"{path}/violations?limit=1000", allowed=(404,)).json()
        self.ask("editor", "DELETE", path, allowed=(404,))
        return status, found.get("violations", [])

    def replay(self):
        body = {"dsl": self.random.choice(TEXTS)} if self.random.random() < 0.5 else {"labels": {"set": "soak"}}
        self.run_replay(dict(RANGE, emit=False, **body), is_cancelled=self.random.random() < 0.2)

    def replay_kept(self):
        """`completed` is said only with the whole truth, and nothing else is ever reported."""
        end = int(time.time()) - SEARCHABLE_SECONDS
        start = end - 300
        limits = {"start_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start)),
                  "end_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))}
        ended = self.run_replay({"rule_ids": [KEPT["id"]], "emit": False, **limits})
        if not ended:
            return
        status, violations = ended
        self.replays[status["status"]] = self.replays.get(status["status"], 0) + 1
        found, known = {one["trace_id"] for one in violations}, dict(self.planted)
        due = {trace for trace, when in known.items() if start + EDGE_SECONDS < when < end - EDGE_SECONDS}
        if found - set(known):
            self.errors.append(f"a replay reports what violates nothing: {sorted(found - set(known))[:3]}")
        if status["status"] == "completed" and due - found:
            self.errors.append(f"a replay says completed without {len(due - found)} of {len(due)}: {json.dumps(status)[:500]}")

    # ---- all of it ----

    def act(self, what):
        while not self.is_ending.is_set():
            try:
                getattr(self, what)()
            except Exception as error:  # whatever it is, the run names it
                if not self.is_stopping:
                    self.errors.append(f"{what}: {error!r}")
            self.done[what] = self.done.get(what, 0) + 1
            self.is_ending.wait(PAUSES[what])

    def start(self):
        """May be called again after end()."""
        self.is_ending.clear()
        self.threads = [threading.Thread(target=self.act, args=(what,), daemon=True, name=what) for what in PAUSES]
        for thread in self.threads:
            thread.start()

    def expect_stop(self):
        """From now on answers may fail."""
        self.is_stopping = True

    def end(self):
        """Names of those who did not come back."""
        self.is_ending.set()
        for thread in self.threads:
            thread.join(180)
        return [thread.name for thread in self.threads if thread.is_alive()]
