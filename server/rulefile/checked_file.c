/* Checking all rules of a file. See checked_file.h. A definition takes a rule's fields, so what is shown later is
 * copied first. */
#include "server/rulefile/checked_file.h"

#include <stdlib.h>

#include "dsl/syntax/diagnostic_codes.h"
#include "server/rulefile/used_files.h"

static bool keep_text(bt_checked_file *file, const char *text, bt_str *out) {
  *out = BT_STR("");
  return !text || bt_arena_copy(&file->file.arena, bt_str_from(text), out);
}

/* The id that the definition settled on, else what was said. */
static bt_status keep_id(bt_checked_file *file, bt_checked_rule *rule, bt_error *error) {
  if (!rule->definition) return BT_OK;
  return keep_text(file, rule->definition->fields.id, &rule->id) ? BT_OK : bt_error_no_memory(error);
}

static bt_status check_rule(bt_checked_file *file, bt_rulefile_rule *source, bt_checked_rule *rule, bt_error *error) {
  bt_error problem = {0};
  rule->source = source;
  if (!keep_text(file, source->fields.dsl, &rule->dsl) || !keep_text(file, source->fields.id, &rule->id))
    return bt_error_no_memory(error);
  bt_status status = bt_rule_definition_new(&source->fields, &rule->definition, &rule->diagnostics, &problem);
  bt_rulefile_locate(source, &rule->diagnostics);
  file->error_count += rule->diagnostics.error_count;
  for (size_t i = 0; i < rule->diagnostics.count; i++) file->warning_count += !rule->diagnostics.items[i].is_error;
  if (!status) return keep_id(file, rule, error);
  if (status == BT_INVALID && rule->diagnostics.error_count) return BT_OK;
  if (status == BT_NO_MEMORY) return bt_error_no_memory(error);
  file->error_count++;
  return keep_text(file, problem.message, &rule->problem) ? BT_OK : bt_error_no_memory(error);
}

/* By id, and of one id in the order of the file. */
static int compare_rules(const void *a, const void *b) {
  const bt_checked_rule *left = *(const bt_checked_rule *const *)a, *right = *(const bt_checked_rule *const *)b;
  int order = bt_str_compare(left->id, right->id);
  return order ? order : (left > right) - (left < right);
}

static bt_status index_ids(bt_checked_file *file, bt_error *error) {
  file->by_id = bt_arena_array(&file->file.arena, file->rule_count, sizeof *file->by_id);
  if (!file->by_id) return bt_error_no_memory(error);
  for (size_t i = 0; i < file->rule_count; i++)
    if (file->rules[i].id.len) file->by_id[file->by_id_count++] = &file->rules[i];
  if (file->by_id_count) qsort(file->by_id, file->by_id_count, sizeof *file->by_id, compare_rules);
  return BT_OK;
}

/* Ids that were written are compared by the reader of the file; what is left are ids made from names. */
static bt_status refuse_twins(bt_checked_file *file, bt_error *error) {
  for (size_t i = 1; i < file->by_id_count; i++) {
    const bt_checked_rule *first = file->by_id[i - 1];
    bt_checked_rule *twin = &file->rules[file->by_id[i] - file->rules];
    bt_error problem = {0};
    if (!bt_str_equal(first->id, twin->id) || !twin->definition) continue;
    bt_error_set(&problem, BT_INVALID,
                 "id: expected each id once, got \"%.*s\" again (first in line %u); give this rule an id",
                 BT_FMT(twin->id), first->source->line);
    if (!keep_text(file, problem.message, &twin->problem)) return bt_error_no_memory(error);
    bt_rule_definition_unref(twin->definition);
    twin->definition = NULL;
    file->error_count++;
  }
  return BT_OK;
}

static bt_status check_rules(bt_checked_file *file, bt_error *error) {
  file->rules = bt_realloc_array(NULL, file->file.rule_count + 1, sizeof *file->rules);
  if (!file->rules) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  for (size_t i = 0; i < file->file.rule_count && !status; i++) {
    bt_checked_rule *rule = &file->rules[file->rule_count++];
    *rule = (bt_checked_rule){0};
    bt_diagnostics_init(&rule->diagnostics);
    status = check_rule(file, &file->file.rules[i], rule, error);
  }
  if (!status) status = index_ids(file, error);
  return status ? status : refuse_twins(file, error);
}

/* ---- names that no rule uses ---- */

static bool uses_alias(const bt_checked_file *file, bt_str key) {
  for (size_t i = 0; i < file->rule_count; i++) {
    const bt_own_names *used = &file->rules[i].definition->rule->used;
    for (size_t k = 0; k < used->alias_count; k++)
      if (bt_str_equal(used->aliases[k].keys[0], key)) return true;
  }
  return false;
}

static bool uses_name(const bt_checked_file *file, bt_str word) {
  for (size_t i = 0; i < file->rule_count; i++) {
    const bt_own_names *used = &file->rules[i].definition->rule->used;
    for (size_t k = 0; k < used->name_count; k++)
      if (bt_str_equal(used->names[k].word, word)) return true;
  }
  return false;
}

static void warn_of_unused(bt_checked_file *file, bt_rulefile_place place, bt_str word, const char *use,
                           const char *what) {
  const bt_range range = {(uint32_t)place.offset, (uint32_t)(place.offset + place.length)};
  bt_diagnostics_add(&file->unused, file->file.source, BT_W_UNUSED_IN_FILE, range,
                     "no rule of this file %s `%.*s`, so this %s says nothing", use, BT_FMT(word), what);
}

/* A file without rules is there to be used. What a rule with a mistake uses is not known. */
static bt_status find_unused(bt_checked_file *file, bt_error *error) {
  const bt_own_names *said = bt_shared_names_get(file->file.own_names);
  if (!said || !file->rule_count || file->error_count) return BT_OK;
  for (size_t i = 0; i < said->alias_count; i++)
    if (!uses_alias(file, said->aliases[i].keys[0]))
      warn_of_unused(file, file->file.alias_places[i], said->aliases[i].keys[0], "reads an attribute", "alias");
  for (size_t i = 0; i < said->name_count; i++)
    if (!uses_name(file, said->names[i].word))
      warn_of_unused(file, file->file.name_places[i], said->names[i].word, "says", "name");
  bt_diagnostics_sort(&file->unused);
  file->warning_count += file->unused.count;
  return file->unused.no_memory ? bt_error_no_memory(error) : BT_OK;
}

bt_status bt_checked_file_read(bt_str text, const char *name, const char *path, bool proposes, bt_checked_file *out,
                               bt_error *error) {
  *out = (bt_checked_file){.name = name};
  bt_diagnostics_init(&out->unused);
  bt_status status = bt_rulefile_parse(text, name, &out->file, error);
  if (!status) status = bt_used_files_join(&out->file, name, path, error);
  for (size_t i = 0; !status && i < out->file.rule_count; i++) out->file.rules[i].fields.proposes = proposes;
  if (!status) status = check_rules(out, error);
  if (!status) status = find_unused(out, error);
  if (status) bt_checked_file_dispose(out);
  return status;
}

typedef struct text_problems {
  const char *file_name;
  bt_buffer out;
} text_problems;

static void say_text(void *context, const bt_rulefile_rule *rule, const bt_diagnostics *diagnostics) {
  text_problems *found = context;
  bt_diagnostics_print(diagnostics, bt_str_from(rule->fields.dsl), found->file_name, &found->out);
}

void bt_checked_file_say_problems(bt_str text, const char *name, const char *first, bt_buffer *out) {
  text_problems found = {name, {0}};
  size_t before = out->len;
  bt_rulefile_problems(text, name, out, say_text, &found);
  if (out->len == before) bt_buffer_printf(out, "%s\n", first);
  bt_buffer_append(out, bt_buffer_str(&found.out));
  bt_buffer_dispose(&found.out);
}

void bt_checked_file_dispose(bt_checked_file *file) {
  for (size_t i = 0; i < file->rule_count; i++) {
    bt_rule_definition_unref(file->rules[i].definition);
    bt_diagnostics_dispose(&file->rules[i].diagnostics);
  }
  free(file->rules);
  bt_diagnostics_dispose(&file->unused);
  bt_rulefile_dispose(&file->file);
  *file = (bt_checked_file){0};
}

const bt_checked_rule *bt_checked_file_find(const bt_checked_file *file, bt_str id) {
  size_t low = 0, high = file->by_id_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (bt_str_compare(file->by_id[middle]->id, id) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low < file->by_id_count && bt_str_equal(file->by_id[low]->id, id) ? file->by_id[low] : NULL;
}

void bt_checked_rule_print(const bt_checked_file *file, const bt_checked_rule *rule, bt_buffer *out) {
  bt_diagnostics_print(&rule->diagnostics, rule->dsl, file->name, out);
  if (!rule->problem.ptr) return;
  bt_buffer_printf(out, "%s:%u:1: error: ", file->name, rule->source->line);
  bt_buffer_append(out, rule->problem);
  bt_buffer_append_char(out, '\n');
}
