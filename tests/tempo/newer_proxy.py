"""A Tempo 2.8 that answers searches as 2.10 or 3.0 does, for machines that have no such Tempo. A proxy in front of it
remembers every span that is pushed, and answers /api/search by the model of newer_model.py, in protobuf where that
is accepted. Traces by id, tags and all else are those of the 2.8 behind it.

    with NewerTempo("3.0") as tempo:       # a TempoServer; its url and otlp_url are those of the proxy
        tempo.push([otlp.span(...)])
        tempo.next_block()                 # what is pushed from now on lies in another block

A query that the model does not know is passed on, and `passed_on` has it: a test that asks such queries tests 2.8, and
has to say so.
"""
import collections
import json
import os
import sys
import threading
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
from http_wire import Answer, Proxy, send_whole  # noqa: E402  (the folders must be on the path first)
from newer_model import VERSIONS, Filter, Refused, stored_value  # noqa: E402
from newer_query import KINDS, STATUSES, Duration, NotKnown, Word, read, tests_of  # noqa: E402
from protobuf_answer import search_response, transcode  # noqa: E402
from run_tempo import TempoServer  # noqa: E402

SECOND = 1_000_000_000
NO_ROOT = "<root span not yet received>"
SPANS_PER_SET = 3
# What an answer says of a span elsewhere than among its attributes.
NOT_SHOWN = ("name", "duration", "span:childCount", "trace:id", "span:id", "traceDuration")


class StoredSpan:
    """One span as Tempo keeps it, with what newer_model asks for."""

    def __init__(self, raw, resource):
        status = raw.get("status", {})
        self.trace_id, self.span_id, self.parent = raw["traceId"], raw["spanId"], raw.get("parentSpanId", "")
        self.start_ns, self.end_ns = int(raw["startTimeUnixNano"]), int(raw["endTimeUnixNano"])
        self.attributes, self.resource = attributes_of(raw), resource
        self.is_error = status.get("code") == 2
        self.intrinsics = {
            "name": raw.get("name", ""), "kind": Word(KINDS[raw.get("kind", 0)]),
            "status": Word(STATUSES[status.get("code", 0)]), "statusMessage": status.get("message", ""),
            "duration": Duration(self.end_ns - self.start_ns), "trace:id": self.trace_id.lstrip("0"),
            "span:id": self.span_id, "span:parentID": self.parent or "0" * 16, "traceDuration": Duration(0)}

    @property
    def service(self):
        name = self.resource.get("service.name")
        return name if isinstance(name, str) else ""


def attributes_of(its):
    return {item["key"]: stored_value(item.get("value", {})) for item in its.get("attributes", [])}


class Fragment:
    """The spans of one trace in one block, which is all that a search sees of it. What is said of all its spans is
    worked out once: every search asks for it."""

    def __init__(self):
        self.spans, self.range_ns, self.known_row = {}, (2**64, 0), None

    def add(self, span):
        self.spans.setdefault((span.span_id, span.intrinsics["kind"]), span)  # the same once more changes nothing
        spans = self.spans.values()
        self.range_ns = min(its.start_ns for its in spans), max(its.end_ns for its in spans)
        self.known_row = None

    def count_children(self):
        parents = collections.Counter(span.parent for span in self.spans.values())
        for span in self.spans.values():
            span.intrinsics["span:childCount"] = parents[span.span_id]

    def overlaps(self, start_s, end_s):
        return self.range_ns[0] <= end_s * SECOND and self.range_ns[1] >= start_s * SECOND

    def row(self):
        """What every row of an answer says of the trace, as far as this fragment knows. The caller's own."""
        self.known_row = self.known_row or self._make_row()
        stats = {service: dict(its) for service, its in self.known_row["serviceStats"].items()}
        return {**self.known_row, "serviceStats": stats}

    def _make_row(self):
        spans = self.spans.values()
        start, end = self.range_ns
        root = next((span for span in spans if not span.parent), None)
        stats = {}
        for span in spans:
            its = stats.setdefault(span.service, {"spanCount": 0, "errorCount": 0})
            its["spanCount"] += 1
            its["errorCount"] += span.is_error
        return {"rootServiceName": root.service if root else NO_ROOT,
                "rootTraceName": root.intrinsics["name"] if root else "", "startTimeUnixNano": start,
                "durationMs": max(end - start, 0) // 1_000_000 % 2**32, "serviceStats": stats}


def any_value(value):
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, float):
        is_short = value.is_integer() and abs(value) < 1e15 and str(value) != "-0.0"  # Go writes 1.0 as 1
        odd = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        return {"doubleValue": int(value) if is_short else odd.get(str(value), value)}
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"stringValue": value} if isinstance(value, str) else {"intValue": str(int(value))}


def span_shown(shown, span):
    attributes = [{"key": name, "value": any_value(value)}
                  for (scope, name), value in shown.items() if scope or name not in NOT_SHOWN]
    told = {"spanID": span.span_id, "startTimeUnixNano": str(span.start_ns),
            "durationNanos": str(span.intrinsics["duration"] % 2**64), "attributes": attributes}
    if ("", "name") in shown:
        told["name"] = shown["", "name"]  # an empty one is left out in protobuf, as there
    return told


class Search:
    """One search over blocks: the rows of its answer. Each block is asked alone, as by a job of its own."""

    def __init__(self, version, text, parameters):
        self.version, self.query = version, read(text)
        self.start_s, self.end_s = int(parameters.get("start") or 0), int(parameters.get("end") or 2**33)
        self.limit = int(parameters.get("limit") or 20)
        self.spans_per_set = int(parameters.get("spss") or SPANS_PER_SET)
        self.rows = {}
        self.asks_children = any(test.field.name == "span:childCount" for test in tests_of(self.query.where))

    def ask(self, block):
        its = Filter(self.version, self.query)
        for trace_id, fragment in sorted(block.items()):
            if not fragment.overlaps(self.start_s, self.end_s):
                continue
            if self.asks_children:
                if not self.version.holds_arrays:
                    continue  # only blocks of vParquet5 count children
                fragment.count_children()
            found = [loaded for loaded in map(its.match, fragment.spans.values()) if loaded]
            if found and len(found) >= self.query.least:
                self._add(trace_id, fragment, self._sets(its, found))

    def _sets(self, its, found):
        """{values of by(…): span set}"""
        groups = {}
        for loaded in found:
            groups.setdefault(tuple(loaded.span.intrinsics[field.name] for field in self.query.by), []).append(loaded)
        return {key: {"spans": [span_shown(its.shown(one), one.span) for one in group[:self.spans_per_set]],
                      "matched": len(group), "attributes": self._by(key)} for key, group in groups.items()}

    def _by(self, key):
        return [{"key": f"by({field.name})", "value": any_value(value)} for field, value in zip(self.query.by, key)]

    def _add(self, trace_id, fragment, sets):
        """Of sets with one key in two fragments the larger stays, and nothing tells."""
        if trace_id not in self.rows:
            self.rows[trace_id] = fragment.row(), {}
        row, known = self.rows[trace_id]
        for key, its in sets.items():
            if key not in known or known[key]["matched"] < its["matched"]:
                known[key] = its
        more = fragment.row()
        row["startTimeUnixNano"] = min(row["startTimeUnixNano"], more["startTimeUnixNano"])
        row["durationMs"] = max(row["durationMs"], more["durationMs"])
        for service, stats in more["serviceStats"].items():
            its = row["serviceStats"].setdefault(service, stats)
            its.update({name: max(count, stats[name]) for name, count in its.items()})

    def answer(self):
        """Any `limit` of the rows, the newest first."""
        chosen = {trace_id: self.rows[trace_id] for trace_id in sorted(self.rows)[:self.limit]}
        rows = [{**row, "traceID": trace_id.lstrip("0"), "spanSets": list(sets.values()),
                 "spanSet": next(iter(sets.values()))} for trace_id, (row, sets) in chosen.items()]
        rows.sort(key=lambda row: -row["startTimeUnixNano"])
        return {"traces": [{**row, "startTimeUnixNano": str(row["startTimeUnixNano"])} for row in rows], "metrics": {}}


class NewerTempo(TempoServer):
    """See the top. family: one of VERSIONS. answered: how many searches the model answered; refused: those that it
    answered with 500; passed_on: (query, why) of those that it does not know."""

    def __init__(self, family, **how):
        super().__init__(**how)
        self.version = VERSIONS[family]
        self.blocks, self.lock = [{}], threading.Lock()
        self.answered, self.refused, self.passed_on = 0, [], []
        self.proxies = []

    def start(self):
        super().start()
        self.proxies = [Proxy(self.url, self._answer), Proxy(self.otlp_url, self._take)]
        for proxy in self.proxies:
            proxy.__enter__()
        self.url, self.otlp_url = (proxy.url for proxy in self.proxies)
        return self

    def stop(self):
        for proxy in self.proxies:
            proxy.__exit__()
        self.proxies = []
        super().stop()

    def behind(self):
        """The Tempo that all this stands in front of, to be asked."""
        plain = TempoServer(variant=self.variant)
        plain.url = "http://{}:{}".format(*self.proxies[0].upstream)
        return plain

    def next_block(self):
        with self.lock:
            self.blocks.append({})

    def _take(self, wire, request, answer):
        got = answer()
        if got.status == 200:
            with self.lock:
                    self._remember(json.loads(request.body))
        send_whole(wire, request, got)
        return True

    def _remember(self, pushed):
        for resource in pushed.get("resourceSpans", []):
            its = attributes_of(resource.get("resource", {}))
            for raw in (raw for scope in resource.get("scopeSpans", []) for raw in scope.get("spans", [])):
                span = StoredSpan(raw, its)
                self.blocks[-1].setdefault(span.trace_id, Fragment()).add(span)

    def _answer(self, wire, request, answer):
        send_whole(wire, request, self._answer_to(request, answer))
        return True

    def _answer_to(self, request, answer):
        if request.path == "/api/status/buildinfo":
            got = answer()
            return got.with_body(json.dumps({**json.loads(got.body), "version": self.version.text}).encode())
        if request.path != "/api/search":
            return answer()
        parameters = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.target).query, errors="surrogateescape"))
        try:
            return self._search(request, parameters)
        except NotKnown as why:
            self.passed_on.append((parameters.get("q"), str(why)))
            return transcode(request, answer())
        except Refused as why:
            self.refused.append(parameters["q"])
            text = f"error querying ingesters in Querier.SearchRecent: rpc error: {why}"
            return Answer(500, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())

    def _search(self, request, parameters):
        search = Search(self.version, parameters.get("q", "{}"), parameters)
        with self.lock:
            for block in self.blocks:
                search.ask(block)
            self.answered += 1
        body = json.dumps(search.answer()).encode()
        if "application/protobuf" in (request.header("Accept") or ""):
            return Answer(200, {"Content-Type": "application/protobuf"}, search_response(body))
        return Answer(200, {"Content-Type": "application/json"}, body)
