"""A service with one rule over a Tempo, for benches. Its first replay reads a sample by id, and later ones rest on
what that one compared (trust.h). On the command line each replay has a sample of its own. Standard library only."""
import time

from replay_cost import load  # noqa: F401  (sets the path)
from betrace_process import Betrace  # noqa: E402

POLL_S = 0.005


class WarmService:
    """With `with`; `first` is the job of the first replay, over the bounds that it is given."""

    def __init__(self, tempo_url, dsl, bounds):
        self.server = Betrace("--tempo", tempo_url)
        self.dsl, self.bounds = dsl, bounds

    def __enter__(self):
        self.server.__enter__()
        made = self.server.post("/v1/rules", {"id": "bench", "severity": "low", "dsl": self.dsl})
        assert made.status == 201, made
        self.first = self.replay()
        return self

    def __exit__(self, *_):
        self.server.__exit__(*_)

    def replay(self):
        """The job, once it has ended."""
        started = self.server.post("/v1/replays", {"rule_ids": ["bench"], "start_time": self.bounds[0], "end_time": self.bounds[1], "emit": False,
                                                   "count": "at_least"})
        assert started.status == 202, started
        path = f"/v1/replays/{started.json()['replay_id']}"
        while (job := self.server.get(path).json())["status"] in ("queued", "running"):
            time.sleep(POLL_S)
        assert job["status"] == "completed", job
        return job

    def violating(self, job):
        """The ids of traces that the job found to violate."""
        path, found = f"/v1/replays/{job['replay_id']}/violations?limit=1000", set()
        page = self.server.get(path).json()
        while True:
            found |= {one["trace_id"] for one in page["violations"]}
            if not page.get("cursor"):
                return found
            page = self.server.get(f"{path}&cursor={page['cursor']}").json()
