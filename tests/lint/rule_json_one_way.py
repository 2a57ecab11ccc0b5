"""JSON is put together in one way (docs/decisions/archive.md, 434): bt_json_set and bt_json_append of
server/json/json_values.h note what could not be added, and who gives the document out asks for that. With jansson's own
functions a member that could not be made is easily overlooked, and the document looks whole."""
import re

from sources import code_only

SUMMARY = "what is added to a JSON list or object goes through bt_json_set and bt_json_append"
THE_ONE_WAY = "server/json/json_values.c"
INSTEAD = {"json_object_set": "bt_json_set", "json_object_update": "bt_json_set_all", "json_array_append": "bt_json_append",
           "json_array_extend": "bt_json_append_all", "json_array_insert": "bt_json_append, in the order of the list",
           "json_array_set": "bt_json_append, in the order of the list"}
RAW = re.compile(r"\b(" + "|".join(INSTEAD) + r")(\w*)\s*\(")


def findings(tree):
    for file, number, match in ((file, number, match) for file in tree.matching(".c", ".h", under=("server", "tempo")) if file != THE_ONE_WAY
                                for number, line in enumerate(code_only(tree.read(file)).split("\n"), 1) for match in RAW.finditer(line)):
        yield f"{file}:{number}: {match.group(1)}{match.group(2)}: use {INSTEAD[match.group(1)]} (server/json/json_values.h)"


BAD = [{"server/a.c": f"void f(json_t *a) {{\n  {name}(a, a);\n}}\n"} for name in (
    "json_object_set", "json_object_set_new", "json_object_set_new_nocheck", "json_object_setn_new", "json_object_setn", "json_object_update",
    "json_object_update_missing", "json_array_append", "json_array_append_new", "json_array_extend", "json_array_insert_new", "json_array_set_new")]
GOOD = [
    {THE_ONE_WAY: "void f(json_t *a) {\n  json_object_set_new(a, a);\n}\n"},
    {"server/a.c": '/* json_object_set_new(a) */\nvoid f(json_t *a) {\n  bt_json_set(a, "json_array_append(", a);\n  json_array_get(a, 1);\n}\n'},
    {"tests/a.c": "void f(json_t *a) {\n  json_object_set_new(a, a);\n}\n"},
]
