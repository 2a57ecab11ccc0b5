"""A function that a header offers is used by the program, besides its own definition.

What only tests use is dead in the program, as the linker's --gc-sections would say. Each such function is named here with what the tests need it
for."""
import collections
import re

from sources import without_comments

SUMMARY = "every function that a header declares is used"
WORD = re.compile(r"\bbt_\w+\b")
# A declaration begins a line (a return type, or `bool bt_x(` after one that was broken) and is not a call, which would be indented.
DECLARED = re.compile(r"^(?!typedef|#|\s|static)[\w \t*]*?\b(bt_\w+)\(", re.M)
# What the program gives to those who embed it, and gRPC, which only some builds have.
NOT_READ = ("server/grpc/",)
ONLY_TESTS = {
    "bt_body_budget_held": "that nothing is held any more",
    "bt_catalogue_control_at": "all controls of a catalogue, one by one",
    "bt_file_content_of": "bytes that are no file",
    "bt_memory_source_add_otlp": "spans without a server",
    "bt_otlp_decode_json": "one decoder, and not the one that a content type chooses",
    "bt_pages_count": "what random bytes of pages were taken for",
    "bt_rule_store_open": "a store without a bound on patterns",
    "bt_ruleset_count": "what a set of rules kept",
    "bt_series_pool_statistics": "what was counted anew",
    "bt_shown_printf": "what would be printed",
    "bt_span_batch_keep_texts": "texts that outlive the body",
    "bt_span_batch_memory_bytes": "what a batch holds",
    "bt_step_cache_count": "how many cells are kept",
    "bt_tokens_at": "tokens, one by one",
    "bt_tokens_count": "how many tokens were read",
}


def findings(tree):
    declared, uses, program = {}, collections.Counter(), collections.Counter()
    for file in tree.matching(".c", ".h", ".cc", under=("dsl", "tempo", "server", "tests")):
        text = without_comments(tree.read(file))
        if file.endswith(".h") and not file.startswith(("tests/", *NOT_READ)):
            declared.update({name: file for name in DECLARED.findall(text)})
        words = WORD.findall(text)
        uses.update(words)
        if not file.startswith("tests/"):
            program.update(words)
    for name, file in sorted(declared.items(), key=lambda item: (item[1], item[0])):
        if uses[name] <= 2:  # the declaration and the definition
            yield f"{file}: nobody uses {name}: take it out"
        elif program[name] <= 2 and name not in ONLY_TESTS:
            yield f"{file}: only tests use {name}: take it out, or say in ONLY_TESTS of tests/lint/rule_used_functions.py what they need it for"


BAD = [
    {"dsl/a.h": "bool bt_a_is(int x);\n", "dsl/a.c": '#include "dsl/a.h"\nbool bt_a_is(int x) {\n  return x;\n}\n'},
    {"dsl/a.h": "bool bt_a_is(int x);\n", "dsl/a.c": "bool bt_a_is(int x) {\n  return x;\n}\n", "tests/a.c": "int main(void) { return bt_a_is(1); }\n"},
    {"server/a.h": "/* bt_a_is */\nbool bt_a_is(int x);\n", "server/a.c": "bool bt_a_is(int x) { return x; } /* bt_a_is */\n"},
]
GOOD = [
    {"dsl/a.h": "bool bt_a_is(int x);\n", "dsl/a.c": "bool bt_a_is(int x) {\n  return x;\n}\n", "server/a.c": "int main(void) { return bt_a_is(1); }\n"},
    {"dsl/a.h": "size_t bt_tokens_count(int x);\n", "dsl/a.c": "size_t bt_tokens_count(int x) {\n  return x;\n}\n", "tests/a.c": "int main(void) { return bt_tokens_count(1); }\n"},
    {"dsl/a.h": "static inline bool bt_a_is(int x) {\n  return x;\n}\n"},
]
