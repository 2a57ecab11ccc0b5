"""What stands before a ClickHouse in tests: a collector that writes what it is sent by OTLP as the exporters do, and a way to the server that breaks answers.
Standard library only."""
import argparse
import http.server
import itertools
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import otlp_clickhouse  # noqa: E402
import otlp_protobuf  # noqa: E402
from before_store import Before, Handler  # noqa: E402, F401


class Collecting(Handler):
    """POST /SCHEMA/DATABASE makes the tables, and POST /SCHEMA/DATABASE/v1/traces writes into them."""
    port = 0

    def do_GET(self):
        self.answer(200, b"ready")

    def do_POST(self):
        body = self.body()
        try:
            status, content = 200, self.write(body)
        except (Exception, SystemExit) as problem:  # the latter is the loader's way of saying what the server refused
            print(f"{self.path}: {problem!r}", file=sys.stderr, flush=True)
            status, content = 500, str(problem).encode()
        self.answer(status, content, [("Content-Type", self.headers.get("Content-Type", "text/plain"))])

    def write(self, body):
        _, schema, database, *rest = self.path.split("/")
        options = argparse.Namespace(http=self.port, schema=schema, database=database, parts=1, now=0)
        server = otlp_clickhouse.Server(options)
        if not rest:
            otlp_clickhouse.create(server, schema, database)
            return b""
        is_json = self.headers["Content-Type"] == "application/json"
        otlp_clickhouse.load(server, options, [json.loads(body) if is_json else otlp_protobuf.request_of(body)])
        return b"{}" if is_json else b""


class Passing(Handler):
    port = 0

    def ask(self, body):
        headers = {name: value for name, value in self.headers.items() if name.lower() in ("content-type", "x-clickhouse-user", "x-clickhouse-key")}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.path}", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, [("X-ClickHouse-Summary", answer.headers["X-ClickHouse-Summary"])], answer.read()
        except urllib.error.HTTPError as error:
            return error.code, [], error.read()


class Breaking(Passing):
    """Passes questions about the server and its tables on. Of spans it answers wrongly, in one way after another. None of these is an answer."""
    turn = itertools.count()

    def do_POST(self):
        status, headers, content = self.ask(self.body())
        is_of_spans = "{database:Identifier}" in urllib.parse.unquote(self.path)
        if not is_of_spans or status != 200:
            self.answer(status, content, headers)
            return
        self.close_connection = True
        fault = next(self.turn) % 6
        if fault == 0:
            self.answer(500, b"Code: 999. DB::Exception: something")
        elif fault == 1:
            self.answer(500, b"Code: 241. DB::Exception: Memory limit exceeded")
        elif fault == 2:  # within a row
            self.answer(200, content[:-1], headers)
        elif fault == 3:  # between rows, of which more were said
            self.answer(200, b"", headers)
        elif fault == 4:  # hangs up
            self.answer(200, content[:len(content) // 2], headers, len(content) + 1)
        else:  # an answer that does not say how many rows it has
            self.answer(200, content)


class Rewriting(Passing):
    """Passes everything on, with words of the statements replaced."""
    words = {}

    def do_POST(self):
        place, _, query = self.path.partition("?")
        parameters = urllib.parse.parse_qsl(query, keep_blank_values=True)
        for old, new in self.words.items():
            parameters = [(name, value.replace(old, new) if name == "query" else value) for name, value in parameters]
        self.path = place + "?" + urllib.parse.urlencode(parameters, quote_via=urllib.parse.quote)
        status, headers, content = self.ask(self.body())
        self.answer(status, content, headers)


def main():
    """A collector of its own: http://127.0.0.1:PORT/map/otel is its address for the tables of `otel`, which it makes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clickhouse", type=int, required=True, help="port of its HTTP interface")
    options = parser.parse_args()
    otlp_clickhouse.create(otlp_clickhouse.Server(argparse.Namespace(http=options.clickhouse, schema="map", database="otel")), "map", "otel")
    http.server.ThreadingHTTPServer(("127.0.0.1", options.port), type("Of", (Collecting,), {"port": options.clickhouse})).serve_forever()


if __name__ == "__main__":
    main()
