"""What holds of the numbers of every answer over a range, whatever the source, the rule and the way of counting."""

MODES = ("auto", "exact", "at_least")
# Rules of the kinds that the planner treats apart: on events, on scopes, on structure, on counts, and what no search finds or everything is.
KINDS = ['when { trace.has(event.name == "e") } always { trace.has(event.attributes["k"] == "x") }', 'not trace.has(event.name == "e")',
         'trace.has(scope.name == "s")', "when { a as p and b child of p } never { c }", "count(a) > 1", "when { count(a) > 0 } always { count(b) > 0 }",
         "not a", "when { a } always { b }", "when { no.such.span } always { b }", 'trace.has(span.name =~ ".*")']


def broken_laws(counters):
    """The laws that these counters of one rule (of a replay or a job) break, as texts; empty when all hold."""
    evaluated, exercised = counters["traces_evaluated"], counters["traces_exercised"]
    found, provisional = counters["violations_found"], counters["violations_provisional"]
    laws = {"a trace that exercised the rule was evaluated": exercised <= evaluated,
            "a trace that violates the rule exercised it": found - provisional <= exercised,
            "a violation that is not settled is one that was found": provisional <= found,
            "a trace that could not be decided was evaluated": counters["inconclusive"] <= evaluated}
    return [f"not so: {law}: {counters}" for law, holds in laws.items() if not holds]


def broken_laws_of(answer):
    """Of every rule of a replay."""
    return [f"{rule['rule_id']}: {text}" for rule in answer["rules"] for text in broken_laws(rule)]
