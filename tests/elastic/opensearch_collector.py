"""What stands before an OpenSearch in tests: a collector that writes what it is sent by OTLP as an exporter of a schema does, and a way to the server that breaks answers.
Standard library only."""
import itertools
import json
import os
import sys
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import otlp_protobuf  # noqa: E402
from before_store import Before, Handler  # noqa: E402, F401
from opensearch_server import OpenSearch  # noqa: E402


class Collecting(Handler):
    """POST /INDEX makes the index, and POST /INDEX/v1/traces writes into it. What is refused is an error."""
    port = 0
    schema = "data_prepper"

    def do_POST(self):
        body = self.body()
        try:
            status, content = 200, self.write(body)
        except Exception as problem:
            print(f"{self.path}: {problem!r}", file=sys.stderr, flush=True)
            status, content = 500, str(problem).encode()
        self.answer(status, content, [("Content-Type", self.headers.get("Content-Type", "text/plain"))])

    def write(self, body):
        _, index, *rest = self.path.split("/")
        server = OpenSearch()
        server.http = self.port
        if not rest:
            server.create(index, typed="some" if self.schema == "data_prepper" else False, schema=self.schema)
            return b""
        if self.schema == "data_prepper" and (b"\n\x06amount" in body or b'"amount"' in body):  # mapped before its first value, as those of a template are
            server.ask("PUT", f"/{index}/_mapping", {"properties": {"attributes": {"properties": {"amount": {"type": "long"}}}}})
        is_json = self.headers["Content-Type"] == "application/json"
        refused = server.write(index, json.loads(body) if is_json else otlp_protobuf.request_of(body), schema=self.schema, refresh=True)
        if refused:
            raise AssertionError(f"refused: {refused[:2]}")
        return b"{}" if is_json else b""


class Passing(Handler):
    port = 0

    def ask(self, method, body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.path}", data=body or None, method=method, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def pass_on(self, method):
        self.answer(*self.change(method, *self.ask(method, self.body())))

    def change(self, method, status, content):
        return status, content

    def do_GET(self):
        self.pass_on("GET")

    def do_DELETE(self):
        self.pass_on("DELETE")

    def do_POST(self):
        self.pass_on("POST")


class Rooted(Passing):
    """Before an Elasticsearch, whose packages lack the module that says its version at /."""
    def do_GET(self):
        if self.path == "/":
            self.answer(200, json.dumps({"name": "one", "version": {"number": "9.1.0", "build_flavor": "default"}}).encode())
        else:
            self.pass_on("GET")

    def do_PUT(self):
        self.pass_on("PUT")


# Each makes another answer of one to a search, which is none any more.
def failed_shard(answer):
    answer["_shards"].update(failed=1, successful=answer["_shards"]["successful"] - 1)


def timed_out(answer):
    answer["timed_out"] = True


def ended_early(answer):
    answer["terminated_early"] = True


def no_shard(answer):
    answer["_shards"].update(total=0, successful=0)


def fewer_traces(answer):
    if "aggregations" in answer:
        answer["aggregations"]["traces"]["buckets"] = answer["aggregations"]["traces"]["buckets"][:-1]


def fewer_spans(answer):
    answer["hits"]["hits"] = answer["hits"].get("hits", [])[:-1]


def lower_bound(answer):
    answer["hits"]["total"]["relation"] = "gte"


def skipped_cluster(answer):
    answer["_clusters"] = {"total": 2, "successful": 1, "skipped": 1}


def no_shards_said(answer):
    del answer["_shards"]


BENT = (failed_shard, timed_out, ended_early, no_shard, fewer_traces, fewer_spans, lower_bound, skipped_cluster, no_shards_said)


class Breaking(Passing):
    """Passes questions about the server and its indices on. Of searches it answers wrongly, in one way after another. None of these is an answer."""
    turn = itertools.count()
    bent = BENT

    def do_POST(self):
        status, content = self.ask("POST", self.body())
        if "_search?" not in self.path or status != 200:
            self.answer(status, content)
            return
        self.close_connection = True
        fault = next(type(self).turn) % (len(self.bent) + 3)
        if fault == len(self.bent):
            self.answer(500, b'{"error":{"type":"x","reason":"something"},"status":500}')
        elif fault == len(self.bent) + 1:
            self.answer(200, content[:len(content) // 2])
        elif fault == len(self.bent) + 2:  # hangs up
            self.answer(200, content[:len(content) // 2], (), len(content) + 1)
        else:
            answer = json.loads(content)
            self.bent[fault](answer)
            self.answer(200, json.dumps(answer).encode())
