/* Sending violation spans. See emission.h. What is there already is looked up first, many in a batch and what that does
 * not show by id, because by id sees what has just been sent. A span whose presence cannot be asked is not sent, as it
 * could be there. OTLP's 200 is no proof: what was accepted is read back by id, and counts as sent only when it is
 * there. */
#include "server/replay/emission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/replay/trace_link.h"
#include "tempo/wire/own_trace.h"

enum {
  SEND_MAX = 500,        /* spans of one request */
  READ_MAX = 256,        /* ids of one read */
  FEW = 4,               /* are looked up by id at once: most of what watch sends is new, and no batch shows that */
  READ_FAILURES_MAX = 3, /* then the source is not asked any more whether a span came */
  READ_BACK_TRIES = 12,  /* with pauses from 50 ms, doubling to 1 s: about 9 s in all */
  FIRST_PAUSE_MS = 50,
  LAST_PAUSE_MS = 1000,
  ATTRIBUTES_MAX = 20
};
static const size_t ARENA_BYTES = (size_t)64 << 20;
static const int64_t SLACK_NS = 1000000000, DURATION_NS = 1000000;

/* ---- a violation as a span to send (api.md, Violation spans) ---- */

typedef struct builder {
  bt_arena *arena;
  bt_attribute *items;
  uint32_t count;
  bool failed;
} builder;

static void add_attribute(builder *b, bt_str key, bt_value value) {
  b->items[b->count++] = (bt_attribute){key, value};
}

static bt_value string_value(bt_str text) {
  return (bt_value){.type = BT_VALUE_STRING, .string = text};
}

static void add_string(builder *b, bt_str key, const char *text) {
  add_attribute(b, key, string_value(bt_str_from(text)));
}

/* The text is copied. */
static void add_copy(builder *b, bt_str key, bt_str text) {
  bt_str copy = {0};
  if (bt_arena_copy(b->arena, text, &copy))
    add_attribute(b, key, string_value(copy));
  else
    b->failed = true;
}

static void add_integer(builder *b, bt_str key, int64_t integer) {
  add_attribute(b, key, (bt_value){.type = BT_VALUE_INT, .integer = integer});
}

/* An empty array is left out: nothing can search for it. */
static void add_array(builder *b, bt_str key, const bt_value *items, size_t count) {
  if (!count || count > UINT32_MAX) return;
  add_attribute(b, key, (bt_value){.type = BT_VALUE_ARRAY, .array = {items, (uint32_t)count}});
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

static void add_trace_link(builder *b, const bt_violation *violation) {
  bt_buffer url = {0};
  bt_trace_link_append("", violation, "", &url);
  b->failed = b->failed || url.failed;
  if (url.len) add_copy(b, BT_STR("betrace.violation.trace_url"), bt_buffer_str(&url));
  bt_buffer_dispose(&url);
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
  if (violation->rests_on_no_link) add_string(b, BT_STR("betrace.violation.rests_on"), BT_RESTS_ON_NO_LINK);
  add_string(b, BT_STR("betrace.violation.status"), options->retracts ? "retracted" : "open");
  add_integer(b, BT_STR(BT_OWN_COUNT), options->retracts ? 0 : 1);
  add_services(b, violation);
  add_trace_link(b, violation);
}

static void add_origin(builder *b, const bt_emission_options *options) {
  add_string(b, BT_STR("betrace.violation.source"), options->origin);
  if (options->store) add_string(b, BT_STR("betrace.violation.store"), options->store);
  if (options->replay_id) add_string(b, BT_STR("betrace.violation.replay_id"), options->replay_id);
}

static void add_retraction(builder *b) {
  add_attribute(b, BT_STR("betrace.violation.retracted"), (bt_value){.type = BT_VALUE_BOOL, .boolean = true});
  add_string(b, BT_STR("betrace.violation.retraction_reason"),
             "spans that came later undo it: with them the trace does not break the rule");
}

static void add_link(bt_export_span *span, bt_link *links, const bt_trace_id *trace_id, const bt_span_id *span_id) {
  for (uint32_t i = 0; i < span->link_count; i++)
    if (!bt_trace_id_compare(&links[i].trace_id, trace_id) && !memcmp(&links[i].span_id, span_id, sizeof *span_id))
      return;
  links[span->link_count++] = (bt_link){.trace_id = *trace_id, .span_id = *span_id};
}

/* To the violating trace, and to the witnesses in traces that are linked to it. A link needs both ids: a violation of
 * the trace as a whole has none to its own. */
static bool set_links(const bt_violation *violation, bt_arena *arena, bt_export_span *out) {
  const bt_violation_choice *first = violation->choice_count ? &violation->choices[0] : NULL;
  size_t witness_count = first ? first->witness_count : 0;
  bt_link *links = bt_arena_array(arena, witness_count + 1, sizeof *links);
  if (!links) return false;
  out->links = links;
  if (!bt_span_id_is_zero(&violation->span_id)) add_link(out, links, &violation->trace_id, &violation->span_id);
  for (size_t i = 0; i < witness_count; i++)
    if (first->witnesses[i].trace) add_link(out, links, &first->witnesses[i].trace_id, &first->witnesses[i].span_id);
  return true;
}

/* What `out` points to is in the arena or borrowed from the other arguments. False: no room in the arena. */
static bool make_span(const bt_emission_options *options, const bt_rule_definition *definition,
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
  return set_links(violation, arena, out) && !b.failed;
}

/* ---- looking up and sending ---- */

typedef enum span_state { SPAN_UNKNOWN, SPAN_MISSING, SPAN_THERE, SPAN_SENT } span_state;

typedef struct emission {
  const bt_emission_options *options;
  const bt_rule_definition *definition;
  const bt_violation **items; /* those to be emitted */
  span_state *states;
  size_t count;
  int64_t now_ns;
  int read_failures;
  bt_emission_result *result;
} emission;

static void say_problem(emission *e, const char *message) {
  snprintf(e->result->message, sizeof e->result->message, "%.190s", message);
}

typedef struct look_up {
  emission *e;
  const size_t *indexes;
  bool by_id;
} look_up;

/* The span that is sent for it. */
static const bt_span_id *span_of(const emission *e, size_t index) {
  return e->options->retracts ? &e->items[index]->retract_span_id : &e->items[index]->emit_span_id;
}

static bool has_span(const bt_trace *trace, const bt_span_id *id) {
  for (uint32_t i = 0; trace && i < trace->span_count; i++)
    if (memcmp(trace->spans[i].id.bytes, id->bytes, sizeof id->bytes) == 0) return true;
  return false;
}

/* Only a read by id can tell that a span is not there. */
static bt_status take_look_up(void *context, const bt_read_trace *read, bt_error *error) {
  look_up *l = context;
  size_t index = l->indexes[read->index];
  if (bt_is_cancelled(l->e->options->cancel))
    return bt_error_set(error, BT_CANCELLED, "the sending of violation spans was cancelled");
  if (has_span(read->trace, span_of(l->e, index)))
    l->e->states[index] = SPAN_THERE;
  else if (l->by_id)
    l->e->states[index] = SPAN_MISSING;
  return BT_OK;
}

static bt_time_range range_of(const emission *e) {
  int64_t first_ns = e->now_ns;
  for (size_t i = 0; i < e->count; i++)
    if (e->items[i]->time_ns < first_ns) first_ns = e->items[i]->time_ns;
  return (bt_time_range){first_ns - SLACK_NS, e->now_ns + SLACK_NS};
}

static bt_status read_some(emission *e, const size_t *indexes, size_t count, bool by_id, bt_error *error) {
  bt_trace_id ids[READ_MAX];
  bt_projection projection = {0};
  for (size_t i = 0; i < count; i++) ids[i] = e->items[indexes[i]]->id;
  bt_read_request request = {.ids = ids,
                             .count = count,
                             .range = range_of(e),
                             .projection = &projection,
                             .by_id = by_id,
                             .with_own = true,
                             .tenant = e->options->tenant,
                             .cancel = e->options->cancel,
                             .priority = e->options->priority};
  look_up l = {e, indexes, by_id};
  bt_source_account account = {0};
  bt_status status = bt_source_read(e->options->source, &request, take_look_up, &l, &account, error);
  bt_source_account_dispose(&account);
  return status;
}

/* Reads those in the given state. A source that fails leaves their state as it is. */
static bt_status read_state(emission *e, span_state state, bool by_id, bt_error *error) {
  size_t indexes[READ_MAX], count = 0;
  for (size_t i = 0; i < e->count; i++) {
    if (e->states[i] == state) indexes[count++] = i;
    if (count < READ_MAX && i + 1 < e->count) continue;
    bt_error why = {0};
    bt_status status = count ? read_some(e, indexes, count, by_id, &why) : BT_OK;
    if (status == BT_CANCELLED || status == BT_NO_MEMORY) {
      if (error) *error = why;
      return status;
    }
    if (status != BT_OK) {
      say_problem(e, why.message);
      e->read_failures++;
    }
    count = 0;
  }
  return BT_OK;
}

static bt_status find_sent_before(emission *e, bt_error *error) {
  if (!e->options->source) {
    for (size_t i = 0; i < e->count; i++) e->states[i] = SPAN_MISSING;
    return BT_OK;
  }
  bt_status status = e->count > FEW ? read_state(e, SPAN_UNKNOWN, false, error) : BT_OK;
  if (status == BT_OK) status = read_state(e, SPAN_UNKNOWN, true, error);
  for (size_t i = 0; i < e->count; i++) e->result->already_there += e->states[i] == SPAN_THERE;
  return status;
}

static bt_status export_spans(emission *e, const bt_export_span *spans, size_t count, bt_export_result *sent,
                              bt_error *error) {
  bt_attribute service = {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR(BT_OWN_SERVICE)}};
  bt_export_resource resource = {.attributes = &service,
                                 .attribute_count = 1,
                                 .scope_name = BT_STR(BT_OWN_SERVICE),
                                 .spans = spans,
                                 .span_count = count};
  bt_exporter_options exporter = *e->options->exporter;
  if (e->options->tenant) exporter.tenant = e->options->tenant;
  return bt_otlp_export(e->options->client, &exporter, &resource, 1, e->options->cancel, sent, error);
}

/* Without a source to ask, what the answer says is what is known. */
static void take_accepted(emission *e, const size_t *indexes, size_t count, const bt_export_result *sent) {
  if (sent->message[0]) say_problem(e, sent->message);
  if (e->options->source) {
    for (size_t i = 0; i < count; i++) e->states[indexes[i]] = SPAN_SENT;
    return;
  }
  uint64_t accepted = sent->accepted < count ? sent->accepted : count;
  e->result->emitted += accepted;
  for (size_t i = 0; i < count; i++) e->states[indexes[i]] = i < accepted ? SPAN_THERE : SPAN_MISSING;
}

static bt_status send_some(emission *e, const size_t *indexes, size_t count, bt_error *error) {
  bt_arena arena;
  bt_arena_init(&arena, ARENA_BYTES);
  bt_export_span *spans = bt_arena_array(&arena, count, sizeof *spans);
  bool ok = spans != NULL;
  for (size_t i = 0; ok && i < count; i++)
    ok = make_span(e->options, e->definition, e->items[indexes[i]], e->now_ns, &arena, &spans[i]);
  bt_export_result sent = {0};
  bt_error why = {0};
  bt_status status = ok ? export_spans(e, spans, count, &sent, &why) : bt_error_no_memory(&why);
  bt_arena_dispose(&arena);
  if (status == BT_OK)
    take_accepted(e, indexes, count, &sent);
  else
    say_problem(e, why.message);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
}

static bt_status send_missing(emission *e, bt_error *error) {
  size_t indexes[SEND_MAX], count = 0;
  bt_status status = BT_OK;
  e->now_ns = bt_clock_wall_ns();
  for (size_t i = 0; status == BT_OK && i < e->count; i++) {
    if (e->states[i] == SPAN_MISSING) indexes[count++] = i;
    if (count < SEND_MAX && i + 1 < e->count) continue;
    if (count) status = send_some(e, indexes, count, error);
    count = 0;
  }
  return status;
}

/* A trace that the read by id did not find yet goes back to "sent". */
static size_t count_unseen(emission *e, const bool *was_sent) {
  size_t unseen = 0;
  for (size_t i = 0; i < e->count; i++) {
    if (was_sent[i] && e->states[i] == SPAN_MISSING) e->states[i] = SPAN_SENT;
    unseen += e->states[i] == SPAN_SENT;
  }
  return unseen;
}

static void pause_ms(long milliseconds) {
  struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&pause, NULL);
}

static bt_status read_back(emission *e, const bool *was_sent, bt_error *error) {
  long pause = FIRST_PAUSE_MS;
  e->read_failures = 0;
  for (int i = 0; count_unseen(e, was_sent) && i < READ_BACK_TRIES && e->read_failures < READ_FAILURES_MAX; i++) {
    if (i) pause_ms(pause);
    if (i && pause < LAST_PAUSE_MS) pause *= 2;
    bt_status status = read_state(e, SPAN_SENT, true, error);
    if (status != BT_OK) return status;
  }
  if (count_unseen(e, was_sent) && !e->read_failures)
    say_problem(e, "spans were accepted, but they cannot be read back: a limit of the receiver may have dropped them");
  return BT_OK;
}

static bt_status confirm_sent(emission *e, bt_error *error) {
  if (!e->options->source) return BT_OK;
  bool *was_sent = calloc(e->count + 1, sizeof *was_sent);
  if (!was_sent) return bt_error_no_memory(error);
  for (size_t i = 0; i < e->count; i++) was_sent[i] = e->states[i] == SPAN_SENT;
  bt_status status = read_back(e, was_sent, error);
  for (size_t i = 0; i < e->count; i++) e->result->emitted += was_sent[i] && e->states[i] == SPAN_THERE;
  free(was_sent);
  return status;
}

static bt_status collect_violations(emission *e, const bt_violation *const *violations, size_t count, bt_error *error) {
  e->items = bt_realloc_array(NULL, count, sizeof *e->items);
  e->states = calloc(count ? count : 1, sizeof *e->states);
  if (!e->items || !e->states) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++)
    if (!violations[i]->provisional) e->items[e->count++] = violations[i];
  return BT_OK;
}

bt_status bt_emission_send(const bt_emission_options *options, const bt_rule_definition *definition,
                           const bt_violation *const *violations, size_t count, bt_emission_result *result,
                           bt_error *error) {
  *result = (bt_emission_result){0};
  if (definition->fields.shadow) return BT_OK;
  emission e = {.options = options, .definition = definition, .now_ns = bt_clock_wall_ns(), .result = result};
  bt_status status = collect_violations(&e, violations, count, error);
  if (status == BT_OK) status = find_sent_before(&e, error);
  if (status == BT_OK) status = send_missing(&e, error);
  if (status == BT_OK) status = confirm_sent(&e, error);
  result->failed = e.count - result->emitted - result->already_there;
  if (status == BT_OK && !result->failed) result->message[0] = '\0'; /* a failure that passed */
  free(e.items);
  free(e.states);
  return status;
}
