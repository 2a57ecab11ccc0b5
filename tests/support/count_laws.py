"""What holds of the numbers of every answer over a range, whatever the source, the rule and the way of counting."""


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
