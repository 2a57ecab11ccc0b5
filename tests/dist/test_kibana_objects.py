"""distribution/kibana: the objects, alert rules and monitors for Kibana and OpenSearch Dashboards, without either. Each line is an object that both import, whatever it
refers to is there, and every field that one names is an attribute that BeTrace's spans have. Both files differ in the data view alone. What real ones make of
them is in docs/howto/kibana.md. Standard library only."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import doc_pages  # noqa: E402
from before_store import Before, Handler  # noqa: E402

FOLDER = ROOT / "distribution/kibana"
VIEWS = {"otel.ndjson": ("traces-*.otel-*", "@timestamp"), "data-prepper.ndjson": ("otel-v1-apm-span-*", "startTime")}
OWN = {"name", "startTime", "@timestamp"}


def objects(name):
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def listed(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def opened(value):
    """With the JSON that stands in texts of it read, too."""
    if isinstance(value, str) and value[:2] in ('{"', '[{', '{}'):
        return opened(json.loads(value))
    if isinstance(value, dict):
        return {key: opened(item) for key, item in value.items()}
    return [opened(item) for item in value] if isinstance(value, list) else value


def texts(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def written_attributes():
    """The names that the emitters write: the C sources of violation spans and of watch's."""
    sources = "".join((ROOT / path).read_text(encoding="utf-8") for path in ("server/replay/emission.c", "tempo/wire/own_trace.h"))
    return set(re.findall(r'"(betrace\.[a-z_.]+)"', sources))


class Objects(unittest.TestCase):
    def test_each_file_has_what_it_refers_to_and_a_view_of_its_own(self):
        for name, (title, time) in VIEWS.items():
            with self.subTest(name):
                every = objects(name)
                ids = {(one["type"], one["id"]) for one in every}
                self.assertEqual(len(ids), len(every))
                self.assertEqual(sorted(kind for kind, _ in ids), ["dashboard", "index-pattern", "search", "search", *["visualization"] * 3])
                for one in every:
                    self.assertLessEqual({(to["type"], to["id"]) for to in one["references"]}, ids)
                    self.assertEqual(set(one["migrationVersion"]), {one["type"]})
                    source = opened(one["attributes"]).get("kibanaSavedObjectMeta", {}).get("searchSourceJSON")
                    if one["type"] in ("search", "visualization"):
                        self.assertEqual([to["name"] for to in one["references"]], [source["indexRefName"]])
                        self.assertEqual(source["query"]["language"], "kuery")
                view, = (one["attributes"] for one in every if one["type"] == "index-pattern")
                self.assertEqual((view["title"], view["timeFieldName"]), (title, time))

    def test_the_dashboard_draws_panels_that_are_there_and_do_not_overlap(self):
        for name in VIEWS:
            board, = (one for one in objects(name) if one["type"] == "dashboard")
            panels = opened(board["attributes"])["panelsJSON"]
            self.assertEqual({panel["panelRefName"] for panel in panels}, {to["name"] for to in board["references"]})
            cells = [(x, y) for panel in panels for at in [panel["gridData"]] for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
            self.assertEqual(len(cells), len(set(cells)))
            self.assertLess(max(x for x, _ in cells), 48)

    def test_both_are_the_same_but_for_the_view(self):
        title, time = VIEWS["otel.ndjson"]
        theirs, its_time = VIEWS["data-prepper.ndjson"]
        text = (FOLDER / "otel.ndjson").read_text(encoding="utf-8")
        self.assertEqual(text.replace(title, theirs).replace(time, its_time), (FOLDER / "data-prepper.ndjson").read_text(encoding="utf-8"))

    def test_every_field_is_one_that_betrace_writes(self):
        known = written_attributes()
        self.assertGreater(len(known), 15)
        for name in (*VIEWS, "kibana-rules.json", "opensearch-monitors.json"):
            said = opened(objects(name) if name in VIEWS else listed(name))
            named = {match for text in texts(said) for match in re.findall(r"attributes\.(betrace\.[a-z_.]+)", text)}
            self.assertGreaterEqual(len(named), 4, name)
            self.assertLessEqual(named, known, name)

    def test_links_lead_to_pages_of_the_plugin_wherever_the_base_path_is(self):
        patterns = (ROOT / "grafana-betrace-app/src/routing/urls.ts").read_text(encoding="utf-8")
        for name in VIEWS:
            view, = (opened(one["attributes"]) for one in objects(name) if one["type"] == "index-pattern")
            templates = [one["params"]["urlTemplate"] for one in view["fieldFormatMap"].values() if "urlTemplate" in one["params"]]
            self.assertEqual(len(templates), 2)
            for template in templates:
                folder = re.fullmatch(r"\.\./app/betrace/(\w+)/\{\{value\}\}", template)[1]
                self.assertIn(f"'{folder}/:", patterns)


class Alerts(unittest.TestCase):
    """The three of Kibana and the three of OpenSearch ask for the same spans."""

    def test_rules_of_kibana(self):
        rules = {one["name"]: one for one in listed("kibana-rules.json")}
        self.assertEqual(set(rules), {"BeTraceSevereViolation", "BeTraceViolation", "BeTraceCannotLook"})
        for name, rule in rules.items():
            self.assertEqual((rule["rule_type_id"], rule["params"]["timeField"], rule["params"]["excludeHitsFromPreviousRun"]), (".es-query", "@timestamp", False), name)
            wanted = ("<", [1], "all") if name == "BeTraceCannotLook" else (">", [0], "top")
            self.assertEqual((rule["params"]["thresholdComparator"], rule["params"]["threshold"], rule["params"]["groupBy"]), wanted)

    def test_monitors_of_opensearch_ask_the_same(self):
        rules = {one["name"]: json.loads(one["params"]["esQuery"])["query"] for one in listed("kibana-rules.json")}
        for monitor in listed("opensearch-monitors.json"):
            search = monitor["inputs"][0]["search"]
            window, *rest = search["query"]["query"]["bool"]["filter"]
            self.assertIn("startTime", window["range"])
            self.assertEqual({**search["query"]["query"]["bool"], "filter": rest}, rules[monitor["name"]]["bool"])
            self.assertTrue(search["query"]["track_total_hits"])
            (trigger,), = (one.values() for one in monitor["triggers"])
            if monitor["monitor_type"] == "bucket_level_monitor":
                self.assertIn(trigger["condition"]["parent_bucket_path"], search["query"]["aggregations"])

    def test_every_severity_is_of_exactly_one(self):
        severe, other, _ = (json.loads(one["params"]["esQuery"])["query"]["bool"] for one in listed("kibana-rules.json"))
        self.assertEqual(severe["filter"][-1], other["must_not"][0])
        self.assertEqual(severe["filter"][:-1], other["filter"])


class Answering(Handler):
    """Kibana, Dashboards and OpenSearch as far as the page asks them."""
    asked = []

    def do_POST(self):
        body = self.body().decode()
        self.asked.append((self.path, dict(self.headers), body))
        if "_import" in self.path:
            content = {"successCount": sum(line.startswith('{"') for line in body.splitlines())}
        else:
            content = json.loads(body) if "rule" in self.path else {"monitor": json.loads(body)}
        self.answer(200, json.dumps(content).encode())


class Page(unittest.TestCase):
    """The blocks of docs/howto/kibana.md, run against a stand-in that keeps what it was asked."""

    def test_its_blocks_send_the_files(self):
        with Before(Answering, 0) as server, tempfile.TemporaryDirectory() as folder:
            os.symlink(ROOT / "distribution", os.path.join(folder, "distribution"))
            said = []
            for _, info, text in doc_pages.blocks((ROOT / "docs/howto/kibana.md").read_text(encoding="utf-8")):
                if "checked=kibana" in info:
                    text = re.sub(r"http://(kibana|dashboards|opensearch):\d+", server.url, text)
                    done = subprocess.run(["bash", "-c", text], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    said += done.stdout.split()
        names = [one["name"] for one in listed("kibana-rules.json")]
        self.assertEqual(said, ["7", "7", *names, *names])
        header = [next((name for name in headers if name.endswith("-xsrf")), None) for _, headers, _ in Answering.asked]
        self.assertEqual(header, ["kbn-xsrf", "osd-xsrf", *["kbn-xsrf"] * 3, *[None] * 3])
        bodies = [json.loads(body) for path, _, body in Answering.asked if "_import" not in path]
        self.assertEqual(bodies, listed("kibana-rules.json") + listed("opensearch-monitors.json"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
