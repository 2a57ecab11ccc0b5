"""The files under distribution/grafana and distribution/prometheus parse, and name only metrics, attributes and severities that exist."""
import glob
import os
import re
import sys
import unittest

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
        source = "".join(read(path) for path in glob.glob(f"{ROOT}/server/**/*.c", recursive=True) + glob.glob(f"{ROOT}/tempo/*.h"))
        cls.attributes = set(re.findall(r'"(betrace\.(?:violation|watch)\.[a-z_]+)"', source))

    def files(self):
        found = sorted(glob.glob(f"{ROOT}/distribution/grafana/**/*.yaml", recursive=True) + glob.glob(f"{ROOT}/distribution/prometheus/*.yaml"))
        self.assertGreaterEqual(len(found), 4)
        return found

    def test_every_metric_and_attribute_exists(self):
        for path in self.files():
            text = read(path)
            yaml.safe_load(text)
            queries = re.findall(r"expr: .*|query: .*|\"query\":.*", text)
            self.assertTrue(queries, path)
            for name in re.findall(r"\bbetrace_[a-z_]+", "\n".join(queries)):
                self.assertIn(name, self.metrics, path)
            for name in re.findall(r"span\.(betrace\.[a-z._]+)", text):
                self.assertIn(name, self.attributes, path)

    def test_alert_rules_of_grafana_are_whole(self):
        for path in glob.glob(f"{ROOT}/distribution/grafana/provisioning/alerting/*.yaml"):
            document = yaml.safe_load(read(path))
            self.assertEqual(document["apiVersion"], 1)
            uids = set()
            for group in document["groups"]:
                for rule in group["rules"]:
                    self.check_rule(rule)
                    self.assertNotIn(rule["uid"], uids)
                    uids.add(rule["uid"])

    def check_rule(self, rule):
        names = {query["refId"] for query in rule["data"]}
        self.assertIn(rule["condition"], names)
        self.assertIn(rule["noDataState"], ("NoData", "Alerting", "OK"))
        self.assertEqual(rule["execErrState"], "Error")
        for query in rule["data"]:
            self.assertEqual(query["model"]["refId"], query["refId"])
            if query["datasourceUid"] == "__expr__":
                self.assertIn(query["model"]["expression"], names)
            else:
                self.assertIn("relativeTimeRange", query)

    def test_violations_are_those_of_watch(self):
        """A replay of the past must not page: spans are asked for with their source, metrics count watch alone."""
        for path in self.files():
            for query in re.findall(r"\{[^{}]*betrace\.violation\.[a-z_]+ =[^{}]*\}", read(path)):
                self.assertRegex(query, r'betrace\.violation\.source = \\*"watch', path)


if __name__ == "__main__":
    unittest.main(verbosity=1)
