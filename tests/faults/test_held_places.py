"""Tempo hangs for one tenant, which asks with 200 callers at once. A caller that asks Tempo holds a place of its lane
meanwhile, and one of the requests that may go to Tempo at once. The service still answers another tenant's calls of
the same lanes and /ready. It refuses calls of the first tenant, or ends them at their deadline.

    python3 tests/faults/test_held_places.py             prints what the other tenant waited for
"""
import collections
import os
import socket
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
from betrace_process import Betrace, run_cli  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402
from test_starvation import ATTACKED, Caller, percentile, request  # noqa: E402

SHORT = "--short" in sys.argv
CALLERS = 200
CALLS = 12  # of the other tenant to each route
VERDICTS = "/v1/traces/00000000000000000000000000000001/verdicts"
FIRST, EXPLAIN = "/v1/rules/r1/first-violation?start=now-1h", "/v1/rules/r1/explain?start=now-1h"
CONTRAST = "/v1/rules/r1/contrast?start=now-1h"
# What the callers ask, and what the other tenant asks besides the same: routes of the same lane.
LANES = {VERDICTS: (VERDICTS,), FIRST: (FIRST, EXPLAIN, CONTRAST)}
DEADLINE_SECONDS = 15  # of the callers
MAX_REPLAYS, REPLAYS = 4, 6  # the setting's default, and what the greedy one starts
# The first call may wait until it is seen that Tempo does not answer the others, and not for their end.
LONGEST_SHARE = 0.5


class OtherCaller(Caller):
    def ask(self, path, count):
        taken = []
        for _ in range(count):
            taken.append(self.seconds_of(path, self.headers))
        return taken

    def seconds_of(self, path, headers):
        """A trace that is not there is an answer."""
        began = time.monotonic()
        answer = self.server.get(path, headers=headers)
        return time.monotonic() - began if answer.status in (200, 404) else None


class HeldPlaces(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-held-")
        self.addCleanup(self.folder.cleanup)
        tokens = os.path.join(self.folder.name, "tokens")
        self.headers = {}
        for tenant in ("greedy", "patient"):
            made = run_cli("token", "new", "--file", tokens, "--name", tenant, "--role", "editor", "--tenants", tenant)
            self.assertEqual(made.returncode, 0, made.stderr)
            self.headers[tenant] = {"Authorization": f"Bearer {made.stdout.strip()}", "X-Scope-OrgID": tenant}
        self.tempo = StubTempo()
        self.tempo.__enter__()
        self.addCleanup(self.tempo.__exit__)
        self.server = Betrace("--tempo", self.tempo.url, "--otlp", self.tempo.url, "--tokens", tokens)
        self.server.start()
        self.addCleanup(self.server.folder.cleanup)
        self.addCleanup(self.server.kill)
        for headers in self.headers.values():
            self.assertEqual(self.server.post("/v1/rules", ATTACKED, headers=headers).status, 201)

    def ask_as_greedy(self, path, statuses):
        headers = dict(self.headers["greedy"], **{"Betrace-Timeout": f"{DEADLINE_SECONDS}s", "Connection": "close"})
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as one:
            one.sendall(request("GET", path, None, headers))
            head = b""
            while chunk := one.recv(65536):
                head += chunk
        statuses[head.split(b" ", 2)[1].decode() if head else "none"] += 1

    def start_callers(self, path, statuses):
        callers = [threading.Thread(target=self.ask_as_greedy, args=(path, statuses)) for _ in range(CALLERS)]
        for one in callers:
            one.start()
        deadline = time.monotonic() + 20
        while not self.tempo.held:
            self.assertLess(time.monotonic(), deadline, "they ask Tempo")
            time.sleep(0.01)
        return callers

    def check_lane(self, path):
        other = OtherCaller(self.server, self.headers["patient"])
        idle = {asked: other.ask(asked, CALLS) for asked in (*LANES[path], "/v1/rules")}
        statuses = collections.Counter()
        self.tempo.hangs_for = "greedy"
        callers = self.start_callers(path, statuses)
        held = {asked: other.ask(asked, CALLS) for asked in (*LANES[path], "/v1/rules")}
        for one in callers:
            one.join()
        self.say(path, idle, held, statuses)
        for asked, taken in held.items():
            self.assertNotIn(None, taken, asked)
            self.assertLess(max(taken), LONGEST_SHARE * DEADLINE_SECONDS, asked)
            self.assertLess(percentile(taken, 0.5), 30 * max(idle[asked]) + 0.5, asked)
        # A search may say at its deadline what it could not look at.
        self.assertEqual(set(statuses) - {"503", "504", *(("200",) if path == FIRST else ())}, set())
        self.assertEqual(sum(statuses.values()), CALLERS)

    @staticmethod
    def say(path, idle, held, statuses):
        print(f"\n{CALLERS} callers of {path}: {dict(statuses)}", file=sys.stderr)
        for asked, taken in held.items():
            before = max(idle[asked])
            answered = sorted(one for one in taken if one is not None)
            print(f"  {asked}: {len(answered)} of {len(taken)} answered, "
                  f"{', '.join(f'{one * 1000:.0f}' for one in answered)} ms; idle {before * 1000:.0f} ms at most",
                  file=sys.stderr)

    def test_replays(self):
        """Whoever has none running has his begun and done while those of the other, more than there are places for, hang."""
        self.tempo.hangs_for = "greedy"
        asked = [self.start_replay("greedy") for _ in range(REPLAYS)]
        deadline = time.monotonic() + 20
        while not self.tempo.held or self.count_running("greedy", asked) < MAX_REPLAYS:
            self.assertLess(time.monotonic(), deadline, "they run")
            time.sleep(0.01)
        for _ in range(2):
            one = self.start_replay("patient")
            began = time.monotonic()
            while (ended := self.replay_of("patient", one))["status"] in ("queued", "running"):
                self.assertLess(time.monotonic() - began, 40, ended["status"])
                time.sleep(0.05)
            print(f"a replay beside {REPLAYS} that hang: {time.monotonic() - began:.1f} s", file=sys.stderr)
            self.assertIn("no_data", ended["reason"], ended)  # all was asked, and there is nothing
            self.assertEqual(self.count_running("greedy", asked), MAX_REPLAYS)

    def start_replay(self, tenant):
        answer = self.server.post("/v1/rules/r1/replay", {"start_time": "now-1h", "end_time": "now-30m"}, headers=self.headers[tenant])
        self.assertEqual(answer.status, 202, answer)
        return answer.json()["replay_id"]

    def replay_of(self, tenant, replay_id):
        return self.server.get(f"/v1/replays/{replay_id}", headers=self.headers[tenant]).json()

    def count_running(self, tenant, replay_ids):
        return [self.replay_of(tenant, one)["status"] for one in replay_ids].count("running")

    def test_verdicts_of_a_trace(self):
        self.check_lane(VERDICTS)

    @unittest.skipIf(SHORT, "--short: one lane")
    def test_searches(self):
        self.check_lane(FIRST)


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--short"], verbosity=1)
