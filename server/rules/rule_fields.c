/* What a user says about a rule: its life as a struct, and the checks that need no compiler. Sizes are in bytes; texts
 * are UTF-8. Thread: no state. */
#include "server/rules/rule_fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/sha256.h"
#include "server/base/time_text.h"

static const char *const severity_names[] = {
    [BT_SEVERITY_INFO] = "info",        [BT_SEVERITY_LOW] = "low",   [BT_SEVERITY_WARNING] = "warning",
    [BT_SEVERITY_MEDIUM] = "medium",    [BT_SEVERITY_HIGH] = "high", [BT_SEVERITY_ERROR] = "error",
    [BT_SEVERITY_CRITICAL] = "critical"};
enum { SEVERITY_COUNT = sizeof severity_names / sizeof severity_names[0] };

const char *bt_severity_name(bt_severity severity) {
  return severity_names[severity];
}

bool bt_severity_parse(bt_str text, bt_severity *out) {
  for (int i = 0; i < SEVERITY_COUNT; i++) {
    if (!bt_str_equal_nocase(text, bt_str_from(severity_names[i]))) continue;
    *out = (bt_severity)i;
    return true;
  }
  return false;
}

char *bt_rule_text_copy(bt_str text) {
  char *copy = text.len < SIZE_MAX ? malloc(text.len + 1) : NULL;
  if (!copy) return NULL;
  if (text.len) memcpy(copy, text.ptr, text.len);
  copy[text.len] = '\0';
  return copy;
}

void bt_rule_fields_init(bt_rule_fields *fields) {
  *fields = (bt_rule_fields){.severity = BT_SEVERITY_MEDIUM,
                             .enabled = true,
                             .settle_ns = -1,
                             .margin_ns = -1,
                             .clock_skew_ns = -1,
                             .require_complete = -1,
                             .budget = -1,
                             .links_sampled = -1};
}

void bt_string_pairs_free(bt_string_pair *pairs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free(pairs[i].key);
    free(pairs[i].value);
  }
  free(pairs);
}

bool bt_string_pairs_add(bt_string_pair **pairs, size_t *count, bt_str key, bt_str value) {
  bt_string_pair pair = {bt_rule_text_copy(key), bt_rule_text_copy(value)};
  bt_string_pair *grown = pair.key && pair.value ? bt_realloc_array(*pairs, *count + 1, sizeof pair) : NULL;
  if (!grown) {
    free(pair.key);
    free(pair.value);
    return false;
  }
  grown[(*count)++] = pair;
  *pairs = grown;
  return true;
}

void bt_rule_fields_dispose(bt_rule_fields *fields) {
  free(fields->id);
  free(fields->name);
  free(fields->description);
  free(fields->dsl);
  free(fields->store);
  free(fields->semconv);
  bt_shared_names_unref(fields->own_names);
  bt_string_pairs_free(fields->labels, fields->label_count);
  bt_string_pairs_free(fields->annotations, fields->annotation_count);
  bt_rule_fields_init(fields);
}

static bool copy_text(const char *text, char **out) {
  if (text) *out = bt_rule_text_copy(bt_str_from(text));
  return !text || *out;
}

static bool copy_pairs(const bt_string_pair *pairs, size_t count, bt_string_pair **out, size_t *out_count) {
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++)
    ok = bt_string_pairs_add(out, out_count, bt_str_from(pairs[i].key), bt_str_from(pairs[i].value));
  return ok;
}

bt_status bt_rule_fields_copy(const bt_rule_fields *fields, bt_rule_fields *out, bt_error *error) {
  *out = *fields;
  out->id = out->name = out->description = out->dsl = out->store = out->semconv = NULL;
  out->own_names = bt_shared_names_ref(fields->own_names);
  out->labels = out->annotations = NULL;
  out->label_count = out->annotation_count = 0;
  if (copy_text(fields->id, &out->id) && copy_text(fields->name, &out->name) &&
      copy_text(fields->description, &out->description) && copy_text(fields->dsl, &out->dsl) &&
      copy_text(fields->store, &out->store) && copy_text(fields->semconv, &out->semconv) &&
      copy_pairs(fields->labels, fields->label_count, &out->labels, &out->label_count) &&
      copy_pairs(fields->annotations, fields->annotation_count, &out->annotations, &out->annotation_count))
    return BT_OK;
  bt_rule_fields_dispose(out);
  return bt_error_no_memory(error);
}

const char *bt_rule_text_shown(bt_str text, char shown[BT_SHOWN_BYTES]) {
  enum { SHOWN_TEXT = 60 };
  size_t used = 0;
  while (used < text.len) {
    uint32_t code = 0;
    size_t length = bt_utf8_sequence((bt_str){text.ptr + used, text.len - used}, &code);
    size_t step = length ? length : 1;
    if (used + step > SHOWN_TEXT) break;
    bool is_plain = length && !bt_is_obeyed(code);
    for (size_t i = 0; i < step; i++) shown[used + i] = is_plain ? text.ptr[used + i] : '?';
    used += step;
  }
  memcpy(shown + used, used < text.len ? "…" : "", used < text.len ? sizeof "…" : 1);
  return shown;
}

bool bt_store_name_is_valid(bt_str name) {
  for (size_t i = 0; i < name.len; i++)
    if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", name.ptr[i]) || !name.ptr[i]) return false;
  return name.len > 0 && name.len <= BT_STORE_NAME_MAX;
}

static bool is_id_character(char c, bool is_first) {
  if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return true;
  return !is_first && (c == '.' || c == '_' || c == '-');
}

static bool is_reserved(bt_str id) {
  static const char *const reserved[] = {"validate", "test", "import", "export"};
  for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
    if (bt_str_equal(id, bt_str_from(reserved[i]))) return true;
  return false;
}

static bool has_id_form(bt_str id) {
  if (id.len == 0 || id.len > BT_RULE_ID_MAX) return false;
  for (size_t i = 0; i < id.len; i++)
    if (!is_id_character(id.ptr[i], i == 0)) return false;
  return true;
}

bool bt_rule_id_is_valid(bt_str id) {
  return has_id_form(id) && !is_reserved(id);
}

/* Lower-case letters and digits of the name with one "-" for whatever stands between them. */
static void write_slug(bt_str name, bt_buffer *out) {
  bool is_gap = false;
  for (size_t i = 0; i < name.len && out->len < BT_RULE_ID_MAX - 1; i++) {
    char c = name.ptr[i];
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    if (!is_id_character(c, true)) {
      is_gap = true;
      continue;
    }
    if (is_gap && out->len) bt_buffer_append_char(out, '-');
    bt_buffer_append_char(out, c);
    is_gap = false;
  }
}

/* A name without a single ASCII letter or digit: the id is made from its hash, so that it is the same every time. */
static bt_status hash_slug(bt_str name, bt_buffer *out, bt_error *error) {
  bt_sha256 hash;
  char hex[BT_SHA256_HEX + 1];
  bt_status status = bt_sha256_fields(&name, 1, &hash, error);
  if (status) return status;
  bt_sha256_format(&hash, hex);
  bt_buffer_printf(out, "rule-%.12s", hex);
  return BT_OK;
}

static bt_status make_id(bt_rule_fields *fields, bt_error *error) {
  bt_buffer id = {0};
  bt_status status = BT_OK;
  write_slug(bt_str_from(fields->name), &id);
  if (id.len == 0 && !id.failed) status = hash_slug(bt_str_from(fields->name), &id, error);
  if (id.len && is_reserved(bt_buffer_str(&id))) bt_buffer_append(&id, BT_STR("-rule"));
  if (!status && id.failed) status = bt_error_no_memory(error);
  if (status)
    bt_buffer_dispose(&id);
  else
    fields->id = id.ptr;
  return status;
}

static bt_status check_id(const char *id, bt_error *error) {
  char shown[BT_SHOWN_BYTES];
  bt_str text = bt_str_from(id);
  if (!has_id_form(text))
    return bt_error_set(
        error, BT_INVALID,
        "id: expected a letter or digit and then at most %d letters, digits, \".\", \"_\" or \"-\", got \"%s\"",
        BT_RULE_ID_MAX - 1, bt_rule_text_shown(text, shown));
  if (is_reserved(text))
    return bt_error_set(error, BT_INVALID,
                        "id: expected one that is not reserved (validate, test, import, export), got \"%s\"", id);
  return BT_OK;
}

static bt_status check_text(const char *field, const char *value, size_t maximum, bt_error *error) {
  bt_str text = bt_str_from(value);
  if (text.len > maximum)
    return bt_error_set(error, BT_INVALID, "%s: expected at most %zu bytes, got %zu", field, maximum, text.len);
  if (!bt_utf8_valid(text)) return bt_error_set(error, BT_INVALID, "%s: expected UTF-8, got bytes that are not", field);
  return BT_OK;
}

static bt_status check_name(const char *name, bt_error *error) {
  char shown[BT_SHOWN_BYTES];
  bt_status status = check_text("name", name, BT_RULE_NAME_MAX, error);
  for (const char *c = name; !status && *c; c++)
    if ((unsigned char)*c < ' ' || *c == 0x7F)
      status = bt_error_set(error, BT_INVALID, "name: expected one line without control characters, got \"%s\"",
                            bt_rule_text_shown(bt_str_from(name), shown));
  return status;
}

static bt_status check_pair(const char *field, const bt_string_pair *pairs, size_t at, bt_error *error) {
  char shown[BT_SHOWN_BYTES], place[BT_SHOWN_BYTES + 32];
  bt_str key = bt_str_from(pairs[at].key);
  if (key.len == 0) return bt_error_set(error, BT_INVALID, "%s: expected keys that are not empty, got \"\"", field);
  snprintf(place, sizeof place, "%s.%s", field, bt_rule_text_shown(key, shown));
  for (size_t i = 0; i < at; i++)
    if (bt_str_equal(key, bt_str_from(pairs[i].key)))
      return bt_error_set(error, BT_INVALID, "%s: expected each key once, got it twice", place);
  bt_status status = check_text(place, pairs[at].key, BT_RULE_KEY_MAX, error);
  return status ? status : check_text(place, pairs[at].value, BT_RULE_VALUE_MAX, error);
}

static bt_status check_pairs(const char *field, const bt_string_pair *pairs, size_t count, bt_error *error) {
  if (count > BT_RULE_MAX_PAIRS)
    return bt_error_set(error, BT_INVALID, "%s: expected at most %d entries, got %zu", field, BT_RULE_MAX_PAIRS, count);
  bt_status status = BT_OK;
  for (size_t i = 0; !status && i < count; i++) status = check_pair(field, pairs, i, error);
  return status;
}

static bt_status check_override(const char *field, int64_t value_ns, bt_error *error) {
  if (value_ns >= -1 && value_ns <= BT_RULE_MAX_OVERRIDE_NS) return BT_OK;
  char shown[64] = "a negative duration";
  if (value_ns > 0) bt_duration_format(value_ns, shown);
  return bt_error_set(error, BT_INVALID, "%s: expected a duration of 0 to 30d, got %s", field, shown);
}

static bt_status check_budget(int64_t budget, bt_error *error) {
  if (budget == -1 || (budget > 0 && budget <= BT_RULE_MAX_BUDGET)) return BT_OK;
  return bt_error_set(error, BT_INVALID, "budget: expected a number of steps from 1 to %" PRId64 ", got %" PRId64,
                      BT_RULE_MAX_BUDGET, budget);
}

static bt_status check_switch(const char *name, int value, bt_error *error) {
  if (value >= -1 && value <= 1) return BT_OK;
  return bt_error_set(error, BT_INVALID, "%s: expected true or false, got %d", name, value);
}

static bt_status check_store(const char *store, bt_error *error) {
  char shown[BT_SHOWN_BYTES];
  if (!store || bt_store_name_is_valid(bt_str_from(store))) return BT_OK;
  return bt_error_set(error, BT_INVALID,
                      "store: expected the name of a store, at most %d small letters, digits and \"-\", got \"%s\"",
                      BT_STORE_NAME_MAX, bt_rule_text_shown(bt_str_from(store), shown));
}

static bt_status check_overrides(const bt_rule_fields *fields, bt_error *error) {
  bt_status status = check_store(fields->store, error);
  if (!status) status = check_override("settle", fields->settle_ns, error);
  if (!status) status = check_override("margin", fields->margin_ns, error);
  if (!status) status = check_override("clock_skew", fields->clock_skew_ns, error);
  if (!status) status = check_switch("require_complete", fields->require_complete, error);
  if (!status) status = check_switch("links_sampled", fields->links_sampled, error);
  if (!status) status = check_budget(fields->budget, error);
  if (!status && ((int)fields->severity < 0 || (int)fields->severity >= SEVERITY_COUNT))
    status = bt_error_set(error, BT_INVALID,
                          "severity: expected info, low, warning, medium, high, error or critical, got number %d",
                          (int)fields->severity);
  return status;
}

bt_status bt_rule_fields_complete(bt_rule_fields *fields, bt_error *error) {
  bool has_name = fields->name && fields->name[0];
  if (!fields->id && !has_name) return bt_error_set(error, BT_INVALID, "name: expected a name, or an id, got neither");
  if (fields->name && !has_name) return bt_error_set(error, BT_INVALID, "name: expected a text, got \"\"");
  bt_status status = fields->id ? check_id(fields->id, error) : BT_OK;
  if (!status && fields->name) status = check_name(fields->name, error);
  if (!status && !fields->id) status = make_id(fields, error);
  if (!status && !fields->name && !copy_text(fields->id, &fields->name)) status = bt_error_no_memory(error);
  if (!status && !fields->description && !copy_text("", &fields->description)) status = bt_error_no_memory(error);
  if (!status) status = check_text("description", fields->description, BT_RULE_DESCRIPTION_MAX, error);
  /* An empty text and one that is too long are the compiler's to report, with a place. */
  if (!status && !fields->dsl) status = bt_error_set(error, BT_INVALID, "dsl: expected a rule, got nothing");
  if (!status) status = check_overrides(fields, error);
  if (!status) status = check_pairs("labels", fields->labels, fields->label_count, error);
  if (!status) status = check_pairs("annotations", fields->annotations, fields->annotation_count, error);
  return status;
}
