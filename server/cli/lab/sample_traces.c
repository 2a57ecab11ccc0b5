/* Making sample traces. See sample_traces.h; each story has a file of its own (sample_shop.c, sample_message.c,
 * sample_agent.c). */
#include "server/cli/lab/sample_traces.h"

#include "dsl/base/mix.h"
#include "server/cli/lab/sample_maker.h"

const char *const bt_sample_scenario_names[BT_SAMPLE_SCENARIOS] = {"rollout", "noise", "none", "messaging", "agent"};
const char *const bt_sample_fault_names[BT_SAMPLE_FAULTS] = {"slow-db-no-retry", "incident-pattern",
                                                             "pii-audit",        "messaging-failed-without-dead-letter",
                                                             "lost-message",     "ai-dangerous-tool-needs-approval",
                                                             "ai-runaway-loop"};

enum {
  SHOP_FAULTS = 1 << BT_SAMPLE_SLOW_QUERY | 1 << BT_SAMPLE_EU_PAYMENT | 1 << BT_SAMPLE_UNAUDITED,
  MESSAGE_FAULTS = 1 << BT_SAMPLE_NO_DEAD_LETTER | 1 << BT_SAMPLE_LOST,
  AGENT_FAULTS = 1 << BT_SAMPLE_UNAPPROVED | 1 << BT_SAMPLE_RUNAWAY
};
const unsigned bt_sample_scenario_faults[BT_SAMPLE_SCENARIOS] = {SHOP_FAULTS, SHOP_FAULTS, SHOP_FAULTS, MESSAGE_FAULTS,
                                                                 AGENT_FAULTS};

/* ---- numbers ---- */

uint64_t bt_sample_next(bt_sample_maker *m) {
  return bt_mix_bits(m->state += 0x9E3779B97F4A7C15u);
}

int64_t bt_sample_between(bt_sample_maker *m, int64_t low, int64_t high) {
  return low + (int64_t)(bt_sample_next(m) % (uint64_t)(high - low));
}

bool bt_sample_happens(bt_sample_maker *m, unsigned percent) {
  return bt_sample_next(m) % 100 < percent;
}

static void write_bytes(uint8_t *out, size_t count, uint64_t number) {
  for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(number >> (8 * i));
}

/* Every 50th id begins with a zero digit or byte, as one in sixteen does in real life: Tempo strips leading zeros. */
static void make_trace_id(bt_sample_maker *m, uint64_t index) {
  write_bytes(m->trace_id.bytes, 8, bt_sample_next(m));
  write_bytes(m->trace_id.bytes + 8, 8, bt_sample_next(m) | 1);
  if (index % 50 == 3) m->trace_id.bytes[0] = 0;
  if (index % 50 == 4) m->trace_id.bytes[0] &= 0x0F;
}

void bt_sample_begin(bt_sample_maker *m, const bt_sample_options *options, uint64_t index, bt_sample_trace *out) {
  *m =
      (bt_sample_maker){.state = options->seed * 0x9E3779B97F4A7C15u ^ (index + 1) * 0xD1B54A32D192ED03u, .trace = out};
  *out = (bt_sample_trace){0};
  int64_t slot = (options->end_ns - options->start_ns) / (int64_t)(options->traces ? options->traces : 1);
  m->start_ns = options->start_ns + slot * (int64_t)index + (slot > 1 ? bt_sample_between(m, 0, slot) : 0);
  make_trace_id(m, index);
}

/* ---- spans ---- */

bt_sample_span *bt_sample_add_span(bt_sample_maker *m, const char *service, const char *name, bt_span_kind kind,
                                   const bt_sample_span *parent, int64_t at_ns, int64_t duration_ns) {
  bt_sample_span *added = &m->trace->spans[m->trace->span_count++];
  *added = (bt_sample_span){.origin = {service, m->version, m->region}};
  added->span = (bt_export_span){.trace_id = m->trace_id,
                                 .name = bt_str_from(name),
                                 .kind = kind,
                                 .start_ns = m->start_ns + at_ns,
                                 .end_ns = m->start_ns + at_ns + duration_ns,
                                 .attributes = added->attributes};
  write_bytes(added->span.span_id.bytes, 8, bt_sample_next(m) | 1);
  if (parent) added->span.parent_id = parent->span.span_id;
  return added;
}

void bt_sample_fail(bt_sample_span *span, const char *message) {
  span->span.status = BT_SPAN_STATUS_ERROR;
  span->span.status_message = bt_str_from(message);
}

static bt_value *add_attribute(bt_sample_span *span, const char *key) {
  bt_attribute *attribute = &span->attributes[span->span.attribute_count++];
  *attribute = (bt_attribute){.key = bt_str_from(key)};
  return &attribute->value;
}

void bt_sample_set_string(bt_sample_span *span, const char *key, const char *value) {
  *add_attribute(span, key) = (bt_value){.type = BT_VALUE_STRING, .string = bt_str_from(value)};
}

void bt_sample_set_int(bt_sample_span *span, const char *key, int64_t value) {
  *add_attribute(span, key) = (bt_value){.type = BT_VALUE_INT, .integer = value};
}

void bt_sample_set_double(bt_sample_span *span, const char *key, double value) {
  *add_attribute(span, key) = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = value};
}

/* ---- rollout ---- */

int64_t bt_sample_rollout_start(const bt_sample_options *options) {
  return options->end_ns - (options->end_ns - options->start_ns) / 4;
}

int64_t bt_sample_rollout_length(const bt_sample_options *options) {
  return (options->end_ns - options->start_ns) / 36;
}

enum { INSTANCES = 8 };

static int64_t count_new_instances(const bt_sample_options *options, int64_t at_ns) {
  int64_t since = at_ns - bt_sample_rollout_start(options), step = bt_sample_rollout_length(options);
  if (since < 0) return 0;
  int64_t replaced = step ? 1 + since / (step / INSTANCES + 1) : INSTANCES;
  return replaced < INSTANCES ? replaced : INSTANCES;
}

bool bt_sample_is_new(bt_sample_maker *m, const bt_sample_options *options, int64_t at_ns) {
  return bt_sample_between(m, 0, INSTANCES) < count_new_instances(options, at_ns);
}

/* ---- traces ---- */

static void (*const makers[BT_SAMPLE_SCENARIOS])(bt_sample_maker *, const bt_sample_options *, uint64_t) = {
    bt_sample_make_shop, bt_sample_make_shop, bt_sample_make_shop, bt_sample_make_message, bt_sample_make_agent};

void bt_sample_trace_make(const bt_sample_options *options, uint64_t index, bt_sample_trace *out) {
  bt_sample_maker m;
  bt_sample_begin(&m, options, index, out);
  makers[options->scenario](&m, options, index);
  for (size_t i = 0; i < out->span_count; i++) {
    out->spans[i].span.attributes = out->spans[i].attributes;
    out->spans[i].span.links = out->spans[i].links;
  }
}
