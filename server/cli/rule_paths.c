/* Folders of rule files. See rule_paths.h. */
#include "server/cli/rule_paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dsl/base/arena.h"
#include "server/cli/cli.h"
#include "server/rulefile/rulefile.h"

enum { MAX_DEPTH = 32 };

void bt_rule_paths_dispose(bt_rule_paths *paths) {
  for (size_t i = 0; i < paths->count; i++) free(paths->items[i]);
  free(paths->items);
  *paths = (bt_rule_paths){0};
}

/* Takes the path; NULL is no memory. */
static bt_status add_path(bt_rule_paths *paths, char *path, bt_error *error) {
  char **items = path ? bt_grow_array(paths->items, paths->count, &paths->capacity, sizeof *items) : NULL;
  if (!items) {
    free(path);
    return bt_error_no_memory(error);
  }
  paths->items = items;
  paths->items[paths->count++] = path;
  return BT_OK;
}

static char *join_path(const char *folder, const char *name) {
  size_t length = strlen(folder), name_length = strlen(name);
  while (length > 1 && folder[length - 1] == '/') length--;
  char *path = malloc(length + name_length + 2);
  if (!path) return NULL;
  snprintf(path, length + name_length + 2, "%.*s/%s", (int)length, folder, name);
  return path;
}

static bool is_rule_file_name(const char *name) {
  bt_str text = bt_str_from(name);
  if (bt_str_ends_with(text, BT_STR(".otlp.json"))) return false;
  return bt_str_ends_with(text, BT_STR(".yaml")) || bt_str_ends_with(text, BT_STR(".yml")) ||
         bt_str_ends_with(text, BT_STR(".json"));
}

typedef bool (*name_filter)(const char *name);

static bt_status add_folder(bt_rule_paths *paths, const char *folder, name_filter is_wanted, unsigned depth,
                            bt_error *error);

/* A link to a folder is not entered: it may lead back. */
static bt_status add_entry(bt_rule_paths *paths, const char *folder, const char *name, name_filter is_wanted,
                           unsigned depth, bt_error *error) {
  struct stat own, target;
  char *path = join_path(folder, name);
  if (!path) return bt_error_no_memory(error);
  if (lstat(path, &own) == 0 && S_ISDIR(own.st_mode)) {
    bt_status status = add_folder(paths, path, is_wanted, depth + 1, error);
    free(path);
    return status;
  }
  bool is_folder = stat(path, &target) == 0 && S_ISDIR(target.st_mode);
  if (!is_folder && is_wanted(name)) return add_path(paths, path, error);
  free(path);
  return BT_OK;
}

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

/* By bytes, whatever the locale: the same order everywhere. */
static int compare_names(const struct dirent **left, const struct dirent **right) {
  return strcmp((*left)->d_name, (*right)->d_name);
}

static bt_status add_folder(bt_rule_paths *paths, const char *folder, name_filter is_wanted, unsigned depth,
                            bt_error *error) {
  struct dirent **entries = NULL;
  if (depth > MAX_DEPTH)
    return bt_error_set(error, BT_INVALID, "%s: expected folders at most %d deep", folder, MAX_DEPTH);
  int count = scandir(folder, &entries, is_visible, compare_names);
  if (count < 0 && errno == ENOMEM) return bt_error_no_memory(error);
  if (count < 0) return bt_error_set(error, BT_IO, "%s cannot be read: %s", folder, strerror(errno));
  bt_status status = BT_OK;
  for (int i = 0; i < count; i++) {
    if (!status) status = add_entry(paths, folder, entries[i]->d_name, is_wanted, depth, error);
    free(entries[i]);
  }
  free(entries);
  return status;
}

/* A folder without a rule file is an error: that nothing was found wrong in it would be no answer. */
static bt_status add_operand(bt_rule_paths *paths, const char *path, bt_error *error) {
  struct stat about;
  size_t before = paths->count;
  if (strcmp(path, "-") == 0 || stat(path, &about) != 0 || !S_ISDIR(about.st_mode))
    return add_path(paths, strdup(path), error);
  bt_status status = add_folder(paths, path, is_rule_file_name, 0, error);
  if (status || paths->count > before) return status;
  return bt_error_set(error, BT_INVALID,
                      "%s: expected rule files (*.yaml, *.yml, *.json) in this folder, and there are none", path);
}

static bool is_any_name(const char *name) {
  return name[0] != '\0';
}

bt_status bt_rule_paths_add_folder(bt_rule_paths *paths, const char *folder, bt_error *error) {
  return add_folder(paths, folder, is_any_name, 0, error);
}

bt_status bt_rule_paths_find(char *const *paths, size_t count, bt_rule_paths *out, bt_error *error) {
  bt_status status = BT_OK;
  *out = (bt_rule_paths){0};
  for (size_t i = 0; i < count && !status; i++) status = add_operand(out, paths[i], error);
  return status;
}

const bt_flag bt_flags_rule_files[] = {{"rules", BT_FLAG_RULES, "FILE", NULL,
                                        "rule file or folder; the same as its name alone; may be given several times",
                                        NULL},
                                       {0}};

bool bt_rule_paths_take(bt_rule_paths *named, const char *path) {
  return add_path(named, strdup(path), NULL) == BT_OK;
}

bool bt_rule_paths_of(const char *command, bt_rule_paths *named, const bt_operands *operands, bt_rule_paths *out) {
  bt_error error = {0};
  bool is_whole = true;
  *out = (bt_rule_paths){0};
  for (size_t i = 0; i < operands->count && is_whole; i++) is_whole = bt_rule_paths_take(named, operands->items[i]);
  bt_status status =
      is_whole ? bt_rule_paths_find(named->items, named->count, out, &error) : bt_error_no_memory(&error);
  bt_rule_paths_dispose(named);
  if (status == BT_OK) return true;
  bt_cli_usage_error(command, "%s", error.message);
  bt_rule_paths_dispose(out);
  return false;
}

/* Hashes what was before, the name of a file, and its bytes. */
static bt_status add_to_mark(const char *file, bt_sha256 *mark, bt_error *error) {
  size_t length = 0;
  char *text = bt_cli_read_file(file, BT_RULEFILE_MAX_BYTES, &length, error);
  if (!text) return error->status;
  const bt_str fields[] = {{(const char *)mark->bytes, sizeof mark->bytes}, bt_str_from(file), {text, length}};
  bt_status status = bt_sha256_fields(fields, sizeof fields / sizeof *fields, mark, error);
  free(text);
  return status;
}

bt_status bt_rule_paths_mark(const bt_rule_paths *named, bt_sha256 *out, bt_error *error) {
  bt_rule_paths files;
  *out = (bt_sha256){0};
  bt_status status = bt_rule_paths_find(named->items, named->count, &files, error);
  for (size_t i = 0; i < files.count && !status; i++) status = add_to_mark(files.items[i], out, error);
  bt_rule_paths_dispose(&files);
  return status;
}

void bt_rule_paths_say_none(const char *const *paths, size_t count, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("expected rules in "));
  bt_buffer_append(out, bt_str_from(count && strcmp(paths[0], "-") != 0 ? paths[0] : "<stdin>"));
  if (count > 1) bt_buffer_printf(out, " and %zu more file%s", count - 1, count == 2 ? "" : "s");
  bt_buffer_append(out,
                   BT_STR(", and there are none: a rule file has a list rules: or groups: with an id and a dsl for "
                          "each rule"));
}

/* What comes behind blank lines and comments. */
static bt_str first_words(bt_str text) {
  for (;;) {
    while (text.len && strchr(" \t\r\n", text.ptr[0])) text = (bt_str){text.ptr + 1, text.len - 1};
    if (!text.len || text.ptr[0] != '#') return text;
    const char *end = memchr(text.ptr, '\n', text.len);
    text = end ? (bt_str){end, text.len - (size_t)(end - text.ptr)} : (bt_str){text.ptr, 0};
  }
}

bool bt_looks_like_rule_file(bt_str text) {
  bt_str words = first_words(text);
  size_t key = 0;
  if (!words.len || strchr("-{[", words.ptr[0])) return true;
  while (key < words.len && ((words.ptr[key] | 32) >= 'a' && (words.ptr[key] | 32) <= 'z')) key++;
  return key && key < words.len && words.ptr[key] == ':' &&
         (key + 1 == words.len || strchr(" \r\n", words.ptr[key + 1]));
}
