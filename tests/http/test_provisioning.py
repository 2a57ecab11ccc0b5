"""The files under distribution/grafana and distribution/prometheus parse, and name only metrics, attributes and severities that exist."""
import glob
import json
import os
import re
import sys
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_again_with  # noqa: E402

if __name__ == "__main__":
    run_again_with(os.path.join(HERE, "requirements.txt"))
import yaml  # noqa: E402
from betrace_process import Betrace  # noqa: E402


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Provisioning(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Betrace("--memory-source") as service:
            service.post("/v1/rules", {"id": "a", "dsl": "when { a } always { b }"})
            cls.metrics = set(re.findall(r"^# TYPE (\S+)", service.get("/metrics").body.decode(), re.M))
        cls.recorded = set(re.findall(r"- record: (\S+)", "".join(read(path) for path in glob.glob(f"{ROOT}/distribution/prometheus/*.yaml"))))
        source = "".join(read(path) for path in glob.glob(f"{ROOT}/server/**/*.c", recursive=True) + glob.glob(f"{ROOT}/tempo/**/*.h", recursive=True))
        cls.attributes = set(re.findall(r'"(betrace\.(?:violation|watch)\.[a-z_]+)"', source))

    def files(self):
        found = sorted(glob.glob(f"{ROOT}/distribution/grafana/**/*.yaml", recursive=True) + glob.glob(f"{ROOT}/distribution/prometheus/*.yaml"))
        self.assertGreaterEqual(len(found), 4)
        return found

    def test_every_metric_and_attribute_exists(self):
        for path in self.files():
            text = read(path)
            yaml.safe_load(text)
            queries = re.findall(r"expr: .*|query: .*|\"query\":.*|queryType: .*", text)
            self.assertTrue(queries or re.search("/(datasources|dashboards|plugins)/|/betrace-notifications.yaml$", path), path)
            for name in re.findall(r"[a-z]+:betrace_[a-z_]+:[a-z0-9]+", "\n".join(queries)):
                self.assertIn(name, self.recorded, path)
            for name in re.findall(r"(?<![a-z:])betrace_[a-z_]+", "\n".join(queries)):
                self.assertIn(name, self.metrics, path)
            for name in re.findall(r"span\.(betrace\.[a-z._]+)", text):
                self.assertIn(name, self.attributes, path)

    def test_logs_and_exemplars_lead_to_what_a_trace_violates(self):
        sources = {source["uid"]: source for source in yaml.safe_load(read(f"{ROOT}/distribution/grafana/provisioning/datasources/correlations.yaml"))["datasources"]}
        own = yaml.safe_load(read(f"{ROOT}/distribution/grafana/provisioning/datasources/betrace.yaml"))["datasources"][0]
        link, = sources["loki"]["correlations"]
        change, = link["config"]["transformations"]
        self.assertTrue(link["label"] and link["description"], "without one of both Grafana 12.3 ends as it starts")
        self.assertEqual((link["targetUID"], link["config"]["target"]), (own["uid"], {"queryType": "violations", "traceId": "$${" + change["mapValue"] + "}"}))
        self.assertRegex(read(f"{ROOT}/grafana-betrace-app/src/datasource/types.ts"), r"'violations'[\s\S]*traceId\?: string")
        trace = "0af7651916cd43dd8448eb211c80319c"
        for line in (f"level=error traceID={trace} msg=x", f'{{"trace_id": "{trace}", "msg": "x"}}', f"traceid: {trace}", f"trace_id='{trace}'"):
            self.assertEqual(re.search(change["expression"], line)[1], trace, line)
        self.assertIsNone(re.search(change["expression"], f"span_id={trace[:16]} retrace=1"))
        tempo, pages = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
        self.assertEqual(tempo["datasourceUid"], own["jsonData"]["tempoDatasourceUid"])
        self.assertEqual(pages["url"], "/a/betrace-app/violations?trace=$${__value.raw}")
        self.assertIn("  trace: traceIdParameter,", read(f"{ROOT}/grafana-betrace-app/src/violations/filters.ts"))

    def test_alerts_on_violations_lead_to_the_problems_of_their_rule(self):
        """Filters of the list alone would lead to the list (viewOf in filters.ts)."""
        for name in ("betrace-datasource", "betrace-slo-datasource"):
            rules = yaml.safe_load(read(f"{ROOT}/distribution/grafana/provisioning/alerting/{name}.yaml"))["groups"][0]["rules"]
            about = [rule for rule in rules if "cannot-look" not in rule["uid"]]
            self.assertTrue(about)
            for rule in about:
                self.assertRegex(rule["annotations"]["runbook_url"],
                                 r"^\{\{ externalURL \}\}a/betrace-app/violations\?orgId=1&rule=\{\{ \$labels\.rule_id \}\}&from=now-\dh&to=now$", rule["uid"])

    def test_alert_rules_of_grafana_are_whole(self):
        for path in self.alert_files():
            document = yaml.safe_load(read(path))
            self.assertEqual(document["apiVersion"], 1)
            uids = set()
            for group in document["groups"]:
                for rule in group["rules"]:
                    self.check_rule(rule)
                    self.check_silence(rule, group["interval"])
                    self.check_annotations(rule["annotations"], group["orgId"])
                    self.assertNotIn(rule["uid"], uids)
                    uids.add(rule["uid"])

    def check_rule(self, rule):
        names = {query["refId"] for query in rule["data"]}
        self.assertIn(rule["condition"], names)
        states = (rule["noDataState"], rule["execErrState"])
        says_that_nobody_looks = rule["uid"].endswith("cannot-look") or rule["uid"] == "betrace-watch-lags"
        self.assertEqual(states, ("Alerting", "Alerting") if says_that_nobody_looks else ("KeepLast", "KeepLast"), rule["uid"])
        for query in rule["data"]:
            self.assertEqual(query["model"]["refId"], query["refId"])
            if query["datasourceUid"] == "__expr__":
                used = re.findall(r"\$([A-Z])", query["model"]["expression"]) if query["model"]["type"] == "math" else [query["model"]["expression"]]
                self.assertTrue(used)
                self.assertLessEqual(set(used), names)
            else:
                self.assertIn("relativeTimeRange", query)
            if query["datasourceUid"] == "betrace":
                self.check_betrace_query(query)

    def check_silence(self, rule, interval):
        """Where nobody looked a firing alert goes on for an hour at least: after two evaluations without its series Grafana would send "resolved"."""
        self.assertRegex(interval, r"^\d+m$")
        if rule["uid"].endswith("cannot-look"):  # it ends as soon as there are numbers; an instance without labels would go on for an hour
            self.assertNotIn("missing_series_evals_to_resolve", rule)
            return
        if rule["uid"] == "betrace-violation-spans":  # a series that is missing beside the 0 of watch is how it ends
            self.assertEqual(rule["missing_series_evals_to_resolve"] * int(interval[:-1]), 15)
            return
        self.assertGreaterEqual(rule["missing_series_evals_to_resolve"] * int(interval[:-1]), 60, rule["uid"])

    def check_annotations(self, annotations, organisation):
        """Links are whole addresses and name the organisation of their rule; what panes of Explore say is JSON behind its encoding; a value that is missing or NaN takes no
        text along."""
        for name, text in annotations.items():
            self.assertNotRegex(text, r"\$values\.\w+\.Value", f"{name}: ask for a value within {{{{ with $values.A }}}}")
            if name.endswith("_url"):
                self.assertTrue(text.startswith("{{ externalURL }}"), text)
                self.assertEqual(re.findall(r"[?&]orgId=(\d+)&", text), [str(organisation)], text)
            panes = re.findall(r"[?&]panes=(\S.*)", text)
            for one in panes:
                self.assertNotRegex(re.sub(r"{{.*?}}", "", one), r"[^\w.~%-]", one)
                decoded = urllib.parse.unquote(re.sub(r"{{.*?}}", "some-rule", one))
                self.assertEqual(set(json.loads(decoded)["a"]), {"datasource", "queries", "range"})

    def test_alerts_do_not_page_and_resolve_by_turns(self):
        """A level ends below where it begins: where the others have their zeros again. A count ends at 0 alone, which no threshold is below, so it goes on for a while. The key
        of Grafana's files is in camel case, unlike that of Prometheus; another is dropped without a word."""
        levels = {}
        for rule in self.grafana_rules():
            self.assertNotIn("keep_firing_for", rule, rule["uid"])
            condition, = (query["model"] for query in rule["data"] if query["refId"] == rule["condition"])
            evaluators = condition.get("conditions", [])
            self.assertLessEqual(len(evaluators), 1, "of several Grafana takes no recovery threshold")
            if evaluators and evaluators[0]["evaluator"]["params"] != [0]:
                self.assertEqual(evaluators[0]["unloadEvaluator"]["type"], "lt", rule["uid"])
                levels[rule["uid"]] = (evaluators[0]["evaluator"]["params"], evaluators[0]["unloadEvaluator"]["params"])
            else:
                self.assertFalse(evaluators and "unloadEvaluator" in evaluators[0], rule["uid"])
                is_kept = "cannot-look" not in rule["uid"] and rule["uid"] != "betrace-violation-spans"  # check_silence has the latter
                self.assertEqual(rule.get("keepFiringFor") in ("15m", "1h"), is_kept, rule["uid"])
        self.assertEqual(levels, {"betrace-watch-lags": ([900], [600]), "betrace-cannot-look": ([900], [300]), "betrace-slo-cannot-look": ([900], [300])})
        zeros = "betrace_watch_lag_seconds > 600 or time() - betrace_watch_last_trace_timestamp_seconds > 300"
        self.assertIn(zeros, str(self.grafana_rules()))

    def test_texts_of_notifications_are_those_that_docs_name(self):
        """grafana-betrace-app/pkg/notifications fills them in."""
        document = yaml.safe_load(read(f"{ROOT}/distribution/grafana/provisioning/alerting/betrace-notifications.yaml"))
        group, = document["templates"]
        self.assertEqual((document["apiVersion"], group["orgId"], group["name"]), (1, 1, "betrace"))
        defined = set(re.findall(r'{{-? *define "(.*?)"', group["template"]))
        self.assertLessEqual(set(re.findall(r'template "(.*?)"', group["template"])), defined)
        self.assertEqual(set(re.findall(r'{{ template "(.*?)" \. }}', read(f"{ROOT}/docs/howto/alert.md"))), defined & {"betrace.title", "betrace.message"})

    def test_templates_of_values_say_when_there_is_none(self):
        for rule in self.grafana_rules():
            summary = rule["annotations"]["summary"]
            self.assertEqual("{{" in summary, "could not be looked at" in summary, rule["uid"])
            self.assertTrue("humanize" not in summary or "with $values.A" in summary, rule["uid"])

    def test_what_is_asked_of_tempo_brings_no_exemplars(self):
        queries = [query["model"]["query"] for rule in self.grafana_rules() for query in rule["data"] if query["datasourceUid"] == "tempo"]
        self.assertTrue(queries)
        for query in queries:
            self.assertTrue(query.endswith(" with(exemplars=0)"), query)

    def test_spans_are_kept_unless_a_fresh_checkpoint_says_zero(self):
        """The sum of checkpoints adds nothing to the number, and takes it away where there is none. It is asked over less time than violations, so that an alert cannot end by
        what was looked at before. What says that nobody looks asks the same. Tempo's answers to both are held by tests/facts/facts_metrics.py."""
        rules = {rule["uid"]: {query["refId"]: query for query in rule["data"]} for rule in self.grafana_rules()}
        violations, nobody = rules["betrace-violation-spans"], rules["betrace-traceql-cannot-look"]
        self.assertEqual(violations["D"]["model"]["expression"], "$C + $E > 0")
        for reduced, asked in (("C", "A"), ("E", "B")):
            self.assertEqual((violations[reduced]["model"]["expression"], violations[reduced]["model"]["reducer"]), (asked, "sum"))
        self.assertLess(violations["B"]["relativeTimeRange"]["from"], violations["A"]["relativeTimeRange"]["from"])
        self.assertEqual({**violations["B"]["model"], "refId": "A"}, nobody["A"]["model"])
        self.assertEqual(nobody["D"]["model"]["conditions"], [{"evaluator": {"type": "lt", "params": [0]}}])
        for query in (violations["A"], violations["B"]):
            self.assertIn("sum_over_time(span.betrace.violation.count)", query["model"]["query"])

    def test_a_severity_of_an_alert_hides_none_of_the_rule(self):
        """Numbers of the data source have the rule's severity among their labels, and those of the counter of violations."""
        for rule in self.grafana_rules():
            if any(query["datasourceUid"] == "betrace" or "severity" in query["model"].get("expr", "") for query in rule["data"]):
                self.assertNotIn("severity", rule["labels"], rule["uid"])

    def alert_files(self):
        """Those with alert rules; one beside them has texts of notifications."""
        found = [path for path in glob.glob(f"{ROOT}/distribution/grafana/provisioning/alerting/*.yaml") if "groups" in yaml.safe_load(read(path))]
        self.assertEqual(len(found), 5)
        return found

    def grafana_rules(self):
        return [rule for path in self.alert_files() for group in yaml.safe_load(read(path))["groups"] for rule in group["rules"]]

    def test_alerts_of_prometheus_outlive_a_service_that_is_away(self):
        """tests/prometheus has what comes of it in time."""
        groups = [group for path in glob.glob(f"{ROOT}/distribution/prometheus/*.yaml") for group in yaml.safe_load(read(path))["groups"]]
        rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
        held = [rule["alert"] for rule in rules if f'ALERTS{{alertname="{rule["alert"]}", alertstate="firing"}}' in rule["expr"]]
        about_violations = [rule["alert"] for rule in rules if re.search("betrace_violations_total|betrace_violation_ratio", rule["expr"])]
        self.assertEqual(held, about_violations)
        self.assertEqual(len(held), 4)

    def check_betrace_query(self, query):
        """One number a rule, of fields that the query model has, over a range that is settled."""
        model, span = query["model"], query["relativeTimeRange"]
        self.assertTrue(model["instant"])
        self.assertIn(model["queryType"], self.query_types())
        self.assertEqual(query.get("queryType", model["queryType"]), model["queryType"])
        self.assertLessEqual(set(model), self.fields_of("BetraceQuery") | {"refId"})
        self.assertLessEqual(set(model.get("severities", [])), {"info", "low", "warning", "medium", "high", "error", "critical"})
        self.assertGreaterEqual(span["to"], 180, "younger than settle and a minute: never known")
        self.assertGreater(span["from"], span["to"])

    def fields_of(self, interface):
        """Of the data source's model in TypeScript."""
        body = read(f"{ROOT}/grafana-betrace-app/src/datasource/types.ts").split(f"export interface {interface} ")[1].split("\n}")[0]
        return set(re.findall(r"^  (\w+)\?: ", body, re.M))

    def test_every_file_says_when_nobody_looks(self):
        """One rule a file, whose numbers are never beyond its threshold while somebody looks: only that there are none, or that nothing came, fires."""
        for path in self.alert_files():
            rule, = (rule for group in yaml.safe_load(read(path))["groups"] for rule in group["rules"] if rule["uid"].endswith("cannot-look"))
            self.assertTrue(rule["title"].startswith("BeTrace cannot look"), path)
            self.assertTrue(rule["annotations"]["summary"].startswith("BeTrace cannot look"), path)
            asked, = (query for query in rule["data"] if query["datasourceUid"] != "__expr__")
            if asked["datasourceUid"] == "betrace":
                self.assertEqual(asked["model"]["queryType"], "count", "a ratio is not there either where nothing exercised the rule")
                self.assertNotIn("severities", asked["model"], "all rules that any alert is about")
        for path in glob.glob(f"{ROOT}/distribution/prometheus/*.yaml"):
            alerts = {rule["alert"]: rule for group in yaml.safe_load(read(path))["groups"] for rule in group["rules"] if "alert" in rule}
            self.assertEqual("BetraceCannotLook" in alerts, bool(alerts), path)

    def test_zeros_of_prometheus_are_said_only_while_somebody_looks(self):
        blind = "unless on (tenant) (betrace_watch_lag_seconds > 600 or time() - betrace_watch_last_trace_timestamp_seconds > 300) and on (tenant) betrace_watch_lag_seconds"
        exprs = [query["model"]["expr"] for rule in self.grafana_rules() for query in rule["data"] if "increase" in query["model"].get("expr", "")]
        self.assertEqual(len(exprs), 3)
        for expr in exprs:
            self.assertTrue(expr.endswith(blind), expr)

    def test_a_number_and_its_zero_are_one_series(self):
        """A name that a comparison leaves on one side of `or` makes two alert instances of them: the firing one would be missing afterwards, and fire on for an hour."""
        exprs = [query["model"]["expr"] for rule in self.grafana_rules() for query in rule["data"] if " or " in query["model"].get("expr", "")]
        self.assertEqual(len(exprs), 3)
        for expr in exprs:
            depth, outer = 0, ""
            for letter in expr:
                depth -= letter == ")"
                outer += letter if not depth else ""
                depth += letter == "("
            for side in outer.split(" or "):
                self.assertRegex(side, r"^(sum by |0 \* )", expr)

    def test_thresholds_stand_on_queries_of_betrace_themselves(self):
        """A reduce expression would make NaN of null, which a threshold calls normal."""
        for path in self.alert_files():
            for rule in (rule for group in yaml.safe_load(read(path))["groups"] for rule in group["rules"]):
                ours = {query["refId"] for query in rule["data"] if query["datasourceUid"] == "betrace"}
                for model in (query["model"] for query in rule["data"]):
                    self.assertFalse(model.get("type") == "reduce" and model["expression"] in ours, rule["uid"])

    def test_data_sources_are_those_that_alerts_name(self):
        """Every uid that an alert or a link names is provisioned, here or in the stack, and settings of ours are those that the plugin reads."""
        types = {}
        for path in sorted(glob.glob(f"{ROOT}/distribution/**/datasources/*.yaml", recursive=True)):
            document = yaml.safe_load(read(path))
            self.assertEqual(document["apiVersion"], 1)
            for source in document["datasources"]:
                self.assertEqual(types.setdefault(source["uid"], source["type"]), source["type"])
                self.assertIs(source["isDefault"], source["uid"] == "tempo", path)
                if source["uid"] == "betrace":
                    self.assertLessEqual(set(source["jsonData"]), self.fields_of("BetraceOptions"), path)
        self.assertEqual(types["betrace"], json.loads(read(f"{ROOT}/grafana-betrace-app/src/datasource/plugin.json"))["id"])
        for path in self.alert_files():
            for uid in re.findall(r'datasourceUid: (\S+)|"datasource":"(\w+)"', read(path)):
                self.assertIn("".join(uid), set(types) | {"__expr__"}, path)

    def query_types(self):
        """Those of the data source that an alert may take."""
        types = dict(re.findall(r'^\t(\w+) +Type = "(\w+)"', read(f"{ROOT}/grafana-betrace-app/pkg/query/query.go"), re.M))
        return {types[name] for name in ("Count", "Exercised", "Ratio")}

    def test_violations_are_those_of_watch(self):
        """A replay of the past must not page: spans are asked for with their source, metrics count watch alone."""
        for path in self.files():
            for query in re.findall(r"\{[^{}]*betrace\.violation\.[a-z_]+ =[^{}]*\}", read(path)):
                self.assertRegex(query, r'betrace\.violation\.source = \\*"watch', path)


if __name__ == "__main__":
    unittest.main(verbosity=1)
