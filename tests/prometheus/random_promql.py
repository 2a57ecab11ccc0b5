"""Random series (resets, gaps, late starts, ends, no numbers) and random expressions of the part of PromQL that betrace backtest knows."""
MINUTE = 60_000
RULES, SEVERITIES = ("a", "b", "c"), ("high", "low")
COUNTERS, GAUGES = ("betrace_violations_total", "betrace_exercised_total"), ("lag_seconds", "up")


def counter(rng, start, minutes):
    """Steps of a minute with jitter, some missing, with resets."""
    value, samples, at = 0.0, [], start + rng.choice((0, 0, 37)) * MINUTE
    quiet = rng.random() < 0.4
    end = start + (minutes if rng.random() < 0.7 else minutes // 2) * MINUTE
    missing_until = 0
    while at <= end:
        value += 0 if quiet and rng.random() < 0.95 else rng.choice((0, 0, 0, 1, 2, 7, 0.5))
        if rng.random() < 0.01:
            value = float(rng.choice((0, 0, 3)))
        if rng.random() < 0.02:
            missing_until = at + rng.choice((2, 5, 6, 20, 40)) * MINUTE
        if at >= missing_until and rng.random() < 0.95:
            samples.append((at + rng.choice((0, 0, 0, 13, 950, 5000, 15000)), value))
        at += MINUTE
    return samples


def gauge(rng, start, minutes):
    values = (0, 1, 1, 2.5, -3, 1e9, 7, float("nan") if rng.random() < 0.3 else 4, float("inf") if rng.random() < 0.2 else 5)
    return [(at, rng.choice(values)) for at in range(start, start + minutes * MINUTE + 1, MINUTE) if rng.random() < 0.9]


def random_series(rng, start, minutes):
    made = []
    for rule in RULES:
        for severity in SEVERITIES:
            for name in COUNTERS:
                if rng.random() < 0.85:
                    made.append(({"__name__": name, "job": "betrace", "rule_id": rule, "severity": severity}, counter(rng, start, minutes)))
    for name in GAUGES:
        for job in ("betrace", "other"):
            made.append(({"__name__": name, "job": job}, gauge(rng, start, minutes)))
    return [one for one in made if one[1]]


class RandomExpression:
    def __init__(self, rng):
        self.rng = rng

    def make(self):
        return self.vector(3) if self.rng.random() < 0.95 else self.scalar(2)

    def duration(self):
        return self.rng.choice(("1m", "2m", "5m", "7m30s", "10m", "1h", "90s", "3h", "1d"))

    def selector(self):
        rng, inside = self.rng, []
        name = rng.choice(COUNTERS + COUNTERS + GAUGES)
        if rng.random() < 0.4:
            inside.append(rng.choice(('rule_id="a"', 'rule_id!="b"', 'rule_id=~"a|c"', 'severity!~"h.*"', 'severity=""', 'job=~"b.+"', 'rule_id=~".*"', 'job="other"')))
        if rng.random() < 0.1:
            return '{__name__=~"betrace_.*_total"' + "".join("," + one for one in inside) + "}"
        return name + ("{" + ",".join(inside) + "}" if inside else "")

    def offset(self):
        return f" offset {self.duration()}" if self.rng.random() < 0.1 else ""

    def labels(self):
        return ", ".join(self.rng.sample(("rule_id", "severity", "job", "absent"), self.rng.randint(0, 3)))

    def number(self):
        return self.rng.choice(("0", "1", "2", ".5", "1e3", "14.4 * 0.001", "100", "-1", "Inf", "60", "1.", "NaN"))

    def scalar(self, depth):
        kind = self.rng.random()
        if depth == 0 or kind < 0.5:
            return self.number()
        if kind < 0.65:
            return "time()"
        if kind < 0.8:
            return f"scalar({self.vector(depth - 1)})"
        op = self.rng.choice(("+", "-", "*", "/", "%", "^", "> bool", "== bool"))
        return f"({self.scalar(depth - 1)} {op} {self.scalar(depth - 1)})"

    def of_range(self):
        function = self.rng.choice(("rate", "increase", "increase", "delta", "irate", "idelta", "changes", "resets", "count_over_time", "sum_over_time", "avg_over_time",
                                    "min_over_time", "max_over_time", "last_over_time", "present_over_time", "absent_over_time"))
        return f"{function}({self.selector()}[{self.duration()}]{self.offset()})"

    def aggregation(self, depth):
        op = self.rng.choice(("sum", "min", "max", "avg", "count", "group"))
        grouping = self.rng.choice(("", f" by ({self.labels()})", f" without ({self.labels()})"))
        inside = self.vector(depth - 1)
        return f"{op}{grouping} ({inside})" if self.rng.random() < 0.5 else f"{op}({inside}){grouping}"

    def call(self, depth):
        inside = self.vector(depth - 1)
        return self.rng.choice((f"abs({inside})", f"ceil({inside})", f"floor({inside})", f"round({inside})", f"round({inside}, 0.25)", f"clamp({inside}, 1, {self.number()})",
                                f"clamp_min({inside}, {self.number()})", f"clamp_max({inside}, 3)", f"absent({inside})", f"vector({self.scalar(depth - 1)})", "hour()",
                                "day_of_week()", f"-{inside}", f"({inside})"))

    def matching(self):
        return self.rng.choice(("", "", f" on ({self.labels()})", f" ignoring ({self.labels()})"))

    def binary(self, depth):
        left, right = self.vector(depth - 1), self.vector(depth - 1)
        kind = self.rng.random()
        if kind < 0.35:
            return f"{left} {self.rng.choice(('and', 'or', 'unless'))}{self.matching()} {right}"
        op = self.rng.choice(("+", "-", "*", "/", "%", "^", ">", "<", ">=", "<=", "==", "!=", "> bool", "<= bool"))
        if kind < 0.6:
            return f"{left} {op}{self.matching()} {right}"
        number = self.scalar(depth - 1)
        return f"{left} {op} {number}" if self.rng.random() < 0.7 else f"{number} {op} {left}"

    def vector(self, depth):
        kind = self.rng.random()
        if depth == 0 or kind < 0.1:
            return self.selector() + self.offset()
        if kind < 0.35:
            return self.of_range()
        if kind < 0.55:
            return self.aggregation(depth)
        return self.call(depth) if kind < 0.68 else self.binary(depth)
