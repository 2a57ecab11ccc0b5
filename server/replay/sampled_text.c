/* What counts stand for, in words. See sampled_text.h. */
#include "server/replay/sampled_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* 1234567 as 1,234,567. */
static void write_number(uint64_t number, bt_buffer *out) {
  char digits[24];
  int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
  for (int i = 0; i < length; i++) {
    bt_buffer_append_char(out, digits[i]);
    if (i + 1 < length && (length - i - 1) % 3 == 0) bt_buffer_append_char(out, ',');
  }
}

/* "About": two digits count. */
static uint64_t round_off(double number) {
  double unit = 1;
  while (number / unit >= 100) unit *= 10;
  return (uint64_t)(round(number / unit) * unit);
}

/* "10", "0.5", "0.012": three digits. */
static void write_percent(double probability, bt_buffer *out) {
  char text[32];
  snprintf(text, sizeof text, "%.3g", probability * 100);
  bt_buffer_printf(out, "%s", text);
}

/* "a 10 % sample", "a 1 to 50 % sample" */
static void write_sample(const bt_sampled_traces *range, bt_buffer *out) {
  const bt_declared_sampling *declared = &range->declared;
  double least = range->kept.least, most = range->kept.most;
  if (declared->least > 0 && (least <= 0 || declared->least < least)) least = declared->least;
  if (declared->most > most) most = declared->most;
  bt_buffer_append(out, BT_STR("a "));
  write_percent(least, out);
  if (most > least) {
    bt_buffer_append(out, BT_STR(" to "));
    write_percent(most, out);
  }
  bt_buffer_append(out, BT_STR(" % sample"));
}

static void write_looked(uint64_t looked, bt_buffer *out) {
  write_number(looked, out);
  bt_buffer_append(out, looked == 1 ? BT_STR(" trace says that was read whole")
                                    : BT_STR(" traces say that were read whole"));
}

/* How many of what exercised the rule say so; nothing where that is all. */
static void write_part(uint64_t looked, uint64_t exercised, bt_buffer *out) {
  if (looked >= exercised) return;
  bt_buffer_append(out, looked == 1 ? BT_STR(", as one of them says") : BT_STR(", as "));
  if (looked == 1) return;
  write_number(looked, out);
  bt_buffer_append(out, BT_STR(" of them say"));
}

/* What was never kept may have begun in a service that nobody saw; and how many were looked at. How many there are of
 * which that is known only a rule says. */
static void write_entries(const bt_sampled_traces *range, uint64_t seen, const bt_rule_result *rule, bt_buffer *out) {
  if (range->declared.probability > 0 || !range->entry_count) return;
  bt_buffer_append(out, BT_STR(", of those that begin in "));
  for (size_t i = 0; i < range->entry_count; i++)
    bt_buffer_printf(out, "%s%s", i ? ", " : "", range->entry_services[i][0] ? range->entry_services[i] : "no service");
  if (range->has_more_entries) bt_buffer_append(out, BT_STR(" and others"));
  uint64_t looked = bt_kept_traces_count(&range->kept);
  if (rule) {
    write_part(looked, rule->traces_exercised > seen ? rule->traces_exercised : seen, out);
    return;
  }
  bt_buffer_append(out, BT_STR(", as "));
  write_looked(looked, out);
}

/* With a declared share for all nothing more is needed than that; without exercised traces there is no "of about". */
static void write_exercised(const bt_sampled_traces *range, const bt_rule_result *rule, bt_buffer *out) {
  bt_estimate exercised;
  if (!bt_sampled_traces_estimate(range, &rule->exercised_kept, rule->traces_exercised, &exercised)) return;
  if (exercised.high == UINT64_MAX) return;
  bt_buffer_append(out, BT_STR(" of about "));
  write_number(round_off(((double)exercised.low + (double)exercised.high) / 2), out);
  bt_buffer_append(out, BT_STR(" exercised traces"));
}

/* rule: NULL where nothing is known of what exercised it. */
static void write_none(const bt_sampled_traces *range, const bt_rule_result *rule, const bt_estimate *estimate,
                       bt_buffer *out) {
  if (rule && !rule->traces_exercised) return; /* that nothing exercised it is said elsewhere */
  if (!estimate || estimate->high == UINT64_MAX) {
    bt_buffer_append(out, BT_STR("none seen among the traces that were kept"));
    return;
  }
  bt_buffer_append(out, BT_STR("none seen; at most "));
  write_number(estimate->high, out);
  if (rule) write_exercised(range, rule, out);
  bt_buffer_append(out, BT_STR(" (95 %)"));
  write_entries(range, 0, rule, out);
}

/* rule: as above */
static void write_some(const bt_sampled_traces *range, uint64_t seen, const bt_rule_result *rule,
                       const bt_estimate *estimate, bt_buffer *out) {
  write_number(seen, out);
  if (!estimate) {
    bt_buffer_append(out, BT_STR(" seen among the traces that were kept"));
    return;
  }
  bt_buffer_append(out, BT_STR(" seen of "));
  write_sample(range, out);
  bool is_open = estimate->high == UINT64_MAX;
  bt_buffer_append(out, is_open ? BT_STR("; at least ") : BT_STR("; "));
  write_number(estimate->low, out);
  if (!is_open) {
    bt_buffer_append(out, BT_STR(" to "));
    write_number(estimate->high, out);
  }
  bt_buffer_append(out, BT_STR(" happened (95 %)"));
  if (!is_open) write_entries(range, seen, rule, out);
}

/* Behind what the counts stand for, or alone. */
static void write_policy(const bt_sampled_traces *range, const bt_rule_result *rule, bt_buffer *out) {
  bt_buffer said = {0};
  bt_policy_say(&rule->policy, &range->declared, &said);
  if (said.len) bt_buffer_printf(out, "%s%.*s", out->len ? "; " : "", BT_FMT(bt_buffer_str(&said)));
  if (said.failed) out->failed = true;
  bt_buffer_dispose(&said);
}

static void say_count(const bt_sampled_traces *range, const bt_kept_traces *of, uint64_t seen,
                      const bt_rule_result *rule, bt_buffer *out) {
  bt_estimate estimate;
  if (!bt_sampled_traces_lack(range)) return;
  bool has_any = bt_sampled_traces_estimate(range, of, seen, &estimate);
  if (seen)
    write_some(range, seen, rule, has_any ? &estimate : NULL, out);
  else
    write_none(range, rule, has_any ? &estimate : NULL, out);
  if (rule) write_policy(range, rule, out);
}

void bt_sampled_say_rule(const bt_sampled_traces *range, const bt_rule_result *rule, bt_buffer *out) {
  say_count(range, &rule->violations_kept, rule->violations_found, rule, out);
}

void bt_sampled_say_count(const bt_sampled_traces *range, const bt_kept_traces *of, uint64_t seen, bt_buffer *out) {
  say_count(range, of, seen, NULL, out);
}

/* Who says it: "declared", or as many traces as were read whole. */
static void write_basis(const bt_sampled_traces *range, bt_buffer *out) {
  uint64_t looked = bt_kept_traces_count(&range->kept), declared = range->kept.by_setting;
  if (range->declared.probability > 0) bt_buffer_printf(out, ", as --sampling %s says", range->declared.text);
  if (looked <= declared) return;
  bt_buffer_append(out, range->declared.probability > 0 ? BT_STR(" and ") : BT_STR(", as "));
  write_looked(looked - declared, out);
}

static void write_sure(const bt_sampled_traces *range, size_t written, bt_buffer *out) {
  const char *name = bt_sampled_traces_sure_alone(range);
  if (name)
    bt_buffer_printf(out, "%s of those that begin in %s only such were read that were sure to be kept",
                     written ? "," : ":", name[0] ? name : "no service");
}

static void write_parts(const bt_sampled_traces *range, bt_buffer *out) {
  const struct {
    uint64_t count;
    const char *text;
  } parts[] = {{range->kept.unsaid, "do not say how they were sampled"},
               {range->kept.apart, "were sampled by services each for itself"},
               {range->kept.unclear, "contradict themselves"},
               {range->kept.by_policy, "were kept by a policy of a tail sampler"}};
  bt_buffer_append(out, BT_STR("traces were sampled, and of those that were not kept nothing is known"));
  if (range->declared.kind == BT_SAMPLING_POLICY)
    bt_buffer_printf(out, " but what --sampling %s says of each rule", range->declared.text);
  size_t written = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (!parts[i].count) continue;
    bt_buffer_append(out, written++ ? BT_STR(", ") : BT_STR(": "));
    write_number(parts[i].count, out);
    bt_buffer_printf(out, " %s", parts[i].text);
  }
  write_sure(range, written, out);
}

void bt_sampled_say_range(const bt_sampled_traces *range, bt_buffer *out) {
  switch (bt_sampled_traces_known(range)) {
  case BT_KEPT_ALL: return;
  case BT_KEPT_NOT_SAID:
    bt_buffer_append(out, BT_STR("sampling not declared: this is about the traces that the source has (--sampling)"));
    return;
  case BT_KEPT_BY_CHANCE:
    bt_buffer_append(out, BT_STR("traces are "));
    write_sample(range, out);
    write_basis(range, out);
    return;
  case BT_KEPT_IN_PART: write_parts(range, out); return;
  case BT_KEPT_CONTRADICTS:
    bt_buffer_append(out, BT_STR("--sampling none is contradicted: "));
    write_number(range->kept.contradicts, out);
    bt_buffer_append(out, BT_STR(" traces that were read whole say that they were sampled"));
    return;
  }
}
