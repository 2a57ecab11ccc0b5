/* How a trace came to be kept. See keeping.h. */
#include "dsl/trace/keeping.h"

#include <string.h>

#include "dsl/trace/trace_state.h"

enum { DIGITS = 14, RANDOM_TRACE_ID = 2 /* W3C Trace Context, level 2 */ };

typedef enum said { SAID_NOTHING, SAID_NUMBER, SAID_NO_NUMBER } said;

static said join_said(said a, said b) {
  return a == SAID_NOTHING ? b : b == SAID_NOTHING ? a : SAID_NO_NUMBER;
}

/* The digits stand for the first ones of 14. */
static said read_digits(bt_str text, size_t least, uint64_t *out) {
  if (text.len < least || text.len > DIGITS) return SAID_NO_NUMBER;
  uint64_t number = 0;
  for (size_t i = 0; i < DIGITS; i++) {
    char c = i < text.len ? text.ptr[i] : '0';
    bool is_letter = c >= 'a' && c <= 'f';
    if (!is_letter && (c < '0' || c > '9')) return SAID_NO_NUMBER;
    number = number << 4 | (uint64_t)(is_letter ? c - 'a' + 10 : c - '0');
  }
  *out = number;
  return SAID_NUMBER;
}

typedef struct span_keeping {
  said threshold_said, randomness_said;
  uint64_t threshold, randomness;
} span_keeping;

static void read_item(bt_str item, span_keeping *out) {
  if (item.len < 3 || item.ptr[2] != ':') return;
  bt_str value = {item.ptr + 3, item.len - 3};
  if (memcmp(item.ptr, "th", 2) == 0)
    out->threshold_said = join_said(out->threshold_said, read_digits(value, 1, &out->threshold));
  else if (memcmp(item.ptr, "rv", 2) == 0)
    out->randomness_said = join_said(out->randomness_said, read_digits(value, DIGITS, &out->randomness));
}

static void read_member(bt_str member, span_keeping *out) {
  while (member.len) {
    const char *end = memchr(member.ptr, ';', member.len);
    bt_str item = {member.ptr, end ? (size_t)(end - member.ptr) : member.len};
    read_item(item, out);
    size_t taken = end ? item.len + 1 : item.len;
    member = (bt_str){member.ptr + taken, member.len - taken};
  }
}

static uint64_t random_bits(const bt_trace_id *id) {
  uint64_t bits = 0;
  for (size_t i = sizeof id->bytes - 7; i < sizeof id->bytes; i++) bits = bits << 8 | id->bytes[i];
  return bits;
}

static span_keeping of_span(const bt_span *span, const bt_trace_id *id) {
  span_keeping keeping = {0};
  bt_str member = {0};
  bt_member_found found =
      span->trace_state.len ? bt_trace_state_find(span->trace_state, BT_STR("ot"), &member) : BT_MEMBER_NONE;
  if (found == BT_MEMBER_SEVERAL) return (span_keeping){.threshold_said = SAID_NO_NUMBER};
  if (found == BT_MEMBER_ONE) read_member(member, &keeping);
  bool is_by_id = keeping.randomness_said == SAID_NOTHING;
  if (is_by_id) keeping.randomness = random_bits(id); /* also without the flag a sampler decides by it */
  if (is_by_id && span->flags & RANDOM_TRACE_ID) keeping.randomness_said = SAID_NUMBER;
  bool is_kept = keeping.threshold_said == SAID_NUMBER && keeping.randomness_said != SAID_NO_NUMBER;
  if (keeping.randomness_said == SAID_NO_NUMBER || (is_kept && keeping.randomness < keeping.threshold))
    keeping.threshold_said = SAID_NO_NUMBER;
  return keeping;
}

void bt_thresholds_add(bt_thresholds *to, uint64_t threshold) {
  to->least = to->has_any && to->least < threshold ? to->least : threshold;
  to->most = to->has_any && to->most > threshold ? to->most : threshold;
  to->has_any = true;
}

void bt_thresholds_join(bt_thresholds *to, const bt_thresholds *from) {
  if (!from->has_any) return;
  bt_thresholds_add(to, from->least);
  bt_thresholds_add(to, from->most);
}

void bt_thresholds_look(bt_thresholds *to, const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    for (const bt_span *record = &trace->spans[i]; record; record = record->other) {
      if (!record->trace_state.len) continue;
      span_keeping span = of_span(record, &trace->id);
      if (span.threshold_said == SAID_NUMBER) bt_thresholds_add(to, span.threshold);
    }
}

static bool is_kept_by_policy(const bt_span *span) {
  const bt_attributes *attributes = &span->scope->attributes;
  return attributes->count && (bt_attributes_find(attributes, BT_STR("tailsampling.policy")) ||
                               bt_attributes_find(attributes, BT_STR("tailsampling.composite_policy")) ||
                               bt_attributes_find(attributes, BT_STR("tailsampling.cached_decision")));
}

typedef struct gathered {
  bt_thresholds thresholds;
  bool has_none, is_bad, is_random, randomness_differs, lacks_randomness;
  uint64_t randomness;
} gathered;

static void gather_span(gathered *g, const span_keeping *span) {
  g->is_bad = g->is_bad || span->threshold_said == SAID_NO_NUMBER;
  g->has_none = g->has_none || span->threshold_said == SAID_NOTHING;
  if (span->threshold_said == SAID_NUMBER) bt_thresholds_add(&g->thresholds, span->threshold);
  if (span->randomness_said != SAID_NUMBER) {
    g->lacks_randomness = true;
    return;
  }
  g->randomness_differs = g->randomness_differs || (g->is_random && g->randomness != span->randomness);
  g->randomness = span->randomness;
  g->is_random = true;
}

bt_trace_keeping bt_keeping_of(const bt_trace *trace) {
  gathered g = {0};
  bt_trace_keeping keeping = {BT_KEEPING_UNSAID, 0, false, 0, false};
  for (uint32_t i = 0; i < trace->span_count; i++)
    for (const bt_span *record = &trace->spans[i]; record; record = record->other) {
      span_keeping span = of_span(record, &trace->id);
      gather_span(&g, &span);
      keeping.has_policy = keeping.has_policy || is_kept_by_policy(record);
    }
  keeping.has_randomness = g.is_random && !g.randomness_differs && !g.lacks_randomness;
  keeping.randomness = keeping.has_randomness ? g.randomness : 0;
  keeping.threshold = g.thresholds.most;
  if (g.is_bad || g.randomness_differs || (g.thresholds.has_any && g.has_none))
    keeping.kind = BT_KEEPING_UNCLEAR;
  else if (g.thresholds.has_any)
    keeping.kind = g.thresholds.least == g.thresholds.most ? BT_KEEPING_ONE : BT_KEEPING_APART;
  return keeping;
}

double bt_threshold_probability(uint64_t threshold) {
  return (double)(BT_THRESHOLD_END - threshold) / (double)BT_THRESHOLD_END;
}

bool bt_keeping_may_lack(const bt_trace *trace, uint64_t largest_threshold) {
  bt_trace_keeping keeping = bt_keeping_of(trace);
  if (!largest_threshold) return keeping.kind == BT_KEEPING_APART;
  return keeping.kind == BT_KEEPING_UNCLEAR || !keeping.has_randomness || keeping.randomness < largest_threshold;
}
