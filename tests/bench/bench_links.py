"""What a rule over linked traces costs: every message has to be processed within ten minutes, some are lost, over 24 hours. Compared in one run with
the two bare projections that any answer needs: all spans that send, and all spans that process with what they link to. Once over the part that was handed
over, once until now. On the command line, and as the later replay of a service, which rests on what its first one compared (trust.h). Goal: at most 2 x
the projections. Over the part that was handed over also a rule whose linked spans are rare: no message may be processed with an error. It has no goal, and
is compared with the same projections, the second of spans with errors. Prints medians, requests and ratios (of Tempo's processor time in parentheses);
asserts that the lost messages are found and no others, never times. `--short`: 200 traces. `--medium`: 4,000. Full size: 40,000, about half of which are
messages. beside.py says on which Tempos it runs."""
import argparse
import json
import tempfile

import beside
from replay_cost import PROTOBUF, curl, load, medians_with_work, older, search_url
from betrace_process import run_cli  # noqa: E402  (replay_cost sets the path)
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from warm_service import WarmService

RULE = ('when { span(span.kind == producer and messaging.destination.name == "orders") as sent } '
        "always { span(span.kind == consumer) linked to sent within 10m }")
FAILED = ('when { span(span.kind == producer and messaging.destination.name == "orders") as sent } '
          "never { span(span.kind == consumer and span.status == error) linked to sent within 10m }")
PROJECTIONS = ('{ kind = producer && span.messaging.destination.name = "orders" } | select(span:id)',
               "{ kind = consumer && link:spanID != nil } | select(link:traceID, link:spanID)")


def replay(url, bounds, rule=RULE):
    done = run_cli("replay", "--dsl", rule, "--tempo", url, "--start", bounds[0], "--end", bounds[1], "--count", "at_least", "--json", timeout=3600)
    answer = json.loads(done.stdout)
    assert answer["status"] == "completed", answer
    return answer


def young(tempo, seconds):
    """The traces of the part that was not handed over: whether a message of it is lost may not be known yet."""
    return {one.rjust(32, "0") for one in tempo.search("{}", start=older((None, None), seconds)[1][1], end=seconds[1] + 900, limit=200000)}


def compare(tempo, ratios, what, bounds, seconds, lost, maybe_lost, runs):
    """lost: have to be found; maybe_lost: may be."""
    projections = [(search_url(tempo.url, query, seconds, spans=100), PROTOBUF) for query in PROJECTIONS]
    with WarmService(tempo.url, RULE, bounds) as service:
        times, work, values = medians_with_work(tempo.pid, runs, {
            "replay": lambda: replay(tempo.url, bounds),
            "later replay of a service": service.replay,
            "two projections": lambda: curl(projections),
        })
        answer, later = values["replay"], values["later replay of a service"]
        check_found({one["trace_id"] for one in answer["violations"]}, lost, maybe_lost)
        check_found(service.violating(later), lost, maybe_lost)
    (rule,) = answer["rules"]
    print(f"{tempo.variant.name}, {what}: {answer['violations_found']} lost of {rule['traces_exercised']} messages, {answer['queries']} requests, "
          f"{later['queries']} of a service; " + ", ".join(f"{name} {times[name]:.2f} s" for name in times), flush=True)
    for ours in ("replay", "later replay of a service"):
        ratios.note_pair(tempo, f"{ours} over links / two projections, {what}", (ours, "two projections"), times, work, 2)


def compare_rare(tempo, ratios, bounds, seconds, runs):
    queries = (PROJECTIONS[0], PROJECTIONS[1].replace("kind = consumer", "kind = consumer && status = error"))
    projections = [(search_url(tempo.url, query, seconds, spans=100), PROTOBUF) for query in queries]
    times, work, values = medians_with_work(tempo.pid, runs, {
        "rare": lambda: replay(tempo.url, bounds, FAILED),
        "two projections": lambda: curl(projections),
    })
    answer = values["rare"]
    assert answer["violations_found"] > 0, "no message was processed with an error"
    print(f"{tempo.variant.name}, rare: {answer['violations_found']} of {answer['rules'][0]['traces_exercised']} messages failed, {answer['queries']} requests; "
          + ", ".join(f"{name} {times[name]:.2f} s" for name in times), flush=True)
    ratios.note_pair(tempo, "replay of what must not link, where it is rare / two projections", ("rare", "two projections"), times, work, None)


def check_found(found, lost, maybe_lost):
    assert lost <= found <= lost | maybe_lost, f"missing {len(lost - found)}, too many {len(found - lost - maybe_lost)}"


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    beside.add_options(parser)
    options = parser.parse_args()
    traces, runs = by_size(options.size, (200, 3), (4000, 3), (40000, 3))
    ratios = beside.Ratios()
    for server in beside.tempos(options):
        with tempfile.TemporaryDirectory(prefix="betrace-bench-") as folder, server as tempo:
            bounds, seconds, truth = load(tempo, traces, folder, "messaging")
            late = young(tempo, seconds)
            lost, maybe_lost = truth["lost-message"] - late, truth["lost-message"] & late
            compare(tempo, ratios, "handed over", *older(bounds, seconds), lost, set(), runs)
            compare_rare(tempo, ratios, *older(bounds, seconds), runs)
            compare(tempo, ratios, "until now", bounds, seconds, lost, maybe_lost, runs)
    print(ratios.text())


if __name__ == "__main__":
    require_tempo()
    main()
