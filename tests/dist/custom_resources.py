"""Custom resources against the definitions of those who read them, which come with their modules, by Go's module cache."""
import json
import pathlib
import subprocess
import tempfile

import go_tool
import jsonschema
import yaml


def find_go():
    go = go_tool.find_go()
    if not go:
        raise OSError("it is not installed")
    return go


def module(name):
    go = go_tool.require("Go", find_go)
    with tempfile.TemporaryDirectory(prefix="betrace-module-") as folder:
        done = subprocess.run([go, "mod", "download", "-json", name], cwd=folder, capture_output=True, text=True, check=False)
    return pathlib.Path(json.loads(done.stdout)["Dir"])


def definition(file, kind):
    """The schema of a kind."""
    for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
        if document and document["spec"]["names"]["kind"] == kind:
            return document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    raise AssertionError(f"no {kind} in {file}")


def closed(schema):
    """The same with no other properties than those that are named: Kubernetes drops them, and the file would mean less than it says."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        if schema.pop("x-kubernetes-int-or-string", False):
            schema = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
        return schema
    return [closed(one) for one in schema] if isinstance(schema, list) else schema


def check(document, schema):
    schema = closed(schema)
    schema["properties"].update({"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}})
    jsonschema.validate(document, schema)
