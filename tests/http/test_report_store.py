"""Reports are kept for each tenant under a bound of its own; who asked for one or an editor deletes it; and one that says nothing new is not made anew."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import bodies, make_key  # noqa: E402

START, END = "2026-03-09T12:00:00Z", "2026-03-10T12:00:00Z"
KEPT = 50


def ranged(minutes):
    return f"start=2026-03-09T12:{minutes:02}:00Z&end={END}"


class ReportStore(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-reports-")
        cls.addClassCleanup(cls.folder.cleanup)
        traces, tokens = os.path.join(cls.folder.name, "traces.pb"), os.path.join(cls.folder.name, "tokens")
        run_cli("generate", "--traces", 20, "--violations", 2, "--end", END, "--since", "24h", "--out", traces)
        made = [run_cli("token", "new", "--name", name, "--role", role, "--tenants", "acme,other", "--file", tokens).stdout.strip()
                for name, role in (("eve", "editor"), ("ann", "viewer"), ("bob", "viewer"))]
        cls.eve, cls.ann, cls.bob = ({"authorization": f"Bearer {token}", "x-scope-orgid": "acme"} for token in made)
        cls.private, cls.public = make_key(cls.folder.name)
        cls.arguments = ("--traces", traces, "--tokens", tokens, "--evidence-key", cls.private)

    def setUp(self):
        self.server = Betrace(*self.arguments)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.put("always { checkout }", self.server.post)

    def put(self, text, call=None):
        body = {"id": "r", "dsl": "@Ours(controls = {A}) when { checkout } " + text}
        answer = call("/v1/rules", body, headers=self.eve) if call else self.server.put("/v1/rules/r", body, headers=self.eve)
        self.assertIn(answer.status, (200, 201), answer)

    def ask(self, query, who, tenant="acme"):
        framework = "ours" if tenant == "acme" else "gdpr"
        answer = self.server.get(f"/v1/compliance/reports/{framework}?{query}", headers={**who, "x-scope-orgid": tenant})
        self.assertEqual(answer.status, 200, answer)
        return answer

    def place(self, answer):
        return answer.headers["content-location"].split("?")[0]

    def test_only_who_made_it_or_an_editor_deletes_it(self):
        mine, another = (self.place(self.ask(ranged(minutes), self.ann)) for minutes in (1, 2))
        refused = self.server.delete(mine, headers=self.bob)
        self.assertEqual(refused.status, 403, refused)
        self.assertEqual(self.server.get(mine, headers=self.bob).status, 200, "reading is for all of the tenant")
        self.assertEqual(self.server.delete(mine, headers=self.ann).status, 204)
        self.assertEqual(self.server.delete(another, headers=self.eve).status, 204)

    def test_a_tenant_pushes_out_only_its_own(self):
        others = self.place(self.ask(ranged(0), self.ann, tenant="other"))
        first, second = (self.place(self.ask(ranged(minutes), self.ann)) for minutes in (0, 1))
        for minutes in range(2, KEPT + 1):
            self.ask(ranged(minutes), self.ann)
        self.assertEqual(self.server.get(first, headers=self.ann).status, 404, "the oldest of the tenant made room")
        self.assertEqual(self.server.get(second, headers=self.ann).status, 200)
        self.assertEqual(self.server.get(others, headers={**self.ann, "x-scope-orgid": "other"}).status, 200)

    def test_what_says_nothing_new_is_not_made_anew(self):
        first = self.ask(ranged(0), self.ann)
        again = self.ask(ranged(0), self.bob)
        self.assertEqual((again.body, again.headers["content-location"]), (first.body, first.headers["content-location"]))
        self.assertIn(b"<!DOCTYPE html>", self.ask(ranged(0) + "&format=html", self.bob).body, "in any form")
        self.assertNotEqual(self.ask(ranged(1), self.ann).body, first.body, "another range is another question")
        self.put("always { no.such.span }")
        changed = self.ask(ranged(0), self.ann).json()
        self.assertNotEqual(bodies(changed, "report")[0]["report_id"], bodies(first.json(), "report")[0]["report_id"])
        self.assertEqual(bodies(changed, "rule")[0]["status"], "violated")
        self.assertEqual(self.server.delete(self.place(first), headers=self.ann).status, 204)
        self.assertEqual(self.server.get(self.place(first), headers=self.ann).status, 404)


if __name__ == "__main__":
    unittest.main(verbosity=1)
