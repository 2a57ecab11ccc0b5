/* Building violation spans. See emission_span.h. */
#include "server/replay/emission_span.h"

#include <string.h>

#include "server/base/time_text.h"
#include "tempo/wire/own_trace.h"

enum { ATTRIBUTES_MAX = 20 };
static const int64_t DURATION_NS = 1000000;

typedef struct builder {
  bt_arena *arena;
  bt_attribute *items;
  uint32_t count;
  bool failed;
} builder;

static void add(builder *b, bt_str key, bt_value value) {
  b->items[b->count++] = (bt_attribute){key, value};
}

static bt_value string_value(bt_str text) {
  return (bt_value){.type = BT_VALUE_STRING, .string = text};
}

static void add_string(builder *b, bt_str key, const char *text) {
  add(b, key, string_value(bt_str_from(text)));
}

/* The text is copied. */
static void add_copy(builder *b, bt_str key, bt_str text) {
  bt_str copy = {0};
  if (bt_arena_copy(b->arena, text, &copy))
    add(b, key, string_value(copy));
  else
    b->failed = true;
}

static void add_integer(builder *b, bt_str key, int64_t integer) {
  add(b, key, (bt_value){.type = BT_VALUE_INT, .integer = integer});
}

/* An empty array is left out: nothing can search for it. */
static void add_array(builder *b, bt_str key, const bt_value *items, size_t count) {
  if (!count || count > UINT32_MAX) return;
  add(b, key, (bt_value){.type = BT_VALUE_ARRAY, .array = {items, (uint32_t)count}});
}

static void add_services(builder *b, const bt_violation *violation) {
  bt_value *items = bt_arena_array(b->arena, violation->service_count, sizeof *items);
  if (!items) {
    b->failed = true;
    return;
  }
  for (size_t i = 0; i < violation->service_count; i++) items[i] = string_value(bt_str_from(violation->services[i]));
  add_array(b, BT_STR("betrace.violation.services"), items, violation->service_count);
}

/* "SOC2:CC6.1"; a framework without a control is its name alone. */
static bool write_control(bt_arena *arena, const bt_string_pair *control, bt_str *out) {
  bt_buffer text = {0};
  bt_buffer_append(&text, bt_str_from(control->key));
  if (control->value[0]) bt_buffer_append_char(&text, ':');
  bt_buffer_append(&text, bt_str_from(control->value));
  bool ok = !text.failed && bt_arena_copy(arena, bt_buffer_str(&text), out);
  bt_buffer_dispose(&text);
  return ok;
}

static void add_controls(builder *b, const bt_rule_definition *definition) {
  bt_value *items = bt_arena_array(b->arena, definition->control_count, sizeof *items);
  bool ok = items != NULL;
  for (size_t i = 0; ok && i < definition->control_count; i++) {
    bt_str text = {0};
    ok = write_control(b->arena, &definition->controls[i], &text);
    items[i] = string_value(text);
  }
  if (!ok)
    b->failed = true;
  else
    add_array(b, BT_STR("betrace.violation.controls"), items, definition->control_count);
}

static void add_rule(builder *b, const bt_rule_definition *definition) {
  add_string(b, BT_STR(BT_OWN_RULE_ID), definition->fields.id);
  add_string(b, BT_STR("betrace.violation.rule_name"), definition->fields.name);
  add_integer(b, BT_STR("betrace.violation.rule_version"), definition->version);
  add_string(b, BT_STR(BT_OWN_CONDITION_HASH), definition->condition_hash);
  add_string(b, BT_STR("betrace.violation.severity"), bt_severity_name(definition->fields.severity));
  add_controls(b, definition);
}

static void add_violation(builder *b, const bt_emission_options *options, const bt_violation *violation) {
  char trace_id[BT_TRACE_ID_HEX + 1], span_id[BT_SPAN_ID_HEX + 1], time[40];
  bt_trace_id_format(&violation->trace_id, trace_id);
  bt_span_id_format(&violation->span_id, span_id);
  bt_time_format(violation->time_ns, time);
  add_string(b, BT_STR("betrace.violation.message"), violation->message);
  add_copy(b, BT_STR(BT_OWN_TRACE_ID), bt_str_from(trace_id));
  if (!bt_span_id_is_zero(&violation->span_id)) add_copy(b, BT_STR("betrace.violation.span_id"), bt_str_from(span_id));
  add_copy(b, BT_STR("betrace.violation.time"), bt_str_from(time));
  add_integer(b, BT_STR("betrace.violation.time_unix_nano"), violation->time_ns);
  add_string(b, BT_STR("betrace.violation.status"), options->retracts ? "retracted" : "open");
  add_services(b, violation);
}

static void add_origin(builder *b, const bt_emission_options *options) {
  add_string(b, BT_STR("betrace.violation.source"), options->origin);
  if (options->replay_id) add_string(b, BT_STR("betrace.violation.replay_id"), options->replay_id);
}

static void add_retraction(builder *b) {
  add(b, BT_STR("betrace.violation.retracted"), (bt_value){.type = BT_VALUE_BOOL, .boolean = true});
  add_string(b, BT_STR("betrace.violation.retraction_reason"),
             "spans that came later undo it: with them the trace does not break the rule");
}

/* A link needs both ids: a violation of the trace as a whole has none. */
static bool set_link(const bt_violation *violation, bt_arena *arena, bt_export_span *out) {
  if (bt_span_id_is_zero(&violation->span_id)) return true;
  bt_export_link *link = bt_arena_alloc(arena, sizeof *link);
  if (!link) return false;
  *link = (bt_export_link){violation->trace_id, violation->span_id};
  out->links = link;
  out->link_count = 1;
  return true;
}

bool bt_emission_span(const bt_emission_options *options, const bt_rule_definition *definition,
                      const bt_violation *violation, int64_t now_ns, bt_arena *arena, bt_export_span *out) {
  builder b = {.arena = arena, .items = bt_arena_array(arena, ATTRIBUTES_MAX, sizeof *b.items)};
  if (!b.items) return false;
  add_rule(&b, definition);
  add_violation(&b, options, violation);
  add_origin(&b, options);
  if (options->retracts) add_retraction(&b);
  int64_t start_ns = options->at_original_time ? violation->time_ns : now_ns;
  *out = (bt_export_span){.trace_id = violation->id,
                          .span_id = options->retracts ? violation->retract_span_id : violation->emit_span_id,
                          .name = BT_STR(BT_OWN_VIOLATION),
                          .status_message = options->retracts ? BT_STR("") : bt_str_from(violation->message),
                          .kind = BT_KIND_INTERNAL,
                          .status = options->retracts ? BT_SPAN_STATUS_OK : BT_SPAN_STATUS_ERROR,
                          .start_ns = start_ns,
                          .end_ns = start_ns + DURATION_NS,
                          .attributes = b.items,
                          .attribute_count = b.count};
  return set_link(violation, arena, out) && !b.failed;
}
