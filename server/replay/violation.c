/* Making violations. See violation.h: everything is copied, because the trace is gone when somebody looks. A
 * violation and what belongs to it are pieces of one chain that is freed as a whole. Thread: no state. */
#include "server/replay/violation.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/rule/rule_sentence.h"
#include "dsl/trace/trace_comparison.h"
#include "server/base/sha256.h"
#include "server/base/span_time.h"
#include "server/memory/account.h"

/* ---- what it says in words ---- */

static const bt_value *find_value(const bt_span *span, const bt_projected *field) {
  const bt_value *value = NULL;
  if (field->scope != BT_PROJECTED_RESOURCE) value = bt_attributes_find(&span->attributes, field->key);
  bool is_missing = !value || bt_value_is_missing(value);
  if (is_missing && field->scope != BT_PROJECTED_SPAN)
    value = bt_attributes_find(&span->resource->attributes, field->key);
  return value && !bt_value_is_missing(value) ? value : NULL;
}

/* Where a key stands twice in a record, each of its values counts. */
static bool are_all(const bt_attributes *attributes, bt_str key, const bt_value *value) {
  for (uint32_t i = 0; i < attributes->count; i++)
    if (bt_str_equal(attributes->items[i].key, key) && !bt_values_agree(&attributes->items[i].value, value))
      return false;
  return true;
}

/* Whether each record of the span says so. */
static bool is_agreed(const bt_span *span, const bt_projected *field, const bt_value *value) {
  bool all = true;
  for (const bt_span *record = span->other; record && all; record = record->other) {
    const bt_value *own = find_value(record, field);
    all = own && bt_values_agree(own, value);
  }
  for (const bt_span *record = span->unsplit; record && all; record = record->other)
    all = are_all(&record->attributes, field->key, value) && are_all(&record->resource->attributes, field->key, value);
  return all;
}

const bt_value *bt_witness_value(const bt_span *span, const bt_projected *field) {
  const bt_value *value = find_value(span, field);
  return value && is_agreed(span, field, value) ? value : NULL;
}

static bool has_one_length(const bt_span *span) {
  bt_lasting own = bt_lasting_between(span->start_ns, span->end_ns);
  for (const bt_span *record = span->other; record; record = record->other) {
    bt_lasting other = bt_lasting_between(record->start_ns, record->end_ns);
    if (other.length != own.length || other.length_ns != own.length_ns) return false;
  }
  return true;
}

static void write_array(const bt_value *value, bt_buffer *out) {
  bt_buffer_append_char(out, '[');
  for (uint32_t i = 0; i < value->array.count; i++) {
    if (i) bt_buffer_append(out, BT_STR(", "));
    bt_witness_value_write(&value->array.items[i], out);
  }
  bt_buffer_append_char(out, ']');
}

void bt_witness_value_write(const bt_value *value, bt_buffer *out) {
  switch (value->type) {
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER: break;
  case BT_VALUE_STRING: bt_buffer_append(out, value->string); break;
  case BT_VALUE_BOOL: bt_buffer_append(out, value->boolean ? BT_STR("true") : BT_STR("false")); break;
  case BT_VALUE_INT: bt_buffer_printf(out, "%" PRId64, value->integer); break;
  case BT_VALUE_DOUBLE: bt_buffer_printf(out, "%.15g", value->decimal); break;
  case BT_VALUE_DURATION: bt_buffer_printf(out, "%" PRId64 "ns", value->duration_ns); break;
  case BT_VALUE_TIME: bt_buffer_printf(out, "%" PRId64, value->time_ns); break;
  case BT_VALUE_ARRAY: write_array(value, out); break;
  }
}

bt_str bt_text_cut(bt_str text, size_t bytes) {
  if (text.len <= bytes) return text;
  size_t end = bytes;
  while (end > 0 && ((unsigned char)text.ptr[end] & 0xC0) == 0x80) end--;
  return (bt_str){text.ptr, end};
}

/* Appends what fits into so many bytes; where that is not all, up to a blank in its second half, and with an ellipsis.
 */
static void write_cut(bt_str text, size_t bytes, bt_buffer *out) {
  static const char ellipsis[] = "…";
  bt_str shown = text.len > bytes ? bt_text_cut(text, bytes - (sizeof ellipsis - 1)) : text;
  if (shown.len == text.len) {
    bt_buffer_append(out, text);
    return;
  }
  size_t end = shown.len;
  while (end > shown.len / 2 && text.ptr[end] != ' ') end--;
  if (end > shown.len / 2) shown.len = end;
  bt_buffer_append(out, shown);
  bt_buffer_append(out, BT_STR("…"));
}

/* Appends readable text: runs of blanks and control characters become one blank. */
static void write_plain(bt_str text, bt_buffer *out) {
  bool blank = false;
  while (text.len) {
    uint32_t code_point = 0;
    size_t length = bt_utf8_sequence(text, &code_point);
    bool is_blank = length == 1 && (code_point <= ' ' || code_point == 0x7F);
    if (is_blank && !blank) bt_buffer_append_char(out, ' ');
    if (!length)
      bt_buffer_append_char(out, '?');
    else if (!is_blank)
      bt_buffer_append(out, (bt_str){text.ptr, length});
    blank = is_blank;
    size_t step = length ? length : 1;
    text = (bt_str){text.ptr + step, text.len - step};
  }
}

/* Three digits or so, as people say it: 1.72 s, 250 ms. */
static void write_amount(int64_t ns, bt_buffer *out) {
  static const struct {
    double unit;
    const char *name;
  } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}};
  size_t u = 0;
  while (u < 3 && (double)ns < units[u].unit) u++;
  double value = (double)ns / units[u].unit;
  bt_buffer_printf(out, " %.*f %s", u == 3 || value >= 100 ? 0 : value >= 10 ? 1 : 2, value, units[u].name);
}

static void write_length(const bt_violation_witness *witness, bt_buffer *out) {
  bt_lasting lasting = bt_lasting_between(witness->start_ns, witness->end_ns);
  if (witness->differs_in_length)
    bt_buffer_append(out, BT_STR(", its records differ in length"));
  else if (lasting.length == BT_LENGTH_KNOWN)
    write_amount(lasting.length_ns, out);
  else
    bt_buffer_printf(out, ", %s", bt_length_words(lasting.length));
}

/* Readable text of at most so many bytes. */
static void write_shown(const char *text, size_t bytes, bt_buffer *out) {
  bt_buffer plain = {0};
  write_plain(bt_str_from(text), &plain);
  write_cut(bt_buffer_str(&plain), bytes, out);
  out->failed = out->failed || plain.failed;
  bt_buffer_dispose(&plain);
}

static void write_separator(bt_buffer *out, bool *is_open) {
  bt_buffer_append(out, *is_open ? BT_STR(", ") : BT_STR(" ("));
  *is_open = true;
}

/* Whether the selector that found the span asks how long it took. */
static bool asks_for_duration(const bt_rule *rule, const bt_violation_witness *witness) {
  bt_range range = witness->range;
  if (range.start >= range.end || range.end > rule->text.len) return false;
  return bt_str_contains((bt_str){rule->text.ptr + range.start, range.end - range.start}, BT_STR("duration"));
}

static void write_witness(const bt_rule *rule, const bt_violation_witness *witness, bt_buffer *out) {
  enum { SHOWN_MAX = 4, SHOWN_BYTES = 40 };
  bool is_open = false;
  write_shown(witness->name, 64, out);
  if (asks_for_duration(rule, witness)) write_length(witness, out);
  if (witness->service[0]) {
    write_separator(out, &is_open);
    write_shown(witness->service, 48, out);
  }
  for (size_t i = 0; i < witness->attribute_count && i < SHOWN_MAX; i++) {
    write_separator(out, &is_open);
    write_shown(witness->attributes[i].key, SHOWN_BYTES, out);
    bt_buffer_append(out, BT_STR(" = "));
    write_shown(witness->attributes[i].value, SHOWN_BYTES, out);
  }
  if (is_open) bt_buffer_append_char(out, ')');
}

static bool is_within(const bt_condition *clause, bt_range range) {
  return clause && range.start < clause->range.end && clause->range.start < range.end;
}

const char *bt_violation_clause(const bt_rule *rule, bt_range failed) {
  return is_within(rule->always, failed) ? "always" : is_within(rule->never, failed) ? "never" : "condition";
}

void bt_violation_say_failure(const bt_rule *rule, const bt_violation_choice *choice, bt_buffer *out) {
  bt_buffer said = {0};
  bt_rule_say_failure(rule, choice->failed, &choice->measured, &said);
  write_plain(bt_buffer_str(&said), out);
  out->failed = out->failed || said.failed;
  bt_buffer_dispose(&said);
}

/* The first span that fails the test of every(…), where that is blamed; else NULL. */
static const bt_violation_witness *failing_witness(const bt_rule *rule, const bt_violation_choice *choice) {
  if (!bt_rule_blames_every(rule, choice->failed)) return NULL;
  for (size_t i = 0; i < choice->witness_count; i++) {
    const bt_violation_witness *witness = &choice->witnesses[i];
    if (witness->range.start == choice->failed.start && witness->range.end == choice->failed.end) return witness;
  }
  return NULL;
}

/* `checkout (checkout-service): no fraud-check in this trace`. */
static void write_sentence(const bt_rule *rule, const bt_violation_choice *choice, bt_buffer *out) {
  const bt_violation_witness *failing = failing_witness(rule, choice);
  const bt_violation_witness *first = choice->witness_count ? &choice->witnesses[0] : NULL;
  const bt_violation_witness *named = failing ? failing : first;
  if (named)
    write_witness(rule, named, out);
  else
    bt_buffer_append(out, BT_STR("this trace"));
  bt_buffer_append(out, BT_STR(": "));
  bt_violation_say_failure(rule, choice, out);
}

/* Which span fails the test of every(…): others may have its name. */
static void write_failing(const bt_rule *rule, const bt_violation_choice *choice, bt_buffer *out) {
  const bt_violation_witness *failing = failing_witness(rule, choice);
  char hex[BT_SPAN_ID_HEX + 1];
  if (!failing) return;
  bt_span_id_format(&failing->span_id, hex);
  bt_buffer_printf(out, "; span %s does not", hex);
}

/* What is not there may be what was lost. */
static void write_missing_parent(const bt_trace *trace, bt_buffer *out) {
  const bt_span_id *missing = &trace->missing_parent;
  bt_buffer name = {0};
  char hex[BT_SPAN_ID_HEX + 1];
  uint32_t child = 0;
  while (child < trace->span_count && memcmp(&trace->spans[child].parent_id, missing, sizeof *missing) != 0) child++;
  if (child == trace->span_count) return;
  bt_span_id_format(missing, hex);
  bt_buffer_printf(out, "; the trace lacks span %s, the parent of ", hex);
  write_plain(trace->spans[child].name, &name);
  write_cut(bt_buffer_str(&name), 48, out);
  out->failed = out->failed || name.failed;
  bt_buffer_dispose(&name);
}

/* The sentence gives way to what stands behind it. */
static void write_message(const bt_trace *trace, const bt_rule *rule, const bt_violation_choice *choice,
                          bt_buffer *out) {
  bt_buffer sentence = {0}, more = {0};
  write_sentence(rule, choice, &sentence);
  write_failing(rule, choice, &more);
  if (trace->missing_parents && bt_rule_blames_absence(rule, choice->failed)) write_missing_parent(trace, &more);
  write_cut(bt_buffer_str(&sentence), BT_MESSAGE_BYTES - more.len, out);
  bt_buffer_append(out, bt_buffer_str(&more));
  out->failed = out->failed || sentence.failed || more.failed;
  bt_buffer_dispose(&sentence);
  bt_buffer_dispose(&more);
}

/* ---- making ---- */

typedef struct piece {
  struct piece *next;
  max_align_t data[];
} piece;

typedef struct made_violation {
  bt_violation violation; /* first, so that one points to the other */
  piece *pieces;
  size_t bytes;
} made_violation;

typedef struct maker {
  made_violation *made;
  const bt_trace *trace;
  const bt_rule *rule;
  bt_projection fields; /* what the rule reads */
  bool failed;          /* no memory */
} maker;

/* Zeroed memory that belongs to the violation; NULL after a failure or for nothing. */
static void *take_memory(maker *m, size_t count, size_t size) {
  if (m->failed || !count) return NULL;
  size_t bytes = 0;
  bool overflows = __builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - sizeof(piece);
  piece *new_piece = overflows ? NULL : calloc(1, sizeof(piece) + bytes);
  if (!new_piece) {
    m->failed = true;
    return NULL;
  }
  new_piece->next = m->made->pieces;
  m->made->pieces = new_piece;
  m->made->bytes += bt_heap_bytes(sizeof(piece) + bytes);
  return new_piece->data;
}

static char *copy_text(maker *m, bt_str text) {
  char *copy = take_memory(m, text.len + 1, 1);
  if (copy && text.len) memcpy(copy, text.ptr, text.len);
  return copy;
}

/* Takes what a buffer holds, cut to length, and disposes of the buffer. */
static char *copy_buffer(maker *m, bt_buffer *buffer, size_t most_bytes) {
  if (buffer->failed) m->failed = true;
  char *copy = copy_text(m, bt_text_cut(bt_buffer_str(buffer), most_bytes));
  bt_buffer_dispose(buffer);
  return copy;
}

static void copy_attribute(maker *m, const bt_projected *field, const bt_value *value, bt_string_pair *out) {
  bt_buffer key = {0}, text = {0};
  if (field->scope == BT_PROJECTED_RESOURCE) bt_buffer_append(&key, BT_STR("resource."));
  bt_buffer_append(&key, field->key);
  bt_witness_value_write(value, &text);
  out->key = copy_buffer(m, &key, SIZE_MAX);
  out->value = copy_buffer(m, &text, BT_WITNESS_VALUE_BYTES);
}

static void copy_attributes(maker *m, const bt_span *span, bt_violation_witness *out) {
  out->attributes = take_memory(m, m->fields.attribute_count, sizeof *out->attributes);
  for (uint32_t i = 0; !m->failed && i < m->fields.attribute_count; i++) {
    const bt_value *value = bt_witness_value(span, &m->fields.attributes[i]);
    if (value) copy_attribute(m, &m->fields.attributes[i], value, &out->attributes[out->attribute_count++]);
  }
}

static void copy_witness(maker *m, const bt_rule_verdict *verdict, const bt_witness *witness,
                         bt_violation_witness *out) {
  const bt_span *span = bt_witness_span(m->trace, verdict, witness);
  out->trace = witness->trace;
  out->trace_id = witness->trace ? verdict->family->traces[witness->trace].trace->id : m->trace->id;
  out->span_id = span->id;
  if (witness->binding != BT_NO_BINDING) out->binding = copy_text(m, m->rule->bindings[witness->binding].name);
  out->name = copy_text(m, span->name);
  out->service = copy_text(m, span->resource->service);
  out->start_ns = span->start_ns;
  out->end_ns = span->end_ns;
  out->differs_in_length = !has_one_length(span);
  out->range = witness->range;
  copy_attributes(m, span, out);
}

static void copy_choices(maker *m, const bt_rule_verdict *verdict) {
  bt_violation *violation = &m->made->violation;
  violation->choice_total = verdict->choice_total;
  violation->choices = take_memory(m, verdict->choice_count, sizeof *violation->choices);
  for (uint32_t i = 0; !m->failed && i < verdict->choice_count; i++) {
    const bt_choice *from = &verdict->choices[i];
    bt_violation_choice *to = &violation->choices[i];
    violation->choice_count++;
    to->failed = from->failed;
    to->measured = from->measured;
    to->witnesses = take_memory(m, from->witness_count, sizeof *to->witnesses);
    for (uint32_t w = 0; !m->failed && w < from->witness_count; w++) {
      copy_witness(m, verdict, &from->witnesses[w], &to->witnesses[w]);
      to->witness_count++;
    }
  }
}

static bool has_service(const bt_violation *violation, bt_str service) {
  for (size_t i = 0; i < violation->service_count; i++)
    if (bt_str_equal(bt_str_from(violation->services[i]), service)) return true;
  return false;
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Only the first span of each run of equal services is looked at twice. */
static void copy_services(maker *m) {
  bt_violation *violation = &m->made->violation;
  const bt_resource *last = NULL;
  size_t capacity = 0;
  for (uint32_t i = 0; !m->failed && i < m->trace->span_count; i++) {
    const bt_resource *resource = m->trace->spans[i].resource;
    if (resource == last || !resource->service.len || has_service(violation, resource->service)) continue;
    last = resource;
    if (violation->service_count == capacity) {
      size_t wanted = capacity ? capacity * 2 : 8;
      char **services = take_memory(m, wanted, sizeof *services);
      if (!services) return;
      if (capacity) memcpy(services, violation->services, capacity * sizeof *services);
      violation->services = services;
      capacity = wanted;
    }
    char *service = copy_text(m, resource->service);
    if (service) violation->services[violation->service_count++] = service;
  }
  if (violation->service_count > 1)
    qsort(violation->services, violation->service_count, sizeof *violation->services, compare_texts);
}

static void copy_root(maker *m) {
  bt_violation *violation = &m->made->violation;
  uint32_t root = bt_trace_root(m->trace);
  const bt_span *span = root == BT_NO_SPAN ? NULL : &m->trace->spans[root];
  violation->has_root = span && bt_span_id_is_zero(&span->parent_id);
  violation->root_name = copy_text(m, span ? span->name : (bt_str){0});
  violation->root_service = copy_text(m, span ? span->resource->service : (bt_str){0});
}

/* Where the span does not say when it began: when something of its trace did, or ended; 0: nothing says anything. */
static int64_t known_time(const bt_trace *trace) {
  bt_lasting lasting = bt_lasting_of_trace(trace);
  return lasting.start_ns ? lasting.start_ns : lasting.end_ns;
}

/* The first of a choice's spans in the violating trace, as bt_span_compare has it; NULL: it shows none of them. */
static const bt_span *earliest_witness(const bt_trace *trace, const bt_rule_verdict *verdict) {
  const bt_span *earliest = NULL;
  const bt_choice none = {0}, *choice = verdict->choice_count ? &verdict->choices[0] : &none;
  for (uint32_t i = 0; i < choice->witness_count; i++) {
    const bt_witness *witness = &choice->witnesses[i];
    if (witness->trace) continue;
    const bt_span *span = &trace->spans[witness->span];
    if (!earliest || bt_span_compare(span, earliest) < 0) earliest = span;
  }
  return earliest;
}

/* A start of 0 is none. Spans without one stand behind the others. */
int64_t bt_violation_time(const bt_trace *trace, const bt_rule_verdict *verdict) {
  const bt_span *witness = earliest_witness(trace, verdict);
  return witness && witness->start_ns ? witness->start_ns : known_time(trace);
}

/* When and where: the earliest witness of the first choice, else the trace. */
static void place_violation(maker *m, const bt_rule_verdict *verdict) {
  bt_violation *violation = &m->made->violation;
  const bt_violation_choice unknown = {0};
  const bt_violation_choice *choice = violation->choice_count ? &violation->choices[0] : &unknown;
  violation->trace_id = m->trace->id;
  violation->missing_parents = m->trace->missing_parents;
  violation->rests_on_no_link = verdict->rests_on_no_link;
  violation->time_ns = bt_violation_time(m->trace, verdict);
  const bt_span *witness = earliest_witness(m->trace, verdict);
  if (witness) violation->span_id = witness->id;
  bt_buffer sentence = {0};
  write_message(m->trace, m->rule, choice, &sentence);
  violation->message = copy_buffer(m, &sentence, BT_MESSAGE_BYTES);
}

static bt_status set_ids(maker *m, const bt_rule_definition *definition, const char *tenant, bt_error *error) {
  bt_own_ids ids;
  bt_status status = bt_violation_ids_derive(bt_str_from(tenant ? tenant : ""), bt_str_from(definition->fields.id),
                                             bt_str_from(definition->condition_hash), &m->trace->id, &ids, error);
  if (status != BT_OK) return status;
  m->made->violation.id = ids.trace_id;
  m->made->violation.emit_span_id = ids.span_id;
  m->made->violation.retract_span_id = ids.retraction_id;
  return BT_OK;
}

static bt_status fill_violation(maker *m, const bt_rule_definition *definition, const char *tenant,
                                const bt_rule_verdict *verdict, bt_error *error) {
  bt_status status = bt_projection_add(&m->fields, m->rule, error);
  if (status == BT_OK) status = set_ids(m, definition, tenant, error);
  if (status != BT_OK) return status;
  copy_choices(m, verdict);
  copy_services(m);
  copy_root(m);
  if (!m->failed) place_violation(m, verdict);
  return m->failed ? bt_error_no_memory(error) : BT_OK;
}

bt_status bt_violation_new(const bt_rule_definition *definition, const char *tenant, const bt_trace *trace,
                           const bt_rule_verdict *verdict, bt_violation **out, bt_error *error) {
  maker m = {.trace = trace, .rule = definition->rule};
  *out = NULL;
  m.made = calloc(1, sizeof *m.made);
  if (!m.made) return bt_error_no_memory(error);
  m.made->bytes = bt_heap_bytes(sizeof *m.made);
  bt_projection_init(&m.fields);
  bt_status status = fill_violation(&m, definition, tenant, verdict, error);
  bt_projection_dispose(&m.fields);
  if (status == BT_OK)
    *out = &m.made->violation;
  else
    bt_violation_free(&m.made->violation);
  return status;
}

bt_status bt_violation_restore(const bt_violation_record *record, bt_violation **out, bt_error *error) {
  maker m = {0};
  *out = NULL;
  m.made = calloc(1, sizeof *m.made);
  if (!m.made) return bt_error_no_memory(error);
  bt_violation *violation = &m.made->violation;
  m.made->bytes = bt_heap_bytes(sizeof *m.made);
  *violation = (bt_violation){.id = record->id,
                              .trace_id = record->trace_id,
                              .emit_span_id = record->emit_span_id,
                              .retract_span_id = record->retract_span_id,
                              .span_id = record->span_id,
                              .time_ns = record->time_ns};
  violation->message = copy_text(&m, record->message);
  violation->root_service = copy_text(&m, BT_STR(""));
  violation->root_name = copy_text(&m, BT_STR(""));
  if (!m.failed) {
    *out = violation;
    return BT_OK;
  }
  bt_violation_free(violation);
  return bt_error_no_memory(error);
}

void bt_violation_free(bt_violation *violation) {
  if (!violation) return;
  made_violation *made = (made_violation *)violation;
  while (made->pieces) {
    piece *next = made->pieces->next;
    free(made->pieces);
    made->pieces = next;
  }
  free(made);
}

size_t bt_violation_bytes(const bt_violation *violation) {
  return ((const made_violation *)violation)->bytes;
}

/* ---- ids: the layout of what is hashed never changes, because spans with these ids are kept elsewhere ---- */

static pthread_once_t installed = PTHREAD_ONCE_INIT;

static bool digest_fields(const bt_str *fields, size_t count, uint8_t digest[32]) {
  bt_sha256 hash;
  if (bt_sha256_fields(fields, count, &hash, NULL) != BT_OK) return false;
  memcpy(digest, hash.bytes, sizeof hash.bytes);
  return true;
}

static void install_digest(void) {
  bt_own_trace_use(digest_fields);
}

void bt_violation_ids_install(void) {
  (void)pthread_once(&installed, install_digest);
}

bt_status bt_violation_ids_derive(bt_str tenant, bt_str rule_id, bt_str condition_hash, const bt_trace_id *violating,
                                  bt_own_ids *out, bt_error *error) {
  bt_violation_ids_install();
  return bt_own_violation_ids(tenant, rule_id, condition_hash, violating, out) ? BT_OK : bt_error_no_memory(error);
}
