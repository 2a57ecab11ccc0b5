"""Tempo's tag API, as completion relies on it (tempo/api/tempo_tags.c): how a key is written in the path, what types values have, what an answer holds back."""
import json
import time
import urllib.parse

import tempo_case as facts
from tempo_case import SECOND, otlp
from run_tempo import http


class TagFacts(facts.TempoCase):
    config = "fast"

    @classmethod
    def prepare(cls):
        now = time.time_ns() - SECOND
        attrs = {"a": "x", "n": 7, "f": 1.5, "b": True, "foo bar": "spaced", 'q"uote': "quoted", "a/b": "slash", "arr": ["p", "q"]}
        cls.ids = [otlp.new_trace_id(), otlp.new_trace_id()]
        cls.tempo.push([otlp.span(cls.ids[0], "checkout", now, attrs=attrs)], service="shop", resource={"env": "prod", "a": "resource"})
        cls.tempo.push([otlp.span(cls.ids[1], "pay", now, attrs={"a": "xyz"})], service="pay")
        cls.wait_found("{ }", cls.ids)

    def ask(self, path, accept="application/json", **parameters):
        now = int(time.time())
        query = urllib.parse.urlencode({"start": now - facts.RANGE_BEFORE_SECONDS, "end": now + 1, **parameters})
        status, headers, body = http("GET", f"{self.tempo.url}/api/v2/search/{path}?{query}", None, {"Accept": accept})
        return status, headers.get("Content-Type"), body.decode()

    def values(self, tag, **parameters):
        status, _, body = self.ask(f"tag/{urllib.parse.quote(tag, safe='')}/values", **parameters)
        self.assertEqual(status, 200, body)
        return sorted((one["type"], one.get("value")) for one in json.loads(body)["tagValues"])

    def test_names_come_by_scope(self):
        status, kind, body = self.ask("tags")
        self.assertEqual((status, kind), (200, "application/json"))
        scopes = {one["name"]: one["tags"] for one in json.loads(body)["scopes"]}
        self.assertEqual(scopes["span"], ["a", "a/b", "arr", "b", "f", "foo bar", "n", 'q"uote'])
        self.assertEqual(scopes["resource"], ["a", "env", "service.name"])
        only = json.loads(self.ask("tags", scope="resource")[2])["scopes"]
        self.assertEqual([one["name"] for one in only], ["resource"])

    def test_json_is_answered_to_those_who_accept_it(self):
        self.assertEqual(self.ask("tags", accept="application/json")[1], "application/json")

    def test_how_a_key_stands_in_the_path(self):
        """As it is, or as in a query."""
        if self.holds("a key in the path is quoted"):
            self.assertEqual(self.ask(f"tag/{urllib.parse.quote('span.foo bar')}/values")[0], 400)
            self.assertEqual(self.values('span."foo bar"'), [("string", "spaced")])
            self.assertEqual(self.values('span."q\\"uote"'), [("string", "quoted")])
        else:
            self.assertEqual(self.values("span.foo bar"), [("string", "spaced")])
            self.assertEqual(self.values('span.q"uote'), [("string", "quoted")])
            self.assertEqual(self.values('span."foo bar"'), [])

    def test_a_key_with_a_slash(self):
        """Where it cannot be asked for, the router reads it as another path, even encoded."""
        status, _, body = self.ask("tag/span.a%2Fb/values")
        if self.holds("a key with a slash has values"):
            self.assertEqual((status, json.loads(body)["tagValues"]), (200, [{"type": "string", "value": "slash"}]))
        else:
            self.assertEqual(status, 404)

    def test_values_have_types(self):
        self.assertEqual(self.values("span.n") + self.values("span.f") + self.values("span.b"), [("int", "7"), ("float", "1.5"), ("bool", "true")])
        self.assertEqual(self.values("span.arr"), [("string", "p"), ("string", "q")])

    def test_a_key_without_scope_is_of_both(self):
        self.assertEqual(self.values(".a"), [("string", "resource"), ("string", "x"), ("string", "xyz")])

    def test_an_empty_value_has_none(self):
        self.assertEqual(self.values("statusMessage"), [("string", None)])

    def test_names_of_spans_and_services(self):
        self.assertEqual(self.values("name"), [("string", "checkout"), ("string", "pay")])
        self.assertEqual(self.values("resource.service.name"), [("string", "pay"), ("string", "shop")])

    def test_a_limit_cuts_and_nothing_says_so(self):
        self.assertEqual(len(self.values(".a", limit=1)), 1)

    def test_what_a_query_by_regex_narrows(self):
        """Not on every version: so a prefix is looked for in the answer."""
        self.assertEqual(len(self.values(".a", q='{ span.a =~ "xy.*" }')), 1 if self.holds("a regex narrows the values of a tag") else 3)

    def test_an_unscoped_name_is_refused(self):
        status, _, body = self.ask("tag/nosuch/values")
        self.assertIn(status, (400, 500))
        self.assertIn("nosuch", body)


if __name__ == "__main__":
    facts.main()
