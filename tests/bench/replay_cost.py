"""What the benches of replays share: sample data in a Tempo, the requests of a replay recorded and sent again by curl, and medians of runs in turn.
Standard library only."""
import datetime
import json
import os
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
from http_wire import Proxy  # noqa: E402

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
        subprocess.run(["curl", "--no-progress-meter", "--parallel", "--parallel-max", str(parallel), "-K", config.name], check=True,
                       stdout=subprocess.DEVNULL)


def record(tempo_url, function):
    """The GET requests that function(url) makes, to be sent again by curl."""
    with Proxy(tempo_url) as proxy:
        function(proxy.url)
        kept = ("accept", "accept-encoding")
        return [(tempo_url + one.target, {name: value for name, value in one.headers.items() if name.lower() in kept}) for one in proxy.seen]


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


def load(tempo, traces, folder):
    """Fills the Tempo, and settles one of config "settled"; returns the bounds as text and in seconds, and the truth of the planted rules."""
    end = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=3)).replace(microsecond=0)
    start = end - datetime.timedelta(hours=24)
    truth = os.path.join(folder, "truth.json")
    bounds = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (start, end)]
    pushed = run_cli("generate", "--scenario", "none", "--traces", traces, "--end", bounds[1], "--since", "24h", "--otlp", tempo.otlp_url, "--truth", truth, timeout=900)
    assert pushed.returncode == 0, pushed.stderr
    seconds = (int(start.timestamp()), int(end.timestamp()))

    def wait_for_all():
        # Tempo 2.8 mixes up two traces in some hundred thousand (tests/facts/facts_wire.py).
        tempo.wait_until(lambda: searchable(tempo, seconds, traces) >= traces - traces // 50000, "searchable", seconds=60 + traces / 500, pause=1)
    wait_for_all()
    time.sleep(35)  # the block is cut and complete, as it is in a Tempo that was not just started
    if tempo.config == "settled":
        tempo.settle()
        wait_for_all()
    with open(truth, encoding="utf-8") as file:
        return bounds, seconds, {name: set(ids) for name, ids in json.load(file).items()}


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
