"""Random worlds with one planted fault, for `betrace changed`: a graph of services, traces of it in two ranges, and what was planted.

A world is made of its seed alone. Steps call other steps one after another; some are called now and then, some of one
tenant, of large amounts, or where another failed. The fault is in a share of the candidate's traces from some moment
on. `none` plants nothing. No name is the beginning of another, so that a name in an answer is that step.
"""
import json
import math
import random

KINDS = ["missing", "order", "late", "doubled", "lost_attribute", "new_region", "slow_by_condition", "unauthorized", "fallback", "not_handed_on",
         "new_call", "error", "other_parent"]
START_S, RANGE_S = 1_773_000_000, 3600
TENANTS, REGIONS, COLORS = ("acme", "globex", "initech", "umbrella"), ("eu", "us", "ap"), ("red", "green", "blue")
MS = 1_000_000


class Step:
    def __init__(self, number, parent, rng):
        self.name, self.parent, self.children = f"step.{number:03d}", parent, []
        self.service = f"service-{rng.randrange(1 + number // 3)}"
        self.own_ms, self.spread = rng.uniform(1, 60), rng.uniform(0.1, 0.5)
        self.chance = 1 if rng.random() < 0.65 else rng.uniform(0.2, 0.9)
        self.when = rng.choice(["tenant", "amount", None, None, None]) if self.chance == 1 else None
        self.errors = rng.choice([0, 0, 0, 0.01, 0.05])
        self.has_color, self.takes_order = rng.random() < 0.4, rng.random() < 0.4
        self.fallback_of = None


class World:
    def __init__(self, seed, kind):
        rng = self.rng = random.Random(f"{seed} {kind}")
        count = rng.randint(5, 40)
        self.kind, self.steps = kind, [Step(0, None, rng)]
        self.steps[0].chance, self.steps[0].when = 1, None
        for number in range(1, count):
            parent = rng.choice(self.steps[max(0, number - 8):])
            self.add(Step(number, parent, rng))
        self.special = rng.choice(TENANTS)
        self.share = math.exp(rng.uniform(math.log(0.01), 0))
        self.began_s = START_S + RANGE_S + rng.uniform(0, 0.4) * RANGE_S
        self.extra = Step(900, None, rng)
        self.affected, self.first_s, self.names, self.key = 0, None, set(), None
        if kind != "none":
            self.choose_victim()

    def add(self, step):
        self.steps.append(step)
        step.parent.children.append(step)

    def choose_victim(self):
        rng = self.rng
        certain = [s for s in self.steps[1:] if s.chance == 1 and not s.when and self.is_always(s)]
        if not certain:
            certain = [self.steps[1]]
            self.steps[1].chance, self.steps[1].when = 1, None
        self.victim = rng.choice(certain)
        self.names = {self.victim.name}
        if self.kind in ("order", "other_parent"):
            pairs = [(a, b) for s in self.steps for a, b in zip(s.children, s.children[1:]) if a in certain and b in certain]
            if not pairs:
                parent, more = self.steps[0], [Step(len(self.steps) + i, self.steps[0], rng) for i in range(2)]
                for step in more:
                    step.chance, step.when = 1, None
                    self.add(step)
                pairs = [tuple(parent.children[-2:])]
            self.victim, self.other = rng.choice(pairs)
            self.names = {self.victim.name, self.other.name} if self.kind == "order" else {self.victim.name}
        if self.kind == "lost_attribute":
            self.victim.has_color, self.key = True, "color"
        if self.kind == "not_handed_on":
            self.victim.takes_order, self.key = True, "order_id"
            self.victim.parent.takes_order = True
        if self.kind == "new_region":
            self.names, self.key = set(), "region"
        if self.kind == "new_call":
            self.names = {self.extra.name}
        if self.kind == "fallback":
            self.victim.errors = 0.03
            fallback = Step(len(self.steps), self.victim.parent, rng)
            fallback.fallback_of, fallback.chance, fallback.when = self.victim, 1, None
            self.add(fallback)
            self.names = {fallback.name}

    def is_always(self, step):
        return step.parent is None or (step.chance == 1 and not step.when and not step.fallback_of and self.is_always(step.parent))

    # ---- one trace ----

    def trace(self, at_s, may_fail):
        rng = self.rng
        self.id = f"{rng.getrandbits(128):032x}"
        self.context = {"tenant": rng.choice(TENANTS), "region": rng.choice(REGIONS), "amount": round(math.exp(rng.gauss(4, 1)), 2),
                        "order_id": f"o-{rng.getrandbits(40):x}"}
        self.hit = may_fail and at_s >= self.began_s and rng.random() < self.share
        if self.kind in ("slow_by_condition", "unauthorized"):
            self.hit = self.hit and self.context["tenant"] == self.special
        self.spans, self.was_hit = [], False
        if self.hit and self.kind == "new_region":
            self.context["region"], self.was_hit = "mars", True
        self.call(self.steps[0], None, int(at_s * 1e9))
        if self.was_hit:
            self.affected += 1
            self.first_s = min(at_s, self.first_s or at_s)
        return self.spans

    def is_victim(self, step, *kinds):
        is_it = self.hit and step is self.victim and self.kind in kinds
        self.was_hit = self.was_hit or is_it
        return is_it

    def call(self, step, parent, start):
        """The end of the span."""
        rng, span_id = self.rng, f"{self.rng.getrandbits(64):016x}"
        own = int(step.own_ms * math.exp(rng.gauss(0, step.spread)) * MS)
        failed = rng.random() < step.errors or self.is_victim(step, "error")
        at, gap = start + int(rng.uniform(0.2, 1) * MS), lambda: int(rng.uniform(0.1, 1) * MS)
        failures, order = {}, list(step.children)
        if self.hit and self.kind == "order" and self.victim in order:
            i, j = order.index(self.victim), order.index(self.other)
            order[i], order[j], self.was_hit = order[j], order[i], True
        if self.hit and self.kind == "other_parent" and self.victim in order:
            order.remove(self.victim)
        if self.hit and self.kind == "other_parent" and step is self.other:
            order.append(self.victim)
            self.was_hit = True
        if self.hit and self.kind == "new_call" and step is self.victim:
            order.append(self.extra)
            self.was_hit = True
        for child in order:
            times = self.times_of(child, failures)
            for _ in range(times):
                at += gap()
                if self.is_victim(child, "late"):
                    at += int(rng.uniform(150, 400) * MS)
                at, failures[child] = self.call(child, (step, span_id), at)
        end = max(at, start) + own
        if self.is_victim(step, "slow_by_condition"):  # it takes three times as long
            end += 2 * (end - start)
        self.spans.append(self.span_of(step, parent, span_id, start, end, failed))
        return end, failed

    def times_of(self, child, failures):
        if self.is_victim(child, "missing", "unauthorized"):
            return 0
        if child.fallback_of:
            forced = self.hit and self.kind == "fallback" and child.fallback_of is self.victim
            self.was_hit = self.was_hit or forced
            return 1 if forced or failures.get(child.fallback_of) else 0
        if child.when == "tenant" and self.context["tenant"] != self.special or child.when == "amount" and self.context["amount"] <= 100:
            return 0
        called = self.rng.random() < child.chance
        return 2 if called and self.is_victim(child, "doubled") else int(called)

    def span_of(self, step, parent, span_id, start, end, failed):
        c, attributes = self.context, {}
        if step.parent is None and step is not self.extra:
            attributes = {"tenant": c["tenant"], "amount": c["amount"], "region": c["region"]}
        if step.has_color and not self.is_victim(step, "lost_attribute"):
            attributes["color"] = self.rng.choice(COLORS)
        if step.takes_order:
            is_other = self.is_victim(step, "not_handed_on")
            attributes["order_id"] = f"o-{self.rng.getrandbits(40):x}" if is_other else c["order_id"]
        return step.service, {
            "traceId": self.id, "spanId": span_id, "parentSpanId": parent[1] if parent else "", "name": step.name, "kind": 1,
            "startTimeUnixNano": str(start), "endTimeUnixNano": str(end), "status": {"code": 2} if failed else {},
            "attributes": [{"key": k, "value": {"doubleValue": v} if isinstance(v, float) else {"stringValue": v}} for k, v in attributes.items()]}


def write(world, path, traces):
    """So many traces into each of two ranges of an hour, at random times."""
    with open(path, "w", encoding="utf-8") as file:
        for candidate in (False, True):
            for at_s in sorted(START_S + (candidate + world.rng.random()) * RANGE_S for _ in range(traces)):
                by_service = {}
                for service, span in world.trace(at_s, candidate and world.kind != "none"):
                    by_service.setdefault(service, []).append(span)
                file.write(json.dumps({"resourceSpans": [
                    {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}, "scopeSpans": [{"spans": spans}]}
                    for service, spans in by_service.items()]}) + "\n")
