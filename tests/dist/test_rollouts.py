"""distribution/rollouts: the files for Argo Rollouts and Flagger are what their custom resource definitions accept, and
what they ask is answered by a service as they expect. The definitions come with the modules of both, by Go's module
cache."""
import json
import pathlib
import sys
import tempfile
import unittest
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "support"), str(HERE)]
import python_packages  # noqa: E402

if __name__ == "__main__":
    python_packages.run_again_with(HERE / "requirements.txt")
import jsonschema  # noqa: E402
import yaml  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from custom_resources import check, definition, module  # noqa: E402
from trace_files import span, trace  # noqa: E402

ROLLOUTS = ROOT / "distribution/rollouts"
ARGO, FLAGGER = "github.com/argoproj/argo-rollouts@v1.8.3", "github.com/fluxcd/flagger@v1.36.1"
RULE = {"id": "large-orders-are-checked", "name": "checked", "dsl": "when { order.place as c } always { fraud-check after c }"}


class RolloutsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.argo = yaml.safe_load((ROLLOUTS / "argo-analysis.yaml").read_text(encoding="utf-8"))
        cls.flagger = yaml.safe_load((ROLLOUTS / "flagger-canary.yaml").read_text(encoding="utf-8"))
        folder = tempfile.TemporaryDirectory(prefix="betrace-rollouts-")
        cls.addClassCleanup(folder.cleanup)
        path, number = pathlib.Path(folder.name) / "t.jsonl", 0
        with open(path, "w", encoding="utf-8") as file:
            for version, bad in (("1.4.2", 2), ("1.4.3", 30), ("1.4.4", 2)):
                resource = {"service.version": version}
                for n in range(100):
                    number += 1
                    names = ("order.place",) if n < bad else ("order.place", "fraud-check")
                    file.write(trace(number, *[span(name, at=i, service="checkout", resource=resource) for i, name in enumerate(names)]))
        cls.server = Betrace("--traces", str(path))
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        assert cls.server.post("/v1/rules", RULE).status == 201

    def test_argo_accepts_its_file(self):
        schema = definition(module(ARGO) / "manifests/crds/analysis-template-crd.yaml", "AnalysisTemplate")
        check(self.argo, schema)
        self.argo["spec"]["metrics"][0]["provider"]["web"]["jsonpath"] = "x"
        self.addCleanup(self.argo["spec"]["metrics"][0]["provider"]["web"].pop, "jsonpath")
        self.assertRaises(jsonschema.ValidationError, check, self.argo, schema)

    def test_flagger_accepts_its_file(self):
        schema = definition(module(FLAGGER) / "artifacts/flagger/crd.yaml", "Canary")
        check(self.flagger, schema)
        self.flagger["spec"]["analysis"]["webhooks"][0]["uri"] = "x"
        self.addCleanup(self.flagger["spec"]["analysis"]["webhooks"][0].pop, "uri")
        self.assertRaises(jsonschema.ValidationError, check, self.flagger, schema)

    def path_of(self, url, **given):
        """What is asked of the service, over the time of the sample traces."""
        parts = urllib.parse.urlsplit(url)
        query = {**dict(urllib.parse.parse_qsl(parts.query)), "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T02:00:00Z", **given}
        return f"{parts.path}?{urllib.parse.urlencode(query)}"

    def test_argo_reads_the_result(self):
        (metric,) = self.argo["spec"]["metrics"]
        self.assertEqual((metric["successCondition"], metric["failureCondition"], metric["provider"]["web"]["jsonPath"]),
                         ('result == "pass"', 'result == "worse"', "{$.result}"))
        url = metric["provider"]["web"]["url"]
        values = {"betrace": "http://127.0.0.1", "rule": RULE["id"], "service": "checkout", "baseline": "1.4.2"}
        self.assertEqual(set(values) | {"candidate"}, {one["name"] for one in self.argo["spec"]["args"]})
        for candidate, result in (("1.4.4", "pass"), ("1.4.3", "worse"), ("1.4.9", "too_few")):
            text = url
            for name, value in {**values, "candidate": candidate}.items():
                text = text.replace("{{args.%s}}" % name, value)
            self.assertNotIn("{{", text)
            answer = self.server.get(self.path_of(text))
            self.assertEqual((answer.status, answer.json()["result"]), (200, result), answer)

    def test_flagger_reads_the_status(self):
        (webhook,) = self.flagger["spec"]["analysis"]["webhooks"]
        body = {"name": "checkout", "namespace": "shop", "phase": "Progressing", "metadata": {}}
        for candidate, status in (("1.4.4", 200), ("1.4.3", 412), ("1.4.9", 412)):
            answer = self.server.request("POST", self.path_of(webhook["url"], candidate=candidate), body)
            self.assertEqual(answer.status, status, answer)


if __name__ == "__main__":
    unittest.main(verbosity=1)
