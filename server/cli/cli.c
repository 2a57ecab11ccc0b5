/* What the subcommands share. See cli.h. */
#include "server/rulefile/convention_files.h"
#include "server/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/printer.h"
#include "server/cli/rule_paths.h"
#include "server/rulefile/checked_file.h"

int bt_cli_usage_error(const char *command, const char *format, ...) {
  va_list list;
  bt_print_error("betrace %s: ", command);
  va_start(list, format);
  bt_print_error_list(format, list);
  va_end(list);
  bt_print_error("\nTry: betrace %s --help\n", command);
  return BT_EXIT_USAGE;
}

int bt_cli_fail(const char *command, bt_status status, const bt_error *error) {
  bt_print_error("betrace %s: %s\n", command, error->message);
  return status == BT_INVALID ? BT_EXIT_USAGE : BT_EXIT_UNKNOWN;
}

bool bt_cli_use_conventions(const char *folder) {
  bt_error error = {0};
  if (!bt_convention_files_use(folder, &error)) return true;
  bt_print_error("betrace: --semconv: %s\n", error.message);
  return false;
}

bool bt_cli_number(const char *text, uint64_t *out) {
  uint64_t number = 0;
  for (const char *c = text; *c; c++) {
    if (*c < '0' || *c > '9' || number > (UINT64_MAX - 9) / 10) return false;
    number = number * 10 + (uint64_t)(*c - '0');
  }
  *out = number;
  return *text != '\0';
}

bool bt_cli_percent(const char *text, double *out) {
  char *rest = NULL;
  *out = strtod(text, &rest);
  return rest != text && (!*rest || strcmp(rest, "%") == 0) && *out >= 0 && *out <= 100;
}

const char *bt_cli_plural(uint64_t count) {
  return count == 1 ? "" : "s";
}

void bt_cli_print_buffer(bt_buffer *text) {
  bt_print_styled(bt_buffer_str(text));
  bt_buffer_dispose(text);
}

void bt_cli_print_json(json_t *object) {
  bt_print_json(object, JSON_INDENT(2));
}

char *bt_cli_read_file(const char *path, size_t max_bytes, size_t *length, bt_error *error) {
  bool is_stdin = strcmp(path, "-") == 0;
  FILE *file = is_stdin ? stdin : fopen(path, "rb");
  if (!file) {
    bt_error_set(error, BT_IO, "%s cannot be opened: %s", path, strerror(errno));
    return NULL;
  }
  bt_buffer text = {.maximum = max_bytes};
  char chunk[65536];
  size_t got;
  while (!text.failed && (got = fread(chunk, 1, sizeof chunk, file)) > 0) bt_buffer_append(&text, (bt_str){chunk, got});
  bool broken = ferror(file) != 0;
  if (!is_stdin) fclose(file);
  bt_buffer_append(&text, BT_STR("")); /* an empty file is a text too */
  if (!text.failed && !broken) {
    *length = text.len;
    return text.ptr;
  }
  bt_error_set(error, BT_IO,
               text.failed ? "%s is larger than %zu bytes, or there is no memory for it"
                           : "%s cannot be read (limit %zu bytes)",
               path, max_bytes);
  bt_buffer_dispose(&text);
  return NULL;
}

bool bt_cli_write_all(int file, bt_str text) {
  while (text.len) {
    ssize_t done = write(file, text.ptr, text.len);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    text = (bt_str){text.ptr + done, text.len - (size_t)done};
  }
  return true;
}

static void print_to_stderr(bt_buffer *text) {
  bt_print_error_lines(bt_buffer_str(text));
  bt_buffer_dispose(text);
}

/* Takes the definition. `file` NULL: it stands in none. */
static bool add_definition(bt_cli_rules *rules, bt_rule_definition *definition, const char *file, unsigned line) {
  bt_rule_place place = {file ? strdup(file) : NULL, line};
  bt_rule_definition **items = bt_grow_array(rules->items, rules->count, &rules->capacity, sizeof *items);
  if (items) rules->items = items;
  bt_rule_place *places = bt_grow_array(rules->places, rules->count, &rules->place_capacity, sizeof *places);
  if (places) rules->places = places;
  if (!items || !places || (file && !place.file)) {
    bt_print_error_line("there is not enough memory");
    bt_rule_definition_unref(definition);
    free(place.file);
    return false;
  }
  places[rules->count] = place;
  items[rules->count++] = definition;
  return true;
}

static bool has_id(const bt_cli_rules *rules, bt_str id) {
  for (size_t i = 0; i < rules->count; i++)
    if (bt_str_equal(bt_str_from(rules->items[i]->fields.id), id)) return true;
  return false;
}

static bool add_checked(bt_cli_rules *rules, const bt_checked_file *file, bt_checked_rule *rule) {
  bt_buffer text = {0};
  bt_checked_rule_print(file, rule, &text);
  print_to_stderr(&text);
  if (!rule->definition) return false;
  if (has_id(rules, rule->id)) {
    bt_print_error("%s:%u: the id \"%.*s\" is taken by an earlier rule\n", file->name, rule->source->line,
                   BT_FMT(rule->id));
    return false;
  }
  bt_rule_definition *definition = rule->definition;
  rule->definition = NULL;
  return add_definition(rules, definition, file->name, rule->source->line);
}

/* text.ptr NULL: the file could not be read. */
static void print_file_problems(bt_str text, const char *path, const char *first) {
  bt_buffer problems = {0};
  if (text.ptr) bt_checked_file_say_problems(text, path, first, &problems);
  if (problems.len)
    print_to_stderr(&problems);
  else
    bt_print_message(first);
}

static bool add_file(bt_cli_rules *rules, const char *path) {
  size_t length = 0;
  bt_error error = {0};
  bt_checked_file file = {0};
  char *text = bt_cli_read_file(path, BT_RULEFILE_MAX_BYTES, &length, &error);
  bool ok = text && !bt_checked_file_read((bt_str){text, length}, path, path, false, &file, &error);
  if (!ok) print_file_problems((bt_str){text, length}, path, error.message);
  for (size_t i = 0; i < file.rule_count; i++) ok = add_checked(rules, &file, &file.rules[i]) && ok;
  bt_checked_file_dispose(&file);
  free(text);
  return ok;
}

bool bt_cli_rules_add_file(bt_cli_rules *rules, const char *path) {
  bt_rule_paths paths;
  bt_error error = {0};
  char *const given[] = {(char *)(uintptr_t)path}; /* read only */
  bool ok = bt_rule_paths_find(given, 1, &paths, &error) == BT_OK;
  if (!ok) bt_print_error("%s\n", error.message);
  size_t before = rules->count;
  for (size_t i = 0; i < paths.count; i++) ok = add_file(rules, paths.items[i]) && ok;
  if (ok && rules->count == before && !rules->without) rules->without = path;
  bt_rule_paths_dispose(&paths);
  return ok;
}

bool bt_cli_rules_add_text(bt_cli_rules *rules, const char *id, const char *dsl) {
  bt_rule_definition *definition = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_buffer text = {0};
  bt_rule_fields fields;
  bt_rule_fields_init(&fields);
  bt_diagnostics_init(&diagnostics);
  fields.id = strdup(id);
  fields.dsl = strdup(dsl);
  bt_status status = fields.id && fields.dsl ? bt_rule_definition_new(&fields, &definition, &diagnostics, &error)
                                             : bt_error_no_memory(&error);
  bt_rule_fields_dispose(&fields);
  bt_diagnostics_print(&diagnostics, bt_str_from(dsl), "<dsl>", &text);
  print_to_stderr(&text);
  if (status && !diagnostics.error_count) bt_print_error("<dsl>: %s\n", error.message);
  bt_diagnostics_dispose(&diagnostics);
  return !status && add_definition(rules, definition, NULL, 0);
}

int bt_cli_rules_refuse_none(const bt_cli_rules *rules, const char *command) {
  bt_buffer text = {0};
  bt_rule_paths_say_none(&rules->without, 1, &text);
  int code = bt_cli_usage_error(command, "%s", text.failed ? "expected rules, and there are none" : text.ptr);
  bt_buffer_dispose(&text);
  return code;
}

void bt_cli_rules_dispose(bt_cli_rules *rules) {
  for (size_t i = 0; i < rules->count; i++) {
    bt_rule_definition_unref(rules->items[i]);
    free(rules->places[i].file);
  }
  free(rules->items);
  free(rules->places);
  *rules = (bt_cli_rules){0};
}
