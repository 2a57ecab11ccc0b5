/* Traces that a rule's policy kept. See policy_seen.h. */
#include "server/replay/policy_seen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/time_text.h"
#include "server/rules/policy_name.h"

/* ---- one trace ---- */

static const bt_value *label_of(const bt_span *span) {
  const bt_attributes *attributes = &span->scope->attributes;
  const bt_value *label = attributes->count ? bt_attributes_find(attributes, BT_STR("tailsampling.policy")) : NULL;
  return label && label->type == BT_VALUE_STRING ? label : NULL;
}

bool bt_policy_is_of_none(const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    for (const bt_span *record = &trace->spans[i]; record; record = record->other) {
      const bt_value *label = label_of(record);
      if (label && !bt_str_equal(label->string, BT_STR(BT_POLICY_OF_REST))) return false;
    }
  return true;
}

typedef enum label_kind { LABEL_OF_OTHERS, LABEL_PRESENT, LABEL_OF_ANOTHER_CONDITION } label_kind;

static label_kind kind_of(const bt_policy_seen *seen, bt_str label) {
  bt_policy_name name;
  bt_str present = bt_str_from(seen->name);
  size_t at = 0;
  if (!bt_policy_name_next(label, &at, &name) || name.whole.len != label.len) return LABEL_OF_OTHERS;
  size_t length = present.len - BT_POLICY_HASH_DIGITS; /* "betrace/ID/" */
  bt_str of_rule = {present.ptr, length};
  if (!bt_str_starts_with(label, of_rule) || name.rule_id.len != length - sizeof "betrace/") return LABEL_OF_OTHERS;
  return bt_str_starts_with(label, present) ? LABEL_PRESENT : LABEL_OF_ANOTHER_CONDITION;
}

/* It came after the decision, which may have been long before it. */
static bool is_late(const bt_span *span) {
  return bt_attributes_find(&span->scope->attributes, BT_STR("tailsampling.cached_decision")) != NULL;
}

/* A span that did not end tells no time. */
static void take_end(int64_t *earliest_ns, const bt_span *span) {
  if (span->end_ns && (!*earliest_ns || span->end_ns < *earliest_ns)) *earliest_ns = span->end_ns;
}

void bt_policy_seen_look(bt_policy_seen *seen, const bt_trace *trace, int64_t lateness_ns) {
  int64_t start_ns = bt_trace_start_ns(trace), present_ns = 0, other_ns = 0;
  if (!seen->name[0] || !start_ns) return;
  for (uint32_t i = 0; i < trace->span_count; i++)
    for (const bt_span *record = &trace->spans[i]; record; record = record->other) {
      const bt_value *label = label_of(record);
      label_kind kind = label ? kind_of(seen, label->string) : LABEL_OF_OTHERS;
      if (kind == LABEL_OF_ANOTHER_CONDITION) take_end(&other_ns, record);
      if (kind == LABEL_PRESENT && !is_late(record)) take_end(&present_ns, record);
    }
  if (other_ns) bt_policy_seen_lacks(seen, bt_time_add(other_ns, lateness_ns));
  if (!present_ns) return;
  seen->traces++;
  bt_policy_seen_add(seen, &(bt_policy_sighting){start_ns, bt_time_add(present_ns, lateness_ns)});
}

/* ---- many ---- */

void bt_policy_seen_begin(bt_policy_seen *seen, const bt_rule_definition *rule) {
  snprintf(seen->name, sizeof seen->name, "betrace/%.*s/%.*s", BT_RULE_ID_MAX, rule->fields.id, BT_POLICY_HASH_DIGITS,
           rule->condition_hash);
}

void bt_policy_seen_lacks(bt_policy_seen *seen, int64_t decided_ns) {
  if (decided_ns > seen->other_ns) seen->other_ns = decided_ns;
}

/* The one goes that leaves the smallest gap, and never the first: who looks for the earliest after some time finds one
 * that is later. */
static void drop_nearest(bt_policy_seen *seen) {
  size_t nearest = 1;
  const bt_policy_sighting *of = seen->sightings;
  for (size_t i = 2; i + 1 < seen->count; i++)
    if (of[i + 1].start_ns - of[i - 1].start_ns < of[nearest + 1].start_ns - of[nearest - 1].start_ns) nearest = i;
  memmove(&seen->sightings[nearest], &seen->sightings[nearest + 1], (--seen->count - nearest) * sizeof *of);
}

void bt_policy_seen_add(bt_policy_seen *seen, const bt_policy_sighting *sighting) {
  size_t at = 0;
  if (sighting->start_ns > seen->last_ns) seen->last_ns = sighting->start_ns;
  while (at < seen->count && seen->sightings[at].start_ns <= sighting->start_ns) at++;
  memmove(&seen->sightings[at + 1], &seen->sightings[at], (seen->count++ - at) * sizeof *sighting);
  seen->sightings[at] = *sighting;
  if (seen->count == BT_POLICY_SIGHTINGS) drop_nearest(seen);
}

void bt_policy_seen_join(bt_policy_seen *into, const bt_policy_seen *from) {
  if (!into->name[0]) memcpy(into->name, from->name, sizeof into->name);
  into->traces += from->traces;
  bt_policy_seen_lacks(into, from->other_ns);
  for (size_t i = 0; i < from->count; i++) bt_policy_seen_add(into, &from->sightings[i]);
  if (from->last_ns > into->last_ns) into->last_ns = from->last_ns;
}

/* ---- what follows ---- */

/* What was decided before another policy's last decision does not count. */
static int64_t find_since(const bt_policy_seen *seen) {
  int64_t since_ns = 0;
  for (size_t i = 0; i < seen->count; i++) {
    const bt_policy_sighting *one = &seen->sightings[i];
    if (one->start_ns < seen->other_ns) continue;
    if (!since_ns || one->decided_ns < since_ns) since_ns = one->decided_ns;
  }
  return since_ns;
}

int64_t bt_policy_since(const bt_policy_seen *seen, const bt_declared_sampling *declared) {
  if (declared->kind != BT_SAMPLING_POLICY || !seen->traces) return 0;
  if (declared->policy_since_ns && declared->policy_since_ns >= seen->other_ns) return declared->policy_since_ns;
  int64_t since_ns = find_since(seen);
  return since_ns && since_ns < declared->policy_since_ns ? declared->policy_since_ns : since_ns;
}

static void write_time(int64_t time_ns, bt_buffer *out) {
  char text[40];
  bt_time_format(time_ns, text);
  bt_buffer_printf(out, "%.19sZ", text);
}

static int64_t next_second(int64_t time_ns) {
  static const int64_t second_ns = INT64_C(1000000000);
  int64_t part_ns = time_ns % second_ns;
  return part_ns ? bt_time_add(time_ns, second_ns - part_ns) : time_ns;
}

void bt_policy_say(const bt_policy_seen *seen, const bt_declared_sampling *declared, bt_buffer *out) {
  int64_t since_ns = bt_policy_since(seen, declared);
  if (since_ns) {
    bt_buffer_append(out, BT_STR("all candidates kept since "));
    write_time(next_second(since_ns), out);
    bt_buffer_printf(out, " (policy %s, as --sampling %s says)", seen->name, declared->text);
    return;
  }
  if (seen->traces) {
    bt_buffer_printf(out, "kept by its policy %s from ", seen->name);
    write_time(seen->sightings[0].start_ns, out);
    bt_buffer_append(out, BT_STR(" to "));
    write_time(seen->last_ns, out);
    bt_buffer_printf(out, ", as %" PRIu64 " trace%s", seen->traces, seen->traces == 1 ? " says" : "s say");
  } else if (declared->kind == BT_SAMPLING_POLICY) {
    bt_buffer_printf(out, "no trace says that %s kept it", seen->name[0] ? seen->name : "its policy");
  }
}
