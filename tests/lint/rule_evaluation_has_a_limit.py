"""An evaluation that nothing ends holds up whoever waits for it: rules are written by others, and so are traces."""
import re

SUMMARY = "server/ evaluates traces by server/base/eval_limit.c only, which ends what takes too long"
CALL = re.compile(r"\bbt_evaluator_run\s*\(")
ONLY = "server/base/eval_limit.c"


def findings(tree):
    for file in tree.matching(".c", ".h", under=("server",)):
        if file == ONLY:
            continue
        for number, line in enumerate(tree.read(file).splitlines(), 1):
            if CALL.search(line):
                yield f"{file}:{number}: bt_evaluator_run has no end: call bt_eval_run_within"


BAD = [{"server/watch/a.c": "status = bt_evaluator_run(evaluator, trace, NULL, &out, error);\n"}]
GOOD = [{ONLY: "status = bt_evaluator_run(evaluator, trace, NULL, &out, error);\n", "server/a.c": "bt_eval_run_within(&limit, evaluator);\n"}]
