/* The fields of a rule of the original project, whatever else stands next to them. See import_parts.h. Rule fields go
 * to the heap, as definitions take them. Thread: no state. */
#include <stdlib.h>
#include <string.h>

#include "server/import/import_parts.h"
#include "server/rulefile/yaml_reader.h"
#include "server/rules/rule_fields.h"

typedef bt_yaml_node node;

typedef struct reading {
  bt_import *import;
  bt_import_rule *rule;
  bt_import_source *source;
  bt_error *error;
} reading;

/* ---- lines of the file ---- */

static unsigned measure_indentation(bt_str line) {
  unsigned blanks = 0;
  while (blanks < line.len && line.ptr[blanks] == ' ') blanks++;
  return blanks;
}

static bool is_blank(bt_str line) {
  unsigned blanks = measure_indentation(line);
  return blanks == line.len || line.ptr[blanks] == '\n' || line.ptr[blanks] == '\r';
}

static bt_str block_lines(const bt_yaml_document *document, unsigned line, unsigned column) {
  bt_str all = bt_yaml_line(document, line);
  for (unsigned next = line + 1; next <= document->line_count; next++) {
    bt_str more = bt_yaml_line(document, next);
    if (!more.len || (!is_blank(more) && measure_indentation(more) + 1 < column)) break;
    if (!is_blank(more)) all.len = (size_t)(more.ptr + more.len - all.ptr);
  }
  return all;
}

/* Behind a string in quotes that begins at `at`. */
static size_t skip_quoted(bt_str source, size_t at) {
  char quote = source.ptr[at++];
  while (at < source.len && source.ptr[at] != quote) at += quote == '"' && source.ptr[at] == '\\' ? 2 : 1;
  return at + 1;
}

/* Of flow style, as JSON is: a map or a list to its bracket, a key with its value to the comma or bracket behind. */
static bt_str flow_piece(bt_str source, size_t start) {
  size_t at = start, depth = 0;
  bool is_word = false; /* a quote inside a word is none */
  while (at < source.len) {
    char c = source.ptr[at];
    bool closes = c == '}' || c == ']', opens = c == '{' || c == '[';
    if (depth == 0 && (closes || c == ',')) break;
    if ((c == '"' || c == '\'') && !is_word) {
      at = skip_quoted(source, at);
      continue;
    }
    depth += opens;
    depth -= closes;
    at++;
    if (closes && depth == 0) break;
    is_word = !opens && !closes && !memchr(" \t\r\n,:", c, 6);
  }
  return (bt_str){source.ptr + start, (at < source.len ? at : source.len) - start};
}

bt_status bt_import_keep(bt_import *import, bt_import_rule *rule, const bt_import_source *source, const node *piece,
                         unsigned column, bt_error *error) {
  const bt_yaml_document *document = source->document;
  const node *map = source->map;
  bool is_flow = map->offset < document->source.len && map->kind != BT_YAML_SCALAR &&
                 memchr("{[", document->source.ptr[map->offset], 2);
  bt_buffer all = {0};
  bt_str lines = is_flow ? flow_piece(document->source, piece->offset) : block_lines(document, piece->line, column);
  bool ends = bt_str_ends_with(lines, BT_STR("\n"));
  bt_buffer_append(&all, rule->leftover);
  bt_buffer_append(&all, lines);
  if (!ends) bt_buffer_append_char(&all, '\n');
  bool is_kept = !all.failed && bt_arena_copy(&import->arena, bt_buffer_str(&all), &rule->leftover);
  bt_buffer_dispose(&all);
  return is_kept ? BT_OK : bt_error_no_memory(error);
}

/* ---- fields ---- */

static bt_status leave_field(reading *r, const node *key, bool look, const char *why) {
  bt_status status = bt_import_keep(r->import, r->rule, r->source, key, key->column + 1, r->error);
  if (status) return status;
  return bt_import_say(r->import, r->rule, look, key->line, key->column, r->error, "%.60s: %s", key->text.ptr, why);
}

static bt_status take_text(reading *r, const node *key, const node *value, char **out) {
  if (value->kind != BT_YAML_SCALAR) return leave_field(r, key, true, "expected a text; it is not taken over");
  if (*out) return leave_field(r, key, true, "it stands here twice, and the first is taken");
  *out = bt_rule_text_copy(value->text);
  return *out ? BT_OK : bt_error_no_memory(r->error);
}

static bt_status take_severity(reading *r, const node *key, const node *value) {
  bt_rule_fields *fields = &r->source->fields;
  if (value->kind != BT_YAML_SCALAR || !bt_severity_parse(value->text, &fields->severity))
    return leave_field(r, key, true, "expected info, low, warning, medium, high, error or critical; it is medium now");
  fields->has_severity = true;
  return BT_OK;
}

static bt_status take_enabled(reading *r, const node *key, const node *value) {
  bt_value said;
  if (value->kind != BT_YAML_SCALAR || bt_yaml_scalar_type(value, &said) != BT_YAML_BOOL)
    return leave_field(r, key, true, "expected true or false; the rule is enabled now");
  r->source->fields.enabled = said.boolean;
  return BT_OK;
}

static bt_status add_pair(reading *r, bool is_label, bt_str key, bt_str value) {
  bt_rule_fields *fields = &r->source->fields;
  bool done = is_label ? bt_string_pairs_add(&fields->labels, &fields->label_count, key, value)
                       : bt_string_pairs_add(&fields->annotations, &fields->annotation_count, key, value);
  return done ? BT_OK : bt_error_no_memory(r->error);
}

static bt_status take_pairs(reading *r, const node *key, const node *map, bool is_label) {
  bt_status status = BT_OK;
  if (map->kind != BT_YAML_MAP) return leave_field(r, key, true, "expected keys with texts; it is not taken over");
  for (const node *name = map->first; !status && name; name = name->next->next)
    status = name->next->kind == BT_YAML_SCALAR ? add_pair(r, is_label, name->text, name->next->text)
                                                : leave_field(r, name, true, "expected a text; it is not taken over");
  return status;
}

static bool is_list_of_texts(const node *list) {
  for (const node *item = list->kind == BT_YAML_LIST ? list->first : NULL; item; item = item->next)
    if (item->kind != BT_YAML_SCALAR || !item->text.len) return false;
  return list->kind == BT_YAML_LIST;
}

/* `tags: [team:payments, gold]` are the labels team: payments and gold: "true". */
static bt_status take_tags(reading *r, const node *key, const node *list) {
  bt_status status = BT_OK;
  if (!is_list_of_texts(list)) return leave_field(r, key, true, "expected a list of texts; it is not taken over");
  for (const node *tag = list->first; !status && tag; tag = tag->next) {
    size_t length = strcspn(tag->text.ptr, ":=");
    bool is_pair = length > 0 && length + 1 < tag->text.len;
    bt_str name = {tag->text.ptr, is_pair ? length : tag->text.len};
    bt_str value = is_pair ? (bt_str){tag->text.ptr + length + 1, tag->text.len - length - 1} : BT_STR("true");
    status = add_pair(r, true, name, value);
  }
  return status;
}

/* `compliance_frameworks: [SOC2, HIPAA]` is the annotation compliance_framework: "SOC2, HIPAA". */
static bt_status take_frameworks(reading *r, const node *key, const node *list) {
  bt_buffer joined = {0};
  if (!is_list_of_texts(list)) return leave_field(r, key, true, "expected a list of texts; it is not taken over");
  for (const node *item = list->first; item; item = item->next)
    bt_buffer_printf(&joined, "%s%s", item == list->first ? "" : ", ", item->text.ptr);
  bt_status status = joined.failed ? bt_error_no_memory(r->error) : BT_OK;
  if (!status && joined.len) status = add_pair(r, false, BT_STR("compliance_framework"), bt_buffer_str(&joined));
  bt_buffer_dispose(&joined);
  return status;
}

static bool is_one_of(bt_str key, const char *const *names) {
  for (size_t i = 0; names[i]; i++)
    if (bt_str_equal(key, bt_str_from(names[i]))) return true;
  return false;
}

static bt_status take_kept(reading *r, const node *key, const node *value, const node **place) {
  if (*place) return leave_field(r, key, true, "the rule has this already, and the first is taken");
  *place = value;
  return BT_OK;
}

static bt_status take_other(reading *r, const node *key, const node *value) {
  static const char *const made[] = {"luaCode",    "lua_code",  "createdAt",  "created_at", "updatedAt",
                                     "updated_at", "createdBy", "created_by", NULL};
  static const char *const texts[] = {"condition", "expression", "dsl", NULL};
  static const char *const frameworks[] = {"compliance_frameworks", "complianceFrameworks", NULL};
  static const char *const examples[] = {"example_violation", "exampleViolation", NULL};
  if (is_one_of(key->text, texts)) return take_kept(r, key, value, &r->source->text);
  if (is_one_of(key->text, examples)) {
    if (!r->source->example_key) r->source->example_key = key;
    return take_kept(r, key, value, &r->source->example);
  }
  if (is_one_of(key->text, frameworks)) return take_frameworks(r, key, value);
  bool is_made = is_one_of(key->text, made);
  return leave_field(r, key, !is_made,
                     is_made ? "the original's program made it; it is not taken over"
                             : "a rule file has no place for it, so it is not taken over");
}

static bt_status take_field(reading *r, const node *key, const node *value) {
  bt_rule_fields *fields = &r->source->fields;
  bool is_null = value->kind == BT_YAML_SCALAR && bt_yaml_scalar_type(value, NULL) == BT_YAML_NULL;
  if (is_null) return BT_OK;
  if (bt_str_equal(key->text, BT_STR("id"))) return take_text(r, key, value, &fields->id);
  if (bt_str_equal(key->text, BT_STR("name"))) return take_text(r, key, value, &fields->name);
  if (bt_str_equal(key->text, BT_STR("description"))) return take_text(r, key, value, &fields->description);
  if (bt_str_equal(key->text, BT_STR("severity"))) return take_severity(r, key, value);
  if (bt_str_equal(key->text, BT_STR("enabled"))) return take_enabled(r, key, value);
  if (bt_str_equal(key->text, BT_STR("labels"))) return take_pairs(r, key, value, true);
  if (bt_str_equal(key->text, BT_STR("annotations"))) return take_pairs(r, key, value, false);
  if (bt_str_equal(key->text, BT_STR("tags"))) return take_tags(r, key, value);
  return take_other(r, key, value);
}

bt_status bt_import_read_fields(bt_import *import, bt_import_rule *rule, bt_import_source *source, bt_error *error) {
  reading r = {.import = import, .rule = rule, .source = source, .error = error};
  bt_status status = BT_OK;
  for (const node *key = source->map->first; !status && key; key = key->next->next)
    status = take_field(&r, key, key->next);
  return status;
}
