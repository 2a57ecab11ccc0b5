/* Rules through libyaml's emitter. See yaml_writer.h. Only what is certain to be read back as the same string is
 * written plain or as a block; everything else is in double quotes with escapes. Thread: no state. */
#include "server/rulefile/yaml_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "dsl/compile.h"
#include "server/base/time_text.h"

typedef struct writer {
  yaml_emitter_t emitter;
  bt_buffer *out;
  bool has_failed; /* libyaml's emitter fails for want of memory, or as its output does */
} writer;

static int append_bytes(void *context, unsigned char *bytes, size_t length) {
  bt_buffer *out = context;
  bt_buffer_append(out, (bt_str){(const char *)bytes, length});
  return !out->failed;
}

/* The emitter takes the event in every case. */
static void emit_event(writer *w, int made, yaml_event_t *event) {
  if (w->has_failed && made) yaml_event_delete(event);
  if (!w->has_failed && (!made || !yaml_emitter_emit(&w->emitter, event))) w->has_failed = true;
}

static void begin_map(writer *w) {
  yaml_event_t event;
  emit_event(w, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE), &event);
}

static void end_map(writer *w) {
  yaml_event_t event;
  emit_event(w, yaml_mapping_end_event_initialize(&event), &event);
}

static void write_scalar(writer *w, bt_str text, yaml_scalar_style_t style) {
  yaml_event_t event;
  int made = yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)(uintptr_t)(text.len ? text.ptr : ""),
                                          (int)text.len, 1, 1, style);
  emit_event(w, made, &event);
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_plain_word(bt_str text) {
  static const char *const others[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (bt_str_equal_nocase(text, bt_str_from(others[i]))) return false;
  return true;
}

/* Begins with a letter and has only what means nothing to YAML: a string for every reader, also those of YAML 1.1. */
static bool is_plain(bt_str text) {
  if (!text.len || !is_letter(text.ptr[0]) || text.ptr[text.len - 1] == ' ') return false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (!is_letter(c) && !(c >= '0' && c <= '9') && !memchr(" ._-/(),", c, 8)) return false;
  }
  return is_plain_word(text);
}

static void write_string(writer *w, const char *text) {
  bt_str string = bt_str_from(text);
  write_scalar(w, string, is_plain(string) ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static void write_key(writer *w, const char *key) {
  write_scalar(w, bt_str_from(key), YAML_PLAIN_SCALAR_STYLE);
}

static void write_pair(writer *w, const char *key, const char *value) {
  write_key(w, key);
  write_string(w, value);
}

/* What is not shown is written as a number, which a block cannot hold; nor can it hold other line breaks than "\n". */
static bool has_hidden(bt_str text) {
  for (size_t length; text.len; text = (bt_str){text.ptr + length, text.len - length}) {
    uint32_t code = 0;
    length = bt_utf8_sequence(text, &code);
    if (length && code != '\n' && bt_is_obeyed(code)) return true;
    length = length ? length : 1;
  }
  return false;
}

static bool fits_block(bt_str text) {
  bool is_blank_line = true;
  if (!text.len || text.ptr[0] == ' ' || text.ptr[0] == '\n' || has_hidden(text)) return false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '\n' && is_blank_line) return false; /* blank lines: how many end a block depends on its header */
    if (c == ' ' && (i + 1 == text.len || text.ptr[i + 1] == '\n')) return false;
    is_blank_line = c == '\n';
  }
  return true;
}

/* The text formatted, or as it is where it does not parse any more. */
static bt_status write_dsl(writer *w, const bt_rule_definition *rule, bt_error *error) {
  bt_buffer formatted = {0};
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_format(bt_str_from(rule->fields.dsl), &formatted, &diagnostics, error);
  bt_diagnostics_dispose(&diagnostics);
  if (!status && formatted.failed) status = bt_error_no_memory(error);
  bt_str text = status ? bt_str_from(rule->fields.dsl) : bt_buffer_str(&formatted);
  if (!status || status == BT_INVALID) {
    status = BT_OK;
    write_key(w, "dsl");
    write_scalar(w, text, fits_block(text) ? YAML_LITERAL_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
  }
  bt_buffer_dispose(&formatted);
  return status;
}

static int compare_keys(const void *a, const void *b) {
  return strcmp(((const bt_string_pair *)a)->key, ((const bt_string_pair *)b)->key);
}

static bt_status write_pairs(writer *w, const char *key, const bt_string_pair *pairs, size_t count, bt_error *error) {
  if (!count) return BT_OK;
  bt_string_pair *sorted = bt_realloc_array(NULL, count, sizeof *sorted);
  if (!sorted) return bt_error_no_memory(error);
  memcpy(sorted, pairs, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, compare_keys);
  write_key(w, key);
  begin_map(w);
  for (size_t i = 0; i < count; i++) {
    write_string(w, sorted[i].key);
    write_string(w, sorted[i].value);
  }
  end_map(w);
  free(sorted);
  return BT_OK;
}

static void write_duration(writer *w, const char *key, int64_t ns) {
  char text[64];
  if (ns < 0) return;
  bt_duration_format(ns, text);
  write_key(w, key);
  write_scalar(w, bt_str_from(text), YAML_PLAIN_SCALAR_STYLE);
}

static void write_number(writer *w, const char *key, int64_t number) {
  char text[24];
  if (number < 0) return;
  snprintf(text, sizeof text, "%" PRId64, number);
  write_key(w, key);
  write_scalar(w, bt_str_from(text), YAML_PLAIN_SCALAR_STYLE);
}

static void write_flag(writer *w, const char *key, bool value) {
  write_key(w, key);
  write_scalar(w, value ? BT_STR("true") : BT_STR("false"), YAML_PLAIN_SCALAR_STYLE);
}

/* A severity that comes from @severity in the text is left to the text. */
static void write_head(writer *w, const bt_rule_fields *fields) {
  write_pair(w, "id", fields->id);
  write_pair(w, "name", fields->name);
  if (fields->description && fields->description[0]) write_pair(w, "description", fields->description);
  if (fields->has_severity) write_pair(w, "severity", bt_severity_name(fields->severity));
  if (fields->store) write_pair(w, "store", fields->store);
  if (!fields->enabled) write_flag(w, "enabled", false);
  if (fields->shadow) write_flag(w, "shadow", true);
  if (fields->watch_all) write_flag(w, "watch_all", true);
}

static bt_status write_rule(writer *w, const bt_rule_definition *rule, bt_error *error) {
  const bt_rule_fields *fields = &rule->fields;
  begin_map(w);
  write_head(w, fields);
  bt_status status = write_pairs(w, "labels", fields->labels, fields->label_count, error);
  if (!status) status = write_pairs(w, "annotations", fields->annotations, fields->annotation_count, error);
  write_duration(w, "settle", fields->settle_ns);
  write_duration(w, "margin", fields->margin_ns);
  write_duration(w, "clock_skew", fields->clock_skew_ns);
  if (fields->require_complete >= 0) write_flag(w, "require_complete", fields->require_complete == 1);
  write_number(w, "budget", fields->budget);
  if (fields->links_sampled >= 0) write_flag(w, "links_sampled", fields->links_sampled == 1);
  if (!status) status = write_dsl(w, rule, error);
  end_map(w);
  return status;
}

static bool pairs_have_hidden(const bt_string_pair *pairs, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (has_hidden(bt_str_from(pairs[i].key)) || has_hidden(bt_str_from(pairs[i].value))) return true;
  return false;
}

/* A formatted text has the character itself where the rule has an escape of it. */
static bool may_become_hidden(bt_str dsl) {
  return has_hidden(dsl) || bt_str_contains(dsl, BT_STR("\\u"));
}

/* libyaml writes either all that is not ASCII as numbers, or nothing of it. */
static bool rules_have_hidden(const bt_rule_definition *const *rules, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const bt_rule_fields *fields = &rules[i]->fields;
    if (has_hidden(bt_str_from(fields->name)) || may_become_hidden(bt_str_from(fields->dsl)) ||
        (fields->description && has_hidden(bt_str_from(fields->description))) ||
        pairs_have_hidden(fields->labels, fields->label_count) ||
        pairs_have_hidden(fields->annotations, fields->annotation_count))
      return true;
  }
  return false;
}

bt_status bt_rulefile_write(const bt_rule_definition *const *rules, size_t count, bt_buffer *out, bt_error *error) {
  writer w = {.out = out};
  yaml_event_t event;
  if (!yaml_emitter_initialize(&w.emitter)) return bt_error_no_memory(error);
  yaml_emitter_set_output(&w.emitter, append_bytes, out);
  yaml_emitter_set_unicode(&w.emitter, !rules_have_hidden(rules, count));
  yaml_emitter_set_width(&w.emitter, -1); /* lines are never folded */
  for (size_t i = 0; i < count; i++)
    if (rules[i]->broken)
      bt_buffer_printf(out, "# %s does not compile in this version of betrace: mend its text before an import.\n",
                       rules[i]->fields.id);
  emit_event(&w, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event);
  emit_event(&w, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1), &event);
  begin_map(&w);
  write_key(&w, "rules");
  emit_event(&w, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE), &event);
  bt_status status = BT_OK;
  for (size_t i = 0; i < count && !status; i++) status = write_rule(&w, rules[i], error);
  emit_event(&w, yaml_sequence_end_event_initialize(&event), &event);
  end_map(&w);
  emit_event(&w, yaml_document_end_event_initialize(&event, 1), &event);
  emit_event(&w, yaml_stream_end_event_initialize(&event), &event);
  yaml_emitter_delete(&w.emitter);
  return !status && (w.has_failed || out->failed) ? bt_error_no_memory(error) : status;
}
