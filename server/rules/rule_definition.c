/* From what a user says to a definition that can be evaluated: check, compile, settle severity and controls, hash. A
 * definition is immutable from then on and shared by an atomic count, which stands behind the public struct. Any
 * thread.
 *
 * The condition hash is SHA-256 over these fields in this order, each preceded by its length (8 bytes, big-endian;
 * sha256.h): "betrace.condition.1" · canonical text · settle · clock_skew · require_complete settle and clock_skew are
 * 8 bytes, big-endian two's complement, in nanoseconds, −1 (all ones) where the service's counts; require_complete is
 * one byte: 0, 1, or 255 where the service's counts. A budget of its own, 8 bytes as above, and links_sampled of its
 * own, one byte as above, follow where there are any: rules without them keep the hash that they had before there were
 * any. Name, labels, severity and annotations are not in it. */
#include "server/rules/rule_compile.h"
#include "server/rules/rule_definition.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "server/base/sha256.h"
#include "server/rules/rule_controls.h"
#include "server/rules/rule_fields.h"

typedef struct shared_definition {
  bt_rule_definition definition; /* first: a pointer to one is a pointer to the other */
  atomic_size_t references;
  _Atomic(char *) kept_text;
} shared_definition;

bt_rule_definition *bt_rule_definition_ref(const bt_rule_definition *definition) {
  shared_definition *shared = (shared_definition *)(uintptr_t)definition;
  atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
  return &shared->definition;
}

void bt_rule_definition_unref(const bt_rule_definition *definition) {
  shared_definition *shared = (shared_definition *)(uintptr_t)definition;
  if (!shared || atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) != 1) return;
  bt_rule_fields_dispose(&shared->definition.fields);
  bt_rule_free(shared->definition.rule);
  bt_string_pairs_free(shared->definition.controls, shared->definition.control_count);
  free(shared->definition.broken);
  free(shared->definition.updated_by);
  free(atomic_load(&shared->kept_text));
  free(shared);
}

static size_t pairs_bytes(const bt_string_pair *pairs, size_t count) {
  size_t bytes = count * sizeof *pairs;
  for (size_t i = 0; i < count; i++) bytes += strlen(pairs[i].key) + strlen(pairs[i].value) + 2;
  return bytes;
}

size_t bt_rule_definition_bytes(const bt_rule_definition *definition) {
  const bt_rule_fields *fields = &definition->fields;
  size_t bytes = sizeof(shared_definition) + (definition->rule ? bt_rule_bytes(definition->rule) : 0);
  bytes +=
      pairs_bytes(fields->labels, fields->label_count) + pairs_bytes(fields->annotations, fields->annotation_count);
  return bytes + strlen(fields->dsl) + strlen(fields->description);
}

const char *bt_rule_definition_kept_text(const bt_rule_definition *definition) {
  return atomic_load_explicit(&((shared_definition *)(uintptr_t)definition)->kept_text, memory_order_acquire);
}

const char *bt_rule_definition_keep_text(const bt_rule_definition *definition, char *text) {
  shared_definition *shared = (shared_definition *)(uintptr_t)definition;
  char *none = NULL;
  if (atomic_compare_exchange_strong(&shared->kept_text, &none, text)) return text;
  free(text);
  return none;
}

/* Takes the fields in every case. */
static bt_rule_definition *definition_new(bt_rule_fields *fields) {
  shared_definition *shared = calloc(1, sizeof *shared);
  if (!shared) {
    bt_rule_fields_dispose(fields);
    return NULL;
  }
  shared->definition.fields = *fields;
  atomic_init(&shared->references, 1);
  bt_rule_fields_init(fields);
  return &shared->definition;
}

static void put_be64(int64_t number, char out[8]) {
  for (size_t i = 0; i < 8; i++) out[i] = (char)(uint8_t)((uint64_t)number >> (56 - 8 * i));
}

static bt_status hash_condition(bt_rule_definition *definition, bt_error *error) {
  const bt_rule_fields *fields = &definition->fields;
  char settle[8], clock_skew[8], budget[8];
  char require_complete = (char)fields->require_complete, links_sampled = (char)fields->links_sampled;
  put_be64(fields->settle_ns, settle);
  put_be64(fields->clock_skew_ns, clock_skew);
  put_be64(fields->budget, budget);
  bt_str parts[7] = {
      BT_STR("betrace.condition.1"), definition->rule->canonical, {settle, 8}, {clock_skew, 8}, {&require_complete, 1}};
  size_t count = 5;
  if (fields->budget >= 0) parts[count++] = (bt_str){budget, 8};
  if (fields->links_sampled >= 0) parts[count++] = (bt_str){&links_sampled, 1};
  bt_sha256 hash;
  bt_status status = bt_sha256_fields(parts, count, &hash, error);
  if (!status) bt_sha256_format(&hash, definition->condition_hash);
  return status;
}

/* The first error of the text, for callers that have no place for diagnostics. */
static bt_status say_first(const bt_diagnostics *diagnostics, bt_error *error) {
  for (size_t i = 0; i < diagnostics->count; i++) {
    const bt_diagnostic *found = &diagnostics->items[i];
    if (!found->is_error) continue;
    size_t length = found->message.len < 300 ? found->message.len : 300;
    while (length < found->message.len && length && (found->message.ptr[length] & 0xC0) == 0x80) length--;
    bt_error_set(error, BT_INVALID, "dsl: line %u, column %u: error[%s]: %.*s%s", found->line, found->column,
                 found->code, (int)length, found->message.ptr, diagnostics->error_count > 1 ? " (and more)" : "");
    if (error) error->range = found->range;
    return BT_INVALID;
  }
  return bt_error_set(error, BT_INVALID, "dsl: expected a rule that compiles, got %zu errors",
                      diagnostics->error_count);
}

static void write_beside(const bt_rule_fields *fields, const bt_rule *rule, bt_buffer *out) {
  bool is_word = fields->semconv && strcmp(fields->semconv, "stable") == 0;
  if (fields->semconv) bt_buffer_printf(out, is_word ? "@semconv(%s)\n" : "@semconv(\"%s\")\n", fields->semconv);
  bt_buffer_append(out, rule->beside);
  bt_buffer_append(out, bt_str_from(fields->dsl));
}

static void forget_beside(bt_rule_fields *fields) {
  free(fields->semconv);
  bt_shared_names_unref(fields->own_names);
  fields->semconv = NULL;
  fields->coarse_clocks = BT_CLOCKS_UNSAID;
  fields->own_names = NULL;
}

/* From here on the text alone says it, so that it goes wherever the rule goes. */
static bt_status take_beside(bt_rule_fields *fields, const bt_rule *rule, bt_error *error) {
  bt_buffer text = {0};
  if (fields->semconv || rule->beside.len) write_beside(fields, rule, &text);
  forget_beside(fields);
  if (!text.len && !text.failed) return BT_OK;
  bool is_long = text.len > BT_MAX_RULE_BYTES;
  char *written = text.failed || is_long ? NULL : bt_rule_text_copy(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  if (is_long)
    return bt_error_set(error, BT_INVALID, "dsl: expected at most %d bytes with what its file says for it, got more",
                        BT_MAX_RULE_BYTES);
  if (!written) return bt_error_no_memory(error);
  free(fields->dsl);
  fields->dsl = written;
  return BT_OK;
}

static bt_status compile_rule(bt_rule_definition *definition, bt_diagnostics *diagnostics, bt_error *error) {
  const bt_rule_fields *fields = &definition->fields;
  bt_said_beside beside = {fields->semconv, fields->coarse_clocks, bt_shared_names_get(fields->own_names)};
  bt_status status =
      bt_compile_rule_with(bt_str_from(fields->dsl), beside, fields->proposes, &definition->rule, diagnostics, error);
  if (status == BT_INVALID) return say_first(diagnostics, error);
  if (!status) status = take_beside(&definition->fields, definition->rule, error);
  if (!status) status = bt_rule_severity_settle(definition->rule, &definition->fields, error);
  if (!status)
    status = bt_rule_controls_collect(definition->rule, &definition->fields, &definition->controls,
                                      &definition->control_count, error);
  return status ? status : hash_condition(definition, error);
}

bt_status bt_rule_definition_new(bt_rule_fields *fields, bt_rule_definition **out, bt_diagnostics *diagnostics,
                                 bt_error *error) {
  *out = NULL;
  bt_rule_definition *definition = definition_new(fields);
  if (!definition) return bt_error_no_memory(error);
  bt_status status = bt_rule_fields_complete(&definition->fields, error);
  if (!status) status = compile_rule(definition, diagnostics, error);
  if (status)
    bt_rule_definition_unref(definition);
  else
    *out = definition;
  return status;
}

static bt_status mark_broken(bt_rule_definition *definition, const char *why, bt_error *error) {
  bt_rule_free(definition->rule);
  bt_string_pairs_free(definition->controls, definition->control_count);
  definition->rule = NULL;
  definition->controls = NULL;
  definition->control_count = 0;
  definition->broken = bt_rule_text_copy(bt_str_from(why));
  return definition->broken ? BT_OK : bt_error_no_memory(error);
}

bt_status bt_rule_definition_break(bt_rule_definition *definition, bt_error *error, const char *format, ...) {
  char why[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  return mark_broken(definition, why, error);
}

/* A text that means something else than when it was stored: another rule was looked for since. */
static bt_status compare_condition(bt_rule_definition *definition, const bt_rule_record *record, bt_error *error) {
  if (!record->condition_hash || definition->broken || strcmp(record->condition_hash, definition->condition_hash) == 0)
    return BT_OK;
  char why[240];
  snprintf(why, sizeof why,
           "its text does not mean what it meant when it was stored: its condition hash was %.16s…, and is %.16s… now; "
           "if it is right as it is, store it again",
           record->condition_hash, definition->condition_hash);
  return mark_broken(definition, why, error);
}

static bt_status fill_record(bt_rule_definition *definition, const bt_rule_record *record, bt_error *error) {
  definition->version = record->version;
  definition->created_at_ns = record->created_at_ns;
  definition->updated_at_ns = record->updated_at_ns;
  if (record->condition_hash && strlen(record->condition_hash) == BT_CONDITION_HASH_HEX)
    memcpy(definition->condition_hash, record->condition_hash, BT_CONDITION_HASH_HEX + 1);
  if (!record->updated_by || !record->updated_by[0]) return BT_OK;
  definition->updated_by = bt_rule_text_copy(bt_str_from(record->updated_by));
  return definition->updated_by ? BT_OK : bt_error_no_memory(error);
}

bt_status bt_rule_definition_restore(bt_rule_fields *fields, const bt_rule_record *record, bt_rule_definition **out,
                                     bt_error *error) {
  *out = NULL;
  bt_rule_definition *definition = definition_new(fields);
  if (!definition) return bt_error_no_memory(error);
  bt_error problem = {0};
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_fields_complete(&definition->fields, &problem);
  if (!status) status = compile_rule(definition, &diagnostics, &problem);
  bt_diagnostics_dispose(&diagnostics);
  if (status == BT_INVALID)
    status = mark_broken(definition, problem.message, error);
  else if (status)
    status = bt_error_set(error, status, "%s", problem.message);
  if (!status) status = compare_condition(definition, record, error);
  if (!status) status = fill_record(definition, record, error);
  if (status)
    bt_rule_definition_unref(definition);
  else
    *out = definition;
  return status;
}

bt_status bt_rule_definition_damaged(bt_str id, bt_str dsl, int64_t version, const char *why, bt_rule_definition **out,
                                     bt_error *error) {
  char text[240];
  bt_rule_fields fields;
  bt_rule_fields_init(&fields);
  *out = NULL;
  bt_rule_definition *definition = definition_new(&fields);
  if (!definition) return bt_error_no_memory(error);
  definition->fields.id = bt_rule_text_copy(id);
  definition->fields.name = bt_rule_text_copy(id);
  definition->fields.description = bt_rule_text_copy(BT_STR(""));
  definition->fields.dsl = bt_rule_text_copy(dsl);
  snprintf(text, sizeof text, "damaged: version %lld of it in the rule database: %.160s", (long long)version, why);
  bt_status status =
      definition->fields.id && definition->fields.name && definition->fields.description && definition->fields.dsl
          ? mark_broken(definition, text, error)
          : bt_error_no_memory(error);
  definition->version = version;
  definition->is_damaged = true;
  if (status)
    bt_rule_definition_unref(definition);
  else
    *out = definition;
  return status;
}
