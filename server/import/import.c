/* Rules of files, one by one. See import.h. One bad rule does not hide the others. Thread: no state. */
#include "server/import/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "server/import/import_parts.h"
#include "server/rulefile/testcase.h"
#include "server/rulefile/text_place.h"
#include "server/rulefile/yaml_reader.h"
#include "server/rulefile/yaml_writer.h"
#include "server/rules/rule_fields.h"

typedef bt_yaml_node node;

enum { ARENA_CAP_BYTES = 512 * 1024 * 1024, MOST_TWINS = 100 };

const char *bt_import_result_name(bt_import_result result) {
  switch (result) {
  case BT_IMPORT_CONVERTED: return "converted";
  case BT_IMPORT_LOOK: return "look";
  case BT_IMPORT_NOT_CONVERTED: break;
  }
  return "not_converted";
}

void bt_import_init(bt_import *import) {
  *import = (bt_import){0};
  bt_arena_init(&import->arena, ARENA_CAP_BYTES);
}

void bt_import_dispose(bt_import *import) {
  bt_arena_dispose(&import->arena);
  *import = (bt_import){0};
}

/* ---- findings ---- */

bt_status bt_import_say(bt_import *import, bt_import_rule *rule, bool look, unsigned line, unsigned column,
                        bt_error *error, const char *format, ...) {
  char text[600];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  bt_import_finding *finding = bt_arena_alloc(&import->arena, sizeof *finding);
  if (!finding || !bt_arena_copy(&import->arena, bt_str_from(text), &finding->message))
    return bt_error_no_memory(error);
  finding->look = look;
  finding->line = line ? line : rule->line;
  finding->column = line ? column : 1;
  if (rule->last_finding)
    rule->last_finding->next = finding;
  else
    rule->findings = finding;
  rule->last_finding = finding;
  return BT_OK;
}

/* A place of the rule's text as line and column of the file. */
static void locate_byte(const bt_import_source *source, bt_str text, uint32_t at, unsigned *line, unsigned *column) {
  unsigned in_line = 1, in_column = 1;
  for (size_t i = 0; i < at && i < text.len; i++) {
    bool is_break = text.ptr[i] == '\n', continues = ((unsigned char)text.ptr[i] & 0xC0) == 0x80;
    in_line += is_break;
    in_column = is_break ? 1 : in_column + !continues;
  }
  bool has_columns = source->place.dsl_column > 0;
  *line = has_columns ? source->place.dsl_line + in_line - 1 : source->place.dsl_line;
  *column = has_columns ? source->place.dsl_column + in_column : 1;
}

static bt_status say_at(bt_import *import, bt_import_rule *rule, const bt_import_source *source, uint32_t at, bool look,
                        const char *message, bt_error *error) {
  unsigned line, column;
  locate_byte(source, rule->old_text, at, &line, &column);
  return bt_import_say(import, rule, look, line, column, error, "%s", message);
}

static bt_status take_notes(bt_import *import, bt_import_rule *rule, const bt_import_source *source,
                            const bt_translation *translation, bt_error *error) {
  bt_status status = translation->status == BT_NO_MEMORY ? bt_error_no_memory(error) : BT_OK;
  for (const bt_import_note *note = translation->first; note && !status; note = note->next)
    status = note->has_place ? say_at(import, rule, source, note->range.start, note->look, note->message.ptr, error)
                             : bt_import_say(import, rule, note->look, 0, 0, error, "%s", note->message.ptr);
  return status;
}

/* ---- the new rule ---- */

static bool is_used(const bt_import *import, const char *id) {
  for (const bt_import_rule *rule = import->first; rule; rule = rule->next)
    if (rule->dsl.ptr && bt_str_equal(rule->id, bt_str_from(id))) return true;
  return false;
}

/* Ids of the original are any text, and several files come into one. */
static bt_status settle_id(bt_import *import, bt_import_rule *rule, bt_import_source *source, bt_error *error) {
  bt_rule_fields *fields = &source->fields;
  bt_status status = BT_OK;
  char old[BT_SHOWN_BYTES];
  if (fields->id && !bt_rule_id_is_valid(bt_str_from(fields->id))) {
    bt_rule_text_shown(bt_str_from(fields->id), old);
    if (fields->name)
      free(fields->id);
    else
      fields->name = fields->id;
    fields->id = NULL;
    status = bt_import_say(import, rule, true, 0, 0, error,
                           "the id \"%s\" is none here (letters, digits, \".\", \"_\" and \"-\"): it is made from the "
                           "name",
                           old);
  }
  return status ? status : bt_rule_fields_complete(fields, error);
}

static bt_status rename_twin(bt_import *import, bt_import_rule *rule, bt_import_source *source, bt_error *error) {
  char id[BT_RULE_ID_MAX + 16];
  for (unsigned number = 1; number < MOST_TWINS; number++) {
    snprintf(id, sizeof id, number > 1 ? "%.*s-%u" : "%.*s", number > 1 ? BT_RULE_ID_MAX - 5 : BT_RULE_ID_MAX,
             source->fields.id, number);
    if (is_used(import, id)) continue;
    if (number == 1) return BT_OK;
    bt_status status = bt_import_say(import, rule, true, 0, 0, error,
                                     "the id %s is taken by a rule before this one: this is %s", source->fields.id, id);
    free(source->fields.id);
    source->fields.id = bt_rule_text_copy(bt_str_from(id));
    return status ? status : source->fields.id ? BT_OK : bt_error_no_memory(error);
  }
  return bt_error_set(error, BT_INVALID, "id: expected it once, got it more than %d times", MOST_TWINS);
}

static bt_status say_warnings(bt_import *import, bt_import_rule *rule, const bt_diagnostics *diagnostics,
                              bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < diagnostics->count && !status; i++)
    status = bt_import_say(import, rule, true, 0, 0, error, "warning[%s] of the new text: %.*s",
                           diagnostics->items[i].code, BT_FMT(diagnostics->items[i].message));
  return status;
}

/* The rule as an item of `rules:`, without its tests. */
static bt_status write_item(bt_import *import, bt_import_rule *rule, const bt_rule_definition *definition,
                            const bt_rulefile_test *example, bt_error *error) {
  bt_buffer whole = {0};
  bt_status status = bt_rulefile_write(&definition, 1, &whole, error);
  size_t head = whole.ptr ? strcspn(whole.ptr, "\n") + 1 : 0; /* "rules:" */
  if (!status && example) bt_import_write_example(example, &whole);
  if (!status && whole.failed) status = bt_error_no_memory(error);
  if (!status && !bt_arena_copy(&import->arena, (bt_str){whole.ptr + head, whole.len - head}, &rule->item))
    status = bt_error_no_memory(error);
  bt_buffer_dispose(&whole);
  return status;
}

/* What the author calls a violation, and what the new rule says of it. */
static bt_status try_example(bt_import *import, bt_import_rule *rule, const bt_import_source *source, bt_str dsl,
                             const bt_rulefile_test *example, bt_error *error) {
  bt_verdict verdict = BT_VIOLATED;
  bt_swap swap = {0};
  bt_buffer hint = {0};
  bt_status status = bt_import_judge(dsl, example, &verdict, error);
  if (status || verdict == BT_VIOLATED) return status;
  status = bt_import_swap_clause(rule->old_text, example, &swap, error);
  if (swap.helps) bt_buffer_printf(&hint, "; it is violated with `%s` in place of `%s`", swap.swapped, swap.written);
  if (!status && hint.failed) status = bt_error_no_memory(error);
  if (!status)
    status = bt_import_say(
        import, rule, true, source->example->line, source->example->column, error,
        "the rule's verdict on its example_violation is %s%s: correct the rule or the example; its test fails "
        "until then",
        bt_verdict_name(verdict), hint.ptr ? hint.ptr : "");
  bt_buffer_dispose(&hint);
  return status;
}

/* Whether more than the layout is new. */
static bt_status compare_texts(bt_import_rule *rule, bt_error *error) {
  bt_buffer old = {0}, new = {0};
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_format(rule->old_text, &old, &diagnostics, error);
  if (!status) status = bt_rule_format(rule->dsl, &new, &diagnostics, error);
  bt_diagnostics_dispose(&diagnostics);
  rule->is_changed = status || !bt_str_equal(bt_buffer_str(&old), bt_buffer_str(&new));
  if (!status && (old.failed || new.failed)) status = bt_error_no_memory(error);
  bt_buffer_dispose(&old);
  bt_buffer_dispose(&new);
  return status == BT_NO_MEMORY ? status : BT_OK;
}

/* With the new text in the fields. */
static bt_status define_rule(bt_import *import, bt_import_rule *rule, bt_import_source *source,
                             const bt_rulefile_test *example, bt_error *error) {
  bt_rule_definition *definition = NULL;
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_definition_new(&source->fields, &definition, &diagnostics, error);
  if (!status) status = say_warnings(import, rule, &diagnostics, error);
  if (!status && example)
    status = try_example(import, rule, source, bt_str_from(definition->fields.dsl), example, error);
  if (!status) status = write_item(import, rule, definition, example, error);
  if (!status && (!bt_arena_copy(&import->arena, bt_str_from(definition->fields.id), &rule->id) ||
                  !bt_arena_copy(&import->arena, bt_str_from(definition->fields.dsl), &rule->dsl)))
    status = bt_error_no_memory(error);
  if (!status) status = compare_texts(rule, error);
  rule->has_test = !status && example;
  bt_rule_definition_unref(definition);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

/* ---- one rule ---- */

static bt_status read_example(bt_import *import, bt_import_rule *rule, const bt_import_source *source,
                              const bt_rulefile_test **out, bt_error *error) {
  bt_error why = {0};
  uint32_t count = 0;
  *out = NULL;
  if (!source->example) return BT_OK;
  bt_status status = source->example->kind == BT_YAML_MAP
                         ? bt_testcases_read(source->document, NULL, source->example, out, &count, &why)
                         : bt_yaml_expect_map(source->document, source->example, "example_violation", &why);
  if (!status) return BT_OK;
  *out = NULL;
  if (status == BT_NO_MEMORY) return bt_error_no_memory(error);
  status = bt_import_keep(import, rule, source, source->example_key, source->example_key->column + 1, error);
  if (status) return status;
  return bt_import_say(import, rule, true, source->example->line, source->example->column, error,
                       "its example cannot be a test: %.300s", why.message);
}

/* NULL message: the rule is converted as far as this goes. */
static bt_status convert_rule(bt_import *import, bt_import_rule *rule, bt_import_source *source, bt_error *error) {
  const bt_rulefile_test *example = NULL;
  bt_buffer text = {0};
  bt_error why = {0};
  bt_import_text result = BT_IMPORT_TEXT_NONE;
  bt_status status = read_example(import, rule, source, &example, error);
  bt_translation translation = {.arena = &import->arena, .example = example};
  if (!status) status = bt_import_convert(&translation, rule->old_text, &text, &result, &why, error);
  if (!status && result == BT_IMPORT_TEXT_NONE) {
    status = say_at(import, rule, source, why.range.start, true, why.message, error);
  } else if (!status) {
    status = take_notes(import, rule, source, &translation, error);
    source->fields.dsl = text.ptr ? text.ptr : bt_rule_text_copy(BT_STR(""));
    text = (bt_buffer){0};
    if (!status && !source->fields.dsl) status = bt_error_no_memory(error);
    if (!status) status = settle_id(import, rule, source, error);
    if (!status) status = rename_twin(import, rule, source, error);
    if (!status) status = define_rule(import, rule, source, example, error);
  }
  bt_buffer_dispose(&text);
  return status;
}

static bt_status read_text(bt_import *import, bt_import_rule *rule, bt_import_source *source, bt_error *error) {
  const node *text = source->text;
  if (!text || text->kind != BT_YAML_SCALAR || !text->text.len)
    return bt_import_say(import, rule, true, 0, 0, error,
                         "expected the rule's text as condition, expression or dsl, and there is none");
  bt_rulefile_locate_text(source->document, text, &source->place);
  rule->old_text = text->text;
  bt_status status = convert_rule(import, rule, source, error);
  if (status != BT_INVALID && status != BT_LIMIT) return status;
  char message[512];
  snprintf(message, sizeof message, "%s", error->message);
  return bt_import_say(import, rule, true, 0, 0, error, "the new rule would be wrong: %s", message);
}

static void settle_result(bt_import *import, bt_import_rule *rule) {
  bool looks = false;
  for (const bt_import_finding *finding = rule->findings; finding; finding = finding->next)
    looks = looks || finding->look;
  rule->result = !rule->dsl.ptr ? BT_IMPORT_NOT_CONVERTED : looks ? BT_IMPORT_LOOK : BT_IMPORT_CONVERTED;
  import->counts[rule->result]++;
  if (import->last)
    import->last->next = rule;
  else
    import->first = rule;
  import->last = rule;
}

/* What a rule that is not converted is called, and all of its lines. */
static bt_status keep_all(bt_import *import, bt_import_rule *rule, const bt_import_source *source, bt_error *error) {
  const char *name = source->fields.id ? source->fields.id : source->fields.name ? source->fields.name : "";
  rule->leftover = (bt_str){NULL, 0};
  if (!bt_arena_copy(&import->arena, bt_str_from(name), &rule->id)) return bt_error_no_memory(error);
  return bt_import_keep(import, rule, source, source->map, source->map->column, error);
}

static bt_status add_rule(bt_import *import, const bt_yaml_document *document, const node *map, bt_str file,
                          bt_error *error) {
  bt_import_source source = {.document = document, .map = map};
  bt_import_rule *rule = bt_arena_alloc(&import->arena, sizeof *rule);
  if (!rule) return bt_error_no_memory(error);
  *rule = (bt_import_rule){.file = file, .line = map->line, .id = BT_STR("")};
  bt_rule_fields_init(&source.fields);
  bt_status status = map->kind == BT_YAML_MAP
                         ? bt_import_read_fields(import, rule, &source, error)
                         : bt_import_say(import, rule, true, map->line, map->column, error, "expected a rule");
  char *id = !status && source.fields.id ? bt_rule_text_copy(bt_str_from(source.fields.id)) : NULL;
  if (!status && map->kind == BT_YAML_MAP) status = read_text(import, rule, &source, error);
  if (!source.fields.id) /* a definition that was refused took it */
    source.fields.id = id;
  else
    free(id);
  if (!status && !rule->dsl.ptr) status = keep_all(import, rule, &source, error);
  if (!status) settle_result(import, rule);
  bt_rule_fields_dispose(&source.fields);
  return status;
}

/* ---- files ---- */

static const node *find_key(const node *map, const char *name) {
  for (const node *key = map->kind == BT_YAML_MAP ? map->first : NULL; key && key->next; key = key->next->next)
    if (bt_str_equal(key->text, bt_str_from(name))) return key->next;
  return NULL;
}

static bt_status add_rules(bt_import *import, const bt_yaml_document *document, const node *list, bt_str file,
                           bt_error *error) {
  bt_status status = bt_yaml_expect_list(document, list, "rules", error);
  for (const node *item = list->first; !status && item; item = item->next) {
    size_t count = import->counts[0] + import->counts[1] + import->counts[2];
    status = count < BT_RULEFILE_MAX_RULES
                 ? add_rule(import, document, item, file, error)
                 : bt_yaml_fail(document, item, error, "expected at most %d rules in all", BT_RULEFILE_MAX_RULES);
  }
  return status;
}

static bt_status add_groups(bt_import *import, const bt_yaml_document *document, const node *groups, bt_str file,
                            bt_error *error) {
  bt_status status = bt_yaml_expect_list(document, groups, "groups", error);
  for (const node *group = groups->first; !status && group; group = group->next) {
    const node *rules = find_key(group, "rules");
    status = rules ? add_rules(import, document, rules, file, error)
                   : bt_yaml_fail(document, group, error, "a group: expected the key rules with a list of rules");
  }
  return status;
}

static bool has_text(const node *map) {
  return find_key(map, "condition") || find_key(map, "expression") || find_key(map, "dsl");
}

static bt_status add_document(bt_import *import, const bt_yaml_document *document, bt_str file, bt_error *error) {
  const node *root = document->root;
  if (!root) return bt_error_set(error, BT_INVALID, "%.*s:1:1: expected rules, got an empty file", BT_FMT(file));
  if (root->kind == BT_YAML_LIST) return add_rules(import, document, root, file, error);
  const node *rules = find_key(root, "rules"), *groups = find_key(root, "groups");
  if (rules) return add_rules(import, document, rules, file, error);
  if (groups) return add_groups(import, document, groups, file, error);
  if (has_text(root)) return add_rule(import, document, root, file, error);
  return bt_yaml_fail(document, root, error,
                      "expected a list rules: (or groups:, or one rule with condition, expression or dsl)");
}

bt_status bt_import_add(bt_import *import, bt_str text, const char *file_name, bt_error *error) {
  bt_yaml_document document;
  bt_str copy, file;
  if (text.len > BT_RULEFILE_MAX_BYTES)
    return bt_error_set(error, BT_INVALID, "%.100s: expected at most 10 MiB, got %zu bytes", file_name, text.len);
  if (!bt_arena_copy(&import->arena, text, &copy) || !bt_arena_copy(&import->arena, bt_str_from(file_name), &file))
    return bt_error_no_memory(error);
  bt_status status = bt_yaml_document_parse(&document, copy, file.ptr, &import->arena, error);
  return status ? status : add_document(import, &document, file, error);
}
