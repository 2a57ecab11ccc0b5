/* Groups and rules of a rule file. Tables say which keys there are. What depends on several keys (one text, one source
 * of frameworks) is checked after the whole rule was read. Rule fields go to the heap, where definitions take them;
 * everything else stays in the file's arena. Thread: no state. */
#include "server/rules/rule_compile.h"
#include "server/rulefile/rulefile.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "server/rulefile/own_names_reader.h"
#include "server/rulefile/testcase.h"
#include "server/rulefile/text_place.h"
#include "server/rulefile/yaml_reader.h"
#include "server/rules/rule_fields.h"

enum { ARENA_CAP_BYTES = 512 * 1024 * 1024 }; /* the caps on text and nodes keep far below it */

typedef bt_yaml_document document;
typedef bt_yaml_node node;

typedef struct rule_reader {
  bt_rulefile_rule *rule;
  const node *dsl, *frameworks, *tests, *example;
} rule_reader;

/* Reads a text into a field on the heap. */
static bt_status take_text(const document *d, const node *value, const char *key, char **out, bt_error *error) {
  bt_str text;
  bt_status status = bt_yaml_get_string(d, value, key, &text, error);
  if (status) return status;
  *out = bt_rule_text_copy(text);
  return *out ? BT_OK : bt_error_no_memory(error);
}

#define READER(name) static bt_status name(const document *d, const node *value, void *into, bt_error *error)
#define FIELDS(into) (((rule_reader *)(into))->rule->fields)

READER(read_id) {
  bt_status status = take_text(d, value, "id", &FIELDS(into).id, error);
  char shown[BT_YAML_SHOWN_BYTES];
  if (!status && !bt_rule_id_is_valid(value->text))
    status = bt_yaml_fail(
        d, value, error,
        "id: expected a letter or digit and then letters, digits, \".\", \"_\" or \"-\", at most %d in all, and not "
        "validate, test, import or export, got %s",
        BT_RULE_ID_MAX, bt_yaml_show(value, shown));
  return status;
}
READER(read_name) {
  return take_text(d, value, "name", &FIELDS(into).name, error);
}
READER(read_description) {
  return take_text(d, value, "description", &FIELDS(into).description, error);
}
READER(read_store) {
  char shown[BT_YAML_SHOWN_BYTES];
  bt_status status = take_text(d, value, "store", &FIELDS(into).store, error);
  if (!status && !bt_store_name_is_valid(value->text))
    status = bt_yaml_fail(d, value, error,
                          "store: expected the name of a store, at most %d small letters, digits and \"-\", got %s",
                          BT_STORE_NAME_MAX, bt_yaml_show(value, shown));
  return status;
}
READER(read_semconv) {
  char shown[BT_YAML_SHOWN_BYTES];
  uint32_t release = 0;
  bt_status status = take_text(d, value, "semconv", &FIELDS(into).semconv, error);
  if (!status && !bt_str_equal(value->text, BT_STR("stable")) && !bt_release_parse(value->text, &release))
    status = bt_yaml_fail(d, value, error, "semconv: expected stable, or a release such as 1.26.0, got %s",
                          bt_yaml_show(value, shown));
  return status;
}
READER(read_coarse_clocks) {
  char shown[BT_YAML_SHOWN_BYTES];
  if (value->kind == BT_YAML_SCALAR && bt_coarse_clocks_parse(value->text, &FIELDS(into).coarse_clocks)) return BT_OK;
  return bt_yaml_fail(d, value, error, "coarse_clocks: expected unknown or exact, got %s", bt_yaml_show(value, shown));
}
READER(read_enabled) {
  return bt_yaml_get_bool(d, value, "enabled", &FIELDS(into).enabled, error);
}
READER(read_shadow) {
  return bt_yaml_get_bool(d, value, "shadow", &FIELDS(into).shadow, error);
}
READER(read_watch_all) {
  return bt_yaml_get_bool(d, value, "watch_all", &FIELDS(into).watch_all, error);
}
READER(read_settle) {
  return bt_yaml_get_duration(d, value, "settle", &FIELDS(into).settle_ns, error);
}
READER(read_margin) {
  return bt_yaml_get_duration(d, value, "margin", &FIELDS(into).margin_ns, error);
}
READER(read_clock_skew) {
  return bt_yaml_get_duration(d, value, "clock_skew", &FIELDS(into).clock_skew_ns, error);
}

READER(read_require_complete) {
  bool is_required = false;
  bt_status status = bt_yaml_get_bool(d, value, "require_complete", &is_required, error);
  if (!status) FIELDS(into).require_complete = is_required;
  return status;
}

READER(read_links_sampled) {
  bool are_sampled = false;
  bt_status status = bt_yaml_get_bool(d, value, "links_sampled", &are_sampled, error);
  if (!status) FIELDS(into).links_sampled = are_sampled;
  return status;
}

READER(read_budget) {
  return bt_yaml_get_number(d, value, "budget", &FIELDS(into).budget, error);
}

READER(read_severity) {
  char shown[BT_YAML_SHOWN_BYTES];
  if (value->kind != BT_YAML_SCALAR || !bt_severity_parse(value->text, &FIELDS(into).severity))
    return bt_yaml_fail(d, value, error,
                        "severity: expected info, low, warning, medium, high, error or critical, got %s",
                        bt_yaml_show(value, shown));
  FIELDS(into).has_severity = true;
  return BT_OK;
}

READER(read_dsl) {
  rule_reader *reader = into;
  if (reader->dsl)
    return bt_yaml_fail(d, value, error,
                        "a rule: expected its text once, as dsl, condition or expression; it is in line %u already",
                        reader->dsl->line);
  reader->dsl = value;
  return take_text(d, value, "dsl", &reader->rule->fields.dsl, error);
}

static bt_status read_pairs(const document *d, const node *map, const char *key, bt_string_pair **pairs, size_t *count,
                            bt_error *error) {
  bt_status status = bt_yaml_expect_map(d, map, key, error);
  for (const node *name = map->first; !status && name; name = name->next->next) {
    bt_str value;
    status = bt_yaml_get_string(d, name->next, key, &value, error);
    if (!status && !bt_string_pairs_add(pairs, count, name->text, value)) status = bt_error_no_memory(error);
  }
  return status;
}

READER(read_labels) {
  return read_pairs(d, value, "labels", &FIELDS(into).labels, &FIELDS(into).label_count, error);
}
READER(read_annotations) {
  return read_pairs(d, value, "annotations", &FIELDS(into).annotations, &FIELDS(into).annotation_count, error);
}

READER(keep_frameworks) {
  return ((rule_reader *)into)->frameworks = value, bt_yaml_expect_list(d, value, "compliance_frameworks", error);
}
READER(keep_tests) {
  return ((rule_reader *)into)->tests = value, bt_yaml_expect_list(d, value, "tests", error);
}
READER(keep_example) {
  return ((rule_reader *)into)->example = value, bt_yaml_expect_map(d, value, "example_violation", error);
}

static const bt_yaml_field rule_fields[] = {{"id", read_id},
                                            {"name", read_name},
                                            {"description", read_description},
                                            {"severity", read_severity},
                                            {"enabled", read_enabled},
                                            {"shadow", read_shadow},
                                            {"labels", read_labels},
                                            {"annotations", read_annotations},
                                            {"settle", read_settle},
                                            {"margin", read_margin},
                                            {"clock_skew", read_clock_skew},
                                            {"require_complete", read_require_complete},
                                            {"budget", read_budget},
                                            {"links_sampled", read_links_sampled},
                                            {"store", read_store},
                                            {"semconv", read_semconv},
                                            {"coarse_clocks", read_coarse_clocks},
                                            {"watch_all", read_watch_all},
                                            {"dsl", read_dsl},
                                            {"tests", keep_tests},
                                            {"condition", read_dsl},
                                            {"expression", read_dsl},
                                            {"compliance_frameworks", keep_frameworks},
                                            {"example_violation", keep_example},
                                            {0}};

/* `compliance_frameworks: [SOC2, HIPAA]` is the annotation `compliance_framework: "SOC2, HIPAA"`. */
static bt_status add_frameworks(const document *d, const node *list, bt_rule_fields *fields, bt_error *error) {
  bt_buffer joined = {0};
  bt_status status = BT_OK;
  for (size_t i = 0; !status && i < fields->annotation_count; i++)
    if (strcmp(fields->annotations[i].key, "compliance_framework") == 0)
      status = bt_yaml_fail(
          d, list, error,
          "compliance_frameworks: expected either this key or the annotation compliance_framework, got both");
  for (const node *item = list->first; !status && item; item = item->next) {
    bt_str name;
    status = bt_yaml_get_string(d, item, "compliance_frameworks", &name, error);
    if (!status && (name.len == 0 || memchr(name.ptr, ',', name.len)))
      status = bt_yaml_fail(d, item, error, "compliance_frameworks: expected names without commas, got \"%.*s\"",
                            name.len < 60 ? (int)name.len : 60, name.ptr);
    if (!status) bt_buffer_printf(&joined, "%s%s", item == list->first ? "" : ", ", name.ptr);
  }
  if (!status && joined.failed) status = bt_error_no_memory(error);
  if (!status && joined.len &&
      !bt_string_pairs_add(&fields->annotations, &fields->annotation_count, BT_STR("compliance_framework"),
                           bt_buffer_str(&joined)))
    status = bt_error_no_memory(error);
  bt_buffer_dispose(&joined);
  return status;
}

static unsigned count_leading_blanks(bt_str line) {
  unsigned count = 0;
  while (count < line.len && line.ptr[count] == ' ') count++;
  return count;
}

/* How far a block with "|" is indented: its first line that is not empty, in the file and in the text. */
static unsigned block_indentation(const document *d, const node *dsl) {
  bt_str text = dsl->text;
  for (unsigned line = dsl->line + 1; text.len; line++) {
    const char *end = memchr(text.ptr, '\n', text.len);
    bt_str first = {text.ptr, end ? (size_t)(end - text.ptr) : text.len};
    unsigned in_text = count_leading_blanks(first), in_file = count_leading_blanks(bt_yaml_line(d, line));
    if (first.len) return in_file > in_text ? in_file - in_text : 0;
    text = (bt_str){text.ptr + first.len + 1, text.len - first.len - 1};
  }
  return 0;
}

/* Column offset of a text that stands on one line exactly as it is read; 0 when it does not. */
static unsigned inline_offset(const document *d, const node *dsl) {
  size_t start = dsl->offset + !dsl->is_plain; /* behind the quote */
  if (start >= d->source.len) return 0;
  bt_str rest = {d->source.ptr + start, d->source.len - start};
  bool has_break = dsl->text.len && memchr(dsl->text.ptr, '\n', dsl->text.len);
  return !has_break && bt_str_starts_with(rest, dsl->text) ? dsl->column - 1 + !dsl->is_plain : 0;
}

void bt_rulefile_locate_text(const document *d, const node *dsl, bt_rulefile_rule *rule) {
  rule->dsl_is_block = dsl->is_literal;
  rule->dsl_offset = dsl->offset;
  rule->dsl_line = dsl->line + dsl->is_literal;
  rule->dsl_column = dsl->is_literal ? block_indentation(d, dsl) : inline_offset(d, dsl);
}

static bt_status read_rule(const document *d, const node *map, bt_rulefile_rule *rule, bt_error *error) {
  rule_reader reader = {.rule = rule};
  rule->line = map->line;
  bt_status status = bt_yaml_read_map(d, map, "a rule", rule_fields, &reader, error);
  if (d->problems && status == BT_INVALID) {
    /* Its text and its tests are looked at all the same. */
    if (reader.dsl) bt_rulefile_locate_text(d, reader.dsl, rule);
    status = bt_yaml_go_on(d, status, error);
    return status ? status : bt_testcases_read(d, reader.tests, reader.example, &rule->tests, &rule->test_count, error);
  }
  if (status) return status;
  if (!reader.dsl)
    return bt_yaml_fail(d, map, error, "dsl: expected a rule, got nothing: its text stands under this key");
  if (!rule->fields.id && !rule->fields.name)
    return bt_yaml_fail(d, map, error, "a rule: expected an id or a name, got neither");
  bt_rulefile_locate_text(d, reader.dsl, rule);
  if (reader.frameworks) status = add_frameworks(d, reader.frameworks, &rule->fields, error);
  return status ? status : bt_testcases_read(d, reader.tests, reader.example, &rule->tests, &rule->test_count, error);
}

typedef struct file_reader {
  bt_rulefile *file;
  size_t capacity;
  bt_str group;
  const node *groups, *rules;
  bt_own_names_nodes own_names;
} file_reader;

static bt_status read_rules(const document *d, const node *list, file_reader *reader, bt_error *error) {
  bt_rulefile *file = reader->file;
  bt_status status = bt_yaml_expect_list(d, list, "rules", error);
  for (const node *item = list->first; !status && item; item = item->next) {
    if (file->rule_count == BT_RULEFILE_MAX_RULES)
      return bt_yaml_fail(d, item, error, "rules: expected at most %d in one file, got more; split the file",
                          BT_RULEFILE_MAX_RULES);
    bt_rulefile_rule *grown = bt_grow_array(file->rules, file->rule_count, &reader->capacity, sizeof *grown);
    if (!grown) return bt_error_no_memory(error);
    file->rules = grown;
    bt_rulefile_rule *rule = &grown[file->rule_count++];
    *rule = (bt_rulefile_rule){.group = reader->group};
    bt_rule_fields_init(&rule->fields);
    rule->fields.own_names = bt_shared_names_ref(file->own_names);
    status = bt_yaml_go_on(d, read_rule(d, item, rule, error), error);
  }
  return status;
}

READER(keep_rules) {
  return ((file_reader *)into)->rules = value, bt_yaml_expect_list(d, value, "rules", error);
}
READER(keep_groups) {
  return ((file_reader *)into)->groups = value, bt_yaml_expect_list(d, value, "groups", error);
}
READER(read_group_name) {
  return bt_yaml_get_string(d, value, "name", &((file_reader *)into)->group, error);
}

static const bt_yaml_field group_fields[] = {{"name", read_group_name}, {"rules", keep_rules}, {0}};
READER(keep_aliases) {
  return ((file_reader *)into)->own_names.aliases = value, bt_yaml_expect_map(d, value, "aliases", error);
}

READER(keep_names) {
  return ((file_reader *)into)->own_names.names = value, bt_yaml_expect_map(d, value, "names", error);
}

READER(read_uses) {
  bt_rulefile *file = ((file_reader *)into)->file;
  bt_status status = bt_yaml_expect_list(d, value, "use", error);
  bt_rulefile_use *uses = status ? NULL : bt_arena_array(d->arena, value->count, sizeof *uses);
  if (!status && !uses) return bt_error_no_memory(error);
  file->uses = uses;
  for (const node *item = value->first; !status && item; item = item->next) {
    bt_rulefile_use *use = &uses[file->use_count++];
    *use = (bt_rulefile_use){.line = item->line, .column = item->column};
    status = bt_yaml_get_string(d, item, "use", &use->path, error);
  }
  return status;
}

static const bt_yaml_field file_fields[] = {{"groups", keep_groups}, {"rules", keep_rules}, {"aliases", keep_aliases},
                                            {"names", keep_names},   {"use", read_uses},    {0}};

static bt_status read_group(const document *d, const node *map, file_reader *reader, bt_error *error) {
  reader->group = (bt_str){NULL, 0};
  reader->rules = NULL;
  bt_status status = bt_yaml_read_map(d, map, "a group", group_fields, reader, error);
  if (!status && !reader->rules)
    return bt_yaml_fail(d, map, error, "a group: expected the key rules with a list of rules");
  return status ? status : read_rules(d, reader->rules, reader, error);
}

/* Of the keys of a map, which may be NULL. */
static bt_rulefile_place *places_of(const document *d, const node *map) {
  bt_rulefile_place *places = bt_arena_array(d->arena, map ? map->count : 0, sizeof *places), *next = places;
  for (const node *key = map ? map->first : NULL; places && key; key = key->next->next)
    *next++ = (bt_rulefile_place){key->offset, key->text.len + (key->is_plain ? 0 : 2)};
  return places;
}

static bt_status keep_places(const document *d, const bt_own_names_nodes *nodes, bt_rulefile *file, bt_error *error) {
  file->alias_places = places_of(d, nodes->aliases);
  file->name_places = places_of(d, nodes->names);
  return file->alias_places && file->name_places ? BT_OK : bt_error_no_memory(error);
}

static bt_status read_file(const document *d, bt_rulefile *file, bt_error *error) {
  file_reader reader = {.file = file};
  if (!d->root)
    return bt_error_set(error, BT_INVALID, "%.100s:1:1: expected groups: or rules:, got an empty file", d->file_name);
  bt_status status = bt_yaml_go_on(d, bt_yaml_read_map(d, d->root, "a rule file", file_fields, &reader, error), error);
  if (status) return status;
  bool has_names = reader.own_names.aliases || reader.own_names.names || file->use_count;
  if (!reader.groups == !reader.rules && (reader.groups || !has_names))
    return bt_yaml_fail(d, d->root, error, "a rule file: expected groups: or rules:, got %s",
                        reader.groups ? "both" : "neither");
  status = bt_yaml_go_on(d, bt_own_names_read(d, &reader.own_names, &file->own_names, error), error);
  if (!status) status = keep_places(d, &reader.own_names, file, error);
  if (status) return status;
  if (reader.rules) return read_rules(d, reader.rules, &reader, error);
  if (!reader.groups) return BT_OK;
  for (const node *group = reader.groups->first; !status && group; group = group->next)
    status = bt_yaml_go_on(d, read_group(d, group, &reader, error), error);
  return status;
}

static int compare_ids(const void *a, const void *b) {
  const bt_rulefile_rule *left = *(const bt_rulefile_rule *const *)a, *right = *(const bt_rulefile_rule *const *)b;
  int order = strcmp(left->fields.id, right->fields.id);
  return order ? order : (left->line > right->line) - (left->line < right->line);
}

/* Ids that are made from names are compared where definitions are made of the fields. */
static bt_status check_ids(const document *d, const bt_rulefile *file, bt_error *error) {
  const bt_rulefile_rule **sorted = bt_arena_array(d->arena, file->rule_count, sizeof *sorted);
  size_t count = 0;
  if (!sorted) return bt_error_no_memory(error);
  for (size_t i = 0; i < file->rule_count; i++)
    if (file->rules[i].fields.id) sorted[count++] = &file->rules[i];
  qsort(sorted, count, sizeof *sorted, compare_ids);
  for (size_t i = 1; i < count; i++)
    if (strcmp(sorted[i - 1]->fields.id, sorted[i]->fields.id) == 0)
      return bt_error_set(error, BT_INVALID,
                          "%.100s:%u:1: id: expected each id once, got \"%s\" again (first in line %u)", d->file_name,
                          sorted[i]->line, sorted[i]->fields.id, sorted[i - 1]->line);
  return BT_OK;
}

static bt_status parse_file(bt_str text, const char *file_name, bt_rulefile *out, bt_buffer *problems,
                            bt_error *error) {
  document d;
  *out = (bt_rulefile){0};
  if (text.len > BT_RULEFILE_MAX_BYTES)
    return bt_error_set(error, BT_INVALID, "%.100s: expected at most 10 MiB, got %zu bytes", file_name, text.len);
  bt_arena_init(&out->arena, ARENA_CAP_BYTES);
  bt_status status = bt_yaml_document_parse(&d, text, file_name, &out->arena, error);
  d.problems = problems;
  out->source = d.source;
  if (!status) status = read_file(&d, out, error);
  if (!status) status = check_ids(&d, out, error);
  return status;
}

bt_status bt_rulefile_parse(bt_str text, const char *file_name, bt_rulefile *out, bt_error *error) {
  bt_status status = parse_file(text, file_name, out, NULL, error);
  if (status) bt_rulefile_dispose(out);
  return status;
}

void bt_rulefile_parse_roughly(bt_str text, const char *file_name, bt_rulefile *out, bool *is_whole) {
  bt_buffer problems = {0};
  bt_error error = {0};
  bt_status status = parse_file(text, file_name, out, &problems, &error);
  *is_whole = !status && !problems.len;
  bt_buffer_dispose(&problems);
}

static void visit_wrong_texts(const bt_rulefile *file, bt_rulefile_visit visit, void *context) {
  for (size_t i = 0; i < file->rule_count; i++) {
    const char *dsl = file->rules[i].fields.dsl;
    bt_diagnostics diagnostics;
    bt_rule *rule = NULL;
    if (!dsl) continue;
    bt_diagnostics_init(&diagnostics);
    const bt_rule_fields *fields = &file->rules[i].fields;
    bt_said_beside beside = {fields->semconv, fields->coarse_clocks, bt_shared_names_get(file->own_names)};
    bt_status status = bt_compile_rule_with(bt_str_from(dsl), beside, false, &rule, &diagnostics, NULL);
    bt_rulefile_locate(&file->rules[i], &diagnostics);
    if (status == BT_INVALID) visit(context, &file->rules[i], &diagnostics);
    bt_rule_free(rule);
    bt_diagnostics_dispose(&diagnostics);
  }
}

void bt_rulefile_problems(bt_str text, const char *file_name, bt_buffer *lines, bt_rulefile_visit visit,
                          void *context) {
  bt_rulefile file;
  bt_error error = {0};
  bt_status status = parse_file(text, file_name, &file, lines, &error);
  if (status && error.message[0]) bt_buffer_printf(lines, "%s\n", error.message);
  visit_wrong_texts(&file, visit, context);
  bt_rulefile_dispose(&file);
}

void bt_rulefile_locate(const bt_rulefile_rule *rule, bt_diagnostics *diagnostics) {
  bool has_columns = rule->dsl_column > 0;
  for (size_t i = 0; i < diagnostics->count; i++) {
    bt_diagnostic *diagnostic = &diagnostics->items[i];
    diagnostic->line = has_columns ? rule->dsl_line + diagnostic->line - 1 : rule->dsl_line;
    diagnostic->column = has_columns ? rule->dsl_column + diagnostic->column : 1;
  }
}

void bt_rulefile_dispose(bt_rulefile *file) {
  for (size_t i = 0; i < file->rule_count; i++) bt_rule_fields_dispose(&file->rules[i].fields);
  free(file->rules);
  bt_shared_names_unref(file->own_names);
  bt_shared_names_unref(file->all_names);
  bt_arena_dispose(&file->arena);
  *file = (bt_rulefile){0};
}
