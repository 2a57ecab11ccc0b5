"""docs/openapi.yaml and the routes are the same, both ways: paths, methods, parameters of paths and queries. And the page itself is a valid OpenAPI 3.1
document whose references all lead somewhere and whose examples and defaults fit their schemas."""
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
import jsonschema_rs  # noqa: E402
import yaml  # noqa: E402
from betrace_process import Betrace  # noqa: E402

# Of these "%" is no value, wherever they stand.
WRONG = {"start", "end", "start_time", "end_time", "step", "steps", "timeout", "limit", "per_week", "min_exercised", "max_increase", "night", "zone"}
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


def routes():
    """{(method, path)} of routes.c."""
    with open(os.path.join(ROOT, "server/http/routes.c"), encoding="utf-8") as file:
        return set(re.findall(r'^ *\{"([A-Z]+)", "([^"]+)", bt_api_\w+', file.read(), re.M))


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(ROOT, "docs/openapi.yaml"), encoding="utf-8") as file:
            cls.document = yaml.safe_load(file)
        cls.operations = {(method.upper(), path): operation for path, item in cls.document["paths"].items()
                          for method, operation in item.items() if method in METHODS}
        cls.server = Betrace("--memory-source")
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)

    def resolve(self, node):
        """What a reference stands for."""
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                self.assertIn(part, target, node["$ref"])
                target = target[part]
            node = target
        return node

    def parameters(self, method, path):
        item = self.document["paths"][path]
        return [self.resolve(p) for p in item.get("parameters", []) + self.operations[method, path].get("parameters", [])]

    def test_routes_and_page_are_the_same(self):
        self.assertGreater(len(routes()), 20)
        self.assertEqual(sorted(routes()), sorted(self.operations))

    def test_roles_are_those_of_the_routes(self):
        """A page that says too little of who may call is as wrong as one that says too much."""
        with open(os.path.join(ROOT, "server/http/routes.c"), encoding="utf-8") as file:
            roles = {(method, path): role for method, path, role in re.findall(r'\{"([A-Z]+)", "([^"]+)",\s*bt_api_\w+,\s*BT_ROLE_(\w+),', file.read())}
        self.assertEqual(roles, {key: operation.get("x-betrace-role", "").upper() for key, operation in self.operations.items()})
        for key, operation in self.operations.items():
            is_open = roles[key] == "ANYONE"
            self.assertEqual(operation.get("security") == [], is_open, key)
            self.assertEqual({"401", "403"} <= set(operation["responses"]), not is_open, key)

    def test_every_reference_leads_somewhere_and_every_component_is_used(self):
        used = set()

        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    used.add(node["$ref"])
                    self.resolve(node)
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(self.document)
        there = {f"#/components/{kind}/{name}" for kind, items in self.document["components"].items() if kind != "securitySchemes" for name in items}
        self.assertEqual(there - used, set(), "components that nothing refers to")

    def test_schemas_are_schemas(self):
        def walk(node, place):
            if isinstance(node, dict):
                for key, value in node.items():
                    if key == "schema":
                        jsonschema_rs.meta.validate({**value, "$schema": "https://json-schema.org/draft/2020-12/schema"})
                    walk(value, f"{place}/{key}")
            elif isinstance(node, list):
                for index, value in enumerate(node):
                    walk(value, f"{place}/{index}")

        walk(self.document, "")
        for name, schema in self.document["components"]["schemas"].items():
            with self.subTest(schema=name):
                jsonschema_rs.meta.validate({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"})

    def test_parameters_of_paths(self):
        for method, path in self.operations:
            with self.subTest(method=method, path=path):
                named = sorted(p["name"] for p in self.parameters(method, path) if p["in"] == "path")
                self.assertEqual(named, sorted(re.findall(r"\{(\w+)\}", path)))

    def test_operations_have_names_of_their_own_and_say_how_they_fail(self):
        names = [o["operationId"] for o in self.operations.values()]
        self.assertEqual(len(names), len(set(names)))
        for key, operation in self.operations.items():
            with self.subTest(operation=key):
                self.assertTrue(operation["summary"].endswith((".", "?")), operation["summary"])
                self.assertTrue(all(re.fullmatch("[1-5][0-9][0-9]", status) for status in operation["responses"]))

    def test_query_parameters_are_those_that_handlers_read(self):
        """The service refuses a parameter that it does not know by name; one that the page has must get past that."""
        for method, path in self.operations:
            if method != "GET" or path in ("/health", "/v1/health", "/ready", "/v1/ready"):
                continue
            target = re.sub(r"\{\w+\}", "0", path)
            known = {p["name"] for p in self.parameters(method, path) if p["in"] == "query"}
            for name in sorted(known | {"no_such_parameter"}):
                with self.subTest(path=path, name=name):
                    answer = self.server.get(f"{target}?{name}=%00")
                    is_unknown = answer.status == 400 and answer.json()["type"].endswith(":unknown-parameter")
                    if name in known:
                        self.assertFalse(is_unknown, answer)

    def body_fields(self, key):
        content = self.operations[key].get("requestBody", {}).get("content", {}).get("application/json", {})
        return set(self.resolve(self.resolve(content.get("schema", {})).get("properties", {})))

    def test_wrong_fields_beside_a_rule_that_there_is_not_are_one_answer(self):
        """One of both is said, and what would have been said of the other is freed: a build with sanitizers ends in another way if not."""
        asked = 0
        for method, path in self.operations:
            known = {p["name"] for p in self.parameters(method, path) if p["in"] == "query"}
            fields = self.body_fields((method, path))
            if "rule_id" in known:
                target, body = f"{path}?rule_id=nosuch&" + "&".join(f"{name}=%25" for name in sorted(known & WRONG)), None
            elif "rule_ids" in fields:
                target, body = path, {"rule_ids": ["nosuch"]} | {name: "%" for name in sorted(fields & WRONG)}
            else:
                continue
            with self.subTest(method=method, path=path):
                answer = self.server.request(method, target, body)
                self.assertIn(answer.status, (400, 404), answer)
                asked += 1
        self.assertGreater(asked, 7)

    def test_no_handler_reads_a_parameter_that_the_page_does_not_have(self):
        read = {"limit"}
        for file in sorted(glob.glob(os.path.join(ROOT, "server/http/*.c"))):
            with open(file, encoding="utf-8") as source:
                read |= set(re.findall(r'(?:query|read)\w*\([^()]*?call, "(\w+)"', source.read()))
        known = {p["name"] for key in self.operations for p in self.parameters(*key) if p["in"] == "query"}
        self.assertGreater(len(read), 10)
        self.assertEqual(read - known, set())


if __name__ == "__main__":
    unittest.main(verbosity=1)
