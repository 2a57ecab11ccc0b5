"""What the benches of replays share: sample data in a Tempo, the requests of a replay recorded and sent again by curl, and medians of runs in turn.
Standard library only."""
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
os.environ["BETRACE_BIN"] = os.environ.get("BETRACE_RELEASE_BIN", os.path.join(HERE, "../../build/release/server/betrace"))
from betrace_process import run_cli  # noqa: E402
from http_wire import Proxy, send_whole  # noqa: E402

PROTOBUF = {"Accept": "application/protobuf"}
IDS_PER_WINDOW = 20000
# Before the end of the data by so much, no trace ends within the hand-over (an hour, --handover) of now: searches alone can answer.
HANDED_OVER_S = 75 * 60


def timed(function):
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


def curl(requests, parallel=2):
    """Runs requests (url, headers) in one curl process, as many at once as our client sends. Refusals count too: a replay meets them and asks for less."""
    with tempfile.NamedTemporaryFile("w", suffix=".curl") as config:
        lines = []
        for url, headers in requests:
            if lines:
                lines.append("next")
            lines += [f'url = "{url}"', "output = /dev/null", "silent", "show-error"]
            lines += [f'header = "{name}: {value}"' for name, value in headers.items()]
        config.write("\n".join(lines) + "\n")
        config.flush()
        subprocess.run(["curl", "--no-progress-meter", "--parallel", "--parallel-immediate", "--parallel-max", str(parallel), "-K", config.name], check=True,
                       stdout=subprocess.DEVNULL)


def sendable(tempo_url, requests):
    """What a proxy saw, to be sent again by curl."""
    kept = ("accept", "accept-encoding")
    return [(tempo_url + one.target, {name: value for name, value in one.headers.items() if name.lower() in kept}) for one in requests]


class OnceProxy(Proxy):
    """A proxy that knows what was answered. What an answer has given is not asked for again; a refusal gives nothing."""

    def __init__(self, upstream):
        super().__init__(upstream, self.note)
        self.answered = []

    def note(self, wire, request, answer):
        got = answer()
        if got.status == 200:
            self.answered.append(request.target)
        send_whole(wire, request, got)
        return True

    def check(self, first=0):
        """Ends with an error where something was answered twice, from that answer on. What a Tempo is may be asked again after some minutes."""
        answered = [target for target in self.answered[first:] if not target.startswith("/api/status/")]
        twice = sorted({target for target in answered if answered.count(target) > 1})
        assert not twice, f"asked twice: {twice}"


def record(tempo_url, function):
    """The GET requests that function(url), a replay, makes, to be sent again by curl. None is asked twice."""
    with OnceProxy(tempo_url) as proxy:
        function(proxy.url)
        proxy.check()
        return sendable(tempo_url, proxy.seen)


BATCH_IDS = re.compile(r'trace:id =~ "([0-9a-f|]+)([|]x)?"')


def query_of(url):
    """The TraceQL of a search; "" of what is none."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query)).get("q", "")


def batch_of(requests, trace_ids):
    """The first of the requests that reads traces whole in a batch, made to ask for these instead, in one: what a report has to read once it is known
    what violates. Empty: nothing was read in a batch, or there are none of these."""
    for url, headers in requests:
        found = BATCH_IDS.search(query_of(url))
        if found and "select(" in query_of(url) and trace_ids:
            parts = urllib.parse.urlsplit(url)
            ids = "|".join(one.lstrip("0") for one in sorted(trace_ids))
            parameters = [(name, value.replace(found.group(1), ids, 1) if name == "q" else value) for name, value in urllib.parse.parse_qsl(parts.query)]
            return [(urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(parameters))), headers)]
    return []


def search_url(tempo_url, query, seconds, spans=1, limit=300000, margin=900):
    parameters = {"start": seconds[0] - margin, "end": seconds[1] + margin, "limit": min(limit, 262144), "spss": spans, "q": query}
    return f"{tempo_url}/api/search?" + urllib.parse.urlencode(parameters)


def windows(seconds, traces, traces_per_window):
    """The range in parts that hold about so many traces each."""
    count = max(1, -(-traces // traces_per_window))
    edges = [seconds[0] + (seconds[1] - seconds[0]) * i // count for i in range(count + 1)]
    return list(zip(edges, edges[1:]))


def searchable(tempo, seconds, traces):
    """How many traces a search finds, in windows whose answers Tempo lets through (16 MiB)."""
    found = set()
    for start, end in windows((seconds[0] - 900, seconds[1] + 900), traces, IDS_PER_WINDOW):
        found.update(tempo.search("{}", start, end, limit=262144, spss=1))
    return len(found)


def load(tempo, traces, folder, scenario="none", violations=None):
    """Fills the Tempo, and settles one of config "settled"; returns the bounds as text and in seconds, and the truth of the planted rules. violations:
    so many are planted of each kind."""
    end = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=3)).replace(microsecond=0)
    start = end - datetime.timedelta(hours=24)
    truth = os.path.join(folder, "truth.json")
    bounds = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (start, end)]
    pushed = run_cli("generate", "--scenario", scenario, "--traces", traces, "--end", bounds[1], "--since", "24h", "--otlp", tempo.otlp_url, "--truth", truth,
                     *(("--violations", violations) if violations else ()), timeout=900 + traces // 200)
    assert pushed.returncode == 0, pushed.stderr
    seconds = (int(start.timestamp()), int(end.timestamp()))
    with open(truth, encoding="utf-8") as file:
        planted = {name: set(ids) for name, ids in json.load(file).items()}
    traces -= len(planted.get("lost-message", ()))  # whose consumers have no trace

    def wait_for_all():
        # Tempo 2.8 mixes up two traces in some hundred thousand (tests/facts/facts_wire.py).
        tempo.wait_until(lambda: searchable(tempo, seconds, traces) >= traces - traces // 50000, "searchable", seconds=60 + traces / 500, pause=1)
    wait_for_all()
    time.sleep(35)  # the block is cut and complete, as it is in a Tempo that was not just started
    if tempo.config == "settled":
        tempo.settle()
        wait_for_all()
    return bounds, seconds, planted


def older(bounds, seconds):
    """The part of the range that was handed over before now."""
    end_s = seconds[1] - HANDED_OVER_S
    end = datetime.datetime.fromtimestamp(end_s, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (bounds[0], end), (seconds[0], end_s)


def processor_seconds(pid):
    """What a process has used so far: on a machine that is shared, ratios of this say more than those of time."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def counting(pid, functions):
    """The functions, and a dictionary that fills with the process's processor seconds while each ran."""
    used = {name: [] for name in functions}

    def wrap(name, function):
        def call():
            before = processor_seconds(pid)
            value = function()
            used[name].append(processor_seconds(pid) - before)
            return value
        return call
    return {name: wrap(name, function) for name, function in functions.items()}, used


def medians_with_work(pid, runs, functions):
    """medians, and the median of the process's processor seconds while each ran."""
    functions, used = counting(pid, functions)
    times, values = medians(runs, functions)
    return times, {name: statistics.median(each) for name, each in used.items()}, values


def medians(runs, functions):
    """Runs all functions in turn, several times over, so that noise hits them alike; median seconds and the last value of each."""
    times, values = {name: [] for name in functions}, {}
    for _ in range(runs):
        for name, function in functions.items():
            seconds, values[name] = timed(function)
            times[name].append(seconds)
    return {name: statistics.median(all_of) for name, all_of in times.items()}, values
