"""OSCAL assessment results against the models that are generated from NIST's published schemas (they refuse members that they do not know), and our
canonical JSON against another implementation of RFC 8785."""
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_again_with  # noqa: E402

if __name__ == "__main__":
    run_again_with(os.path.join(HERE, "requirements_oscal.txt"))
import rfc8785  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from seed_rules import PII_AUDIT  # noqa: E402
from trestle.oscal import assessment_results  # noqa: E402

END = "2026-03-10T12:00:00Z"
HOSTILE = "\u3000 </x> \" \\ ' {{}} \u202e\U0001F600\u2028name\u00a0"
RULES = [PII_AUDIT,
         {"id": "a", "name": HOSTILE, "dsl": '@SOC2(controls = {CC7_2, "§ 1 (a)", "¶ 1 (a)", "ü", "x"}) when { checkout } always { checkout }'},
         {"id": "b", "name": "x" * 250, "dsl": "@SOC2(controls = {CC7_2, CC8_1}) when { nothing } always { nothing }"},
         {"id": "c", "dsl": "trace.has(checkout)", "annotations": {"compliance_framework": "Ours & <theirs>"}}]


class OscalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-oscal-")
        cls.addClassCleanup(folder.cleanup)
        traces = os.path.join(folder.name, "traces.pb")
        run_cli("generate", "--traces", 100, "--violations", 10, "--end", END, "--since", "24h", "--out", traces)
        cls.server = Betrace("--traces", traces)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        for rule in RULES:
            answer = cls.server.post("/v1/rules", rule)
            assert answer.status == 201, answer

    def get(self, framework, form):
        answer = self.server.get(f"/v1/compliance/reports/{framework}?start=2026-03-09T12:00:00Z&end={END}&format={form}")
        self.assertEqual(answer.status, 200, answer)
        return answer

    def test_models(self):
        for framework in ("soc2", "gdpr", "Ours%20theirs"):  # with findings; without any rule; of no catalogue
            with self.subTest(framework=framework):
                document = self.get(framework, "oscal").json()
                model = assessment_results.Model.model_validate(document)
                results = model.assessment_results.results[0]
                self.assertEqual(len(results.findings or []), {"soc2": 7, "gdpr": 0}.get(framework, 1))
                broken = dict(document["assessment-results"], unknown=1)
                self.assertRaises(ValueError, assessment_results.Model.model_validate, {"assessment-results": broken})

    def test_ids_stand_for_what_they_name(self):
        document = self.get("soc2", "oscal").json()["assessment-results"]
        results = document["results"][0]
        targets = [finding["target"]["target-id"] for finding in results["findings"]]
        self.assertEqual(len(targets), len(set(targets)), "two controls never get one id")
        self.assertEqual(set(targets), {o["control-id"] for o in document["local-definitions"]["objectives-and-methods"]})
        self.assertEqual(document["import-ap"]["href"], "#" + document["back-matter"]["resources"][0]["uuid"])
        component = results["local-definitions"]["components"][0]["uuid"]
        self.assertEqual({s["subject-uuid"] for o in results["observations"] for s in o["subjects"]}, {component})

    def test_canonical_json(self):
        text = self.get("soc2", "json").body
        self.assertEqual(text, rfc8785.dumps(json.loads(text)))


if __name__ == "__main__":
    unittest.main(verbosity=1)
