/* Tables of renames from files. See convention_files.h. */
#include "server/rulefile/convention_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/rulefile/yaml_document.h"
#include "server/rules/rule_compile.h"

enum { MOST_DEPTH = 8, PATH_BYTES = 4096 };

typedef struct table {
  bt_rename *items; /* on the heap, while it grows */
  size_t count, capacity;
  uint32_t newest;
  uint16_t order; /* of the maps, as they came: a step until they are sorted */
  size_t files;
  bt_arena *arena;
} table;

/* ---- trees ---- */

static const bt_yaml_node *value_of(const bt_yaml_node *map, const char *key) {
  if (!map || map->kind != BT_YAML_MAP) return NULL;
  for (const bt_yaml_node *at = map->first; at && at->next; at = at->next->next)
    if (at->kind == BT_YAML_SCALAR && bt_str_equal(at->text, bt_str_from(key))) return at->next;
  return NULL;
}

static bool is_text(const bt_yaml_node *node) {
  return node && node->kind == BT_YAML_SCALAR && node->text.len;
}

/* The same rename may stand in several files; the built-in ones stay as they are. */
static bool is_known(const table *t, const bt_rename *rename) {
  for (size_t i = 0; i < t->count; i++) {
    const bt_rename *other = &t->items[i];
    if (other->of == rename->of && bt_str_equal(other->from, rename->from) && bt_str_equal(other->to, rename->to))
      return true;
  }
  return false;
}

static bt_status add_rename(table *t, bt_rename rename, bt_error *error) {
  if (bt_str_equal(rename.from, rename.to) || is_known(t, &rename)) return BT_OK;
  if (t->count == BT_CONVENTION_RENAMES)
    return bt_error_set(error, BT_LIMIT, "expected at most %d renames", BT_CONVENTION_RENAMES);
  bt_rename *items = bt_grow_array(t->items, t->count, &t->capacity, sizeof *items);
  bool ok = items != NULL;
  if (ok) t->items = items;
  ok = ok && bt_arena_copy(t->arena, rename.from, &rename.from) && bt_arena_copy(t->arena, rename.to, &rename.to);
  if (!ok) return bt_error_no_memory(error);
  t->items[t->count++] = rename;
  return BT_OK;
}

/* ---- schema files ---- */

static bt_status add_map(table *t, const bt_yaml_node *map, bt_rename like, bt_error *error) {
  bt_status status = BT_OK;
  if (!map || map->kind != BT_YAML_MAP) return BT_OK;
  for (const bt_yaml_node *at = map->first; !status && at && at->next; at = at->next->next) {
    if (!is_text(at) || !is_text(at->next)) continue;
    like.from = at->text;
    like.to = at->next->text;
    status = add_rename(t, like, error);
  }
  return status;
}

/* One item of `changes`. What it says of metrics and logs is not there for traces. */
static bt_status add_change(table *t, const bt_yaml_node *change, unsigned of, uint32_t release, bt_error *error) {
  const bt_yaml_node *attributes = value_of(change, "rename_attributes"), *events = value_of(change, "rename_events");
  bool is_restricted = value_of(attributes, "apply_to_spans") || value_of(attributes, "apply_to_events");
  bt_rename like = {.step = ++t->order, .release = release, .of = of};
  if (is_restricted) like.note = BT_RENAME_RESTRICTED;
  bt_status status = add_map(t, value_of(attributes, "attribute_map"), like, error);
  like.of = BT_NAMES_OF_EVENT_NAMES;
  if (!status && of == BT_NAMES_OF_EVENTS) status = add_map(t, value_of(events, "name_map"), like, error);
  return status;
}

static bt_status add_release(table *t, const bt_yaml_node *changed, uint32_t release, bt_error *error) {
  static const struct {
    const char *key;
    unsigned of;
  } sections[] = {{"all", BT_NAMES_OF_SPANS | BT_NAMES_OF_RESOURCES | BT_NAMES_OF_EVENTS},
                  {"spans", BT_NAMES_OF_SPANS},
                  {"resources", BT_NAMES_OF_RESOURCES},
                  {"span_events", BT_NAMES_OF_EVENTS}};
  bt_status status = BT_OK;
  if (release > t->newest) t->newest = release;
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
    const bt_yaml_node *changes = value_of(value_of(changed, sections[i].key), "changes");
    if (!changes || changes->kind != BT_YAML_LIST) continue;
    for (const bt_yaml_node *change = changes->first; !status && change; change = change->next)
      status = add_change(t, change, sections[i].of, release, error);
  }
  return status;
}

static bt_status add_schema(table *t, const bt_yaml_document *d, const bt_yaml_node *versions, bt_error *error) {
  bt_status status = BT_OK;
  for (const bt_yaml_node *at = versions->first; !status && at && at->next; at = at->next->next) {
    uint32_t release = 0;
    if (at->kind != BT_YAML_SCALAR || !bt_release_parse(at->text, &release))
      return bt_yaml_fail(d, at, error, "versions: expected releases, as 1.26.0");
    status = add_release(t, at->next, release, error);
  }
  return status;
}

/* ---- registries ---- */

/* An attribute, or an event, that says what it is called now, anywhere in the tree. */
static bt_status add_deprecated(table *t, const bt_yaml_node *node, bt_error *error) {
  bt_status status = BT_OK;
  const bt_yaml_node *to = value_of(value_of(node, "deprecated"), "renamed_to"), *type = value_of(node, "type");
  bool is_group = value_of(node, "attributes") || value_of(node, "stability_group");
  bool is_event = is_text(type) && bt_str_equal(type->text, BT_STR("event"));
  bool is_metric = is_text(type) && bt_str_equal(type->text, BT_STR("metric"));
  const bt_yaml_node *from = value_of(node, is_event ? "name" : "id");
  if (!from && !is_event) from = value_of(node, "key");
  if (is_text(from) && is_text(to) && !is_metric && (is_event || !is_group)) {
    bt_rename rename = {.step = UINT16_MAX, .from = from->text, .to = to->text};
    rename.of = is_event ? BT_NAMES_OF_EVENT_NAMES : BT_NAMES_OF_SPANS | BT_NAMES_OF_RESOURCES | BT_NAMES_OF_EVENTS;
    status = add_rename(t, rename, error);
  }
  for (const bt_yaml_node *at = node->first; !status && at; at = at->next) status = add_deprecated(t, at, error);
  return status;
}

/* ---- files ---- */

static bt_status read_text(const char *path, bt_arena *arena, bt_str *out, bt_error *error) {
  FILE *file = fopen(path, "rbe");
  if (!file) return bt_error_set(error, BT_IO, "%.200s: %s", path, strerror(errno));
  char *bytes = bt_arena_array(arena, BT_CONVENTION_FILE_BYTES + 1, 1);
  size_t length = bytes ? fread(bytes, 1, BT_CONVENTION_FILE_BYTES + 1, file) : 0;
  bool failed = ferror(file) != 0;
  fclose(file);
  if (!bytes) return bt_error_no_memory(error);
  if (failed) return bt_error_set(error, BT_IO, "%.200s: it cannot be read", path);
  if (length > BT_CONVENTION_FILE_BYTES) return bt_error_set(error, BT_LIMIT, "%.200s: expected at most 4 MiB", path);
  *out = (bt_str){bytes, length};
  return BT_OK;
}

static bt_status read_file(table *t, const char *path, bt_error *error) {
  bt_arena arena;
  bt_str text = {0};
  bt_yaml_document d = {0};
  if (t->files++ == BT_CONVENTION_FILES_MAX)
    return bt_error_set(error, BT_LIMIT, "expected at most %d files", BT_CONVENTION_FILES_MAX);
  bt_arena_init(&arena, (size_t)32 * BT_CONVENTION_FILE_BYTES);
  bt_status status = read_text(path, &arena, &text, error);
  if (!status) status = bt_yaml_document_parse_foreign(&d, text, path, &arena, error);
  const bt_yaml_node *versions = status ? NULL : value_of(d.root, "versions");
  bool is_schema = versions && versions->kind == BT_YAML_MAP && value_of(d.root, "file_format");
  if (!status && is_schema) status = add_schema(t, &d, versions, error);
  if (!status && !is_schema && d.root) status = add_deprecated(t, d.root, error);
  bt_arena_dispose(&arena);
  return status;
}

static bool is_convention_file(const char *name) {
  uint32_t release;
  const char *dot = strrchr(name, '.');
  return bt_release_parse(bt_str_from(name), &release) ||
         (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0));
}

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static bt_status read_folder(table *t, const char *folder, unsigned depth, bt_error *error);

static bt_status read_entry(table *t, const char *folder, const char *name, unsigned depth, bt_error *error) {
  char path[PATH_BYTES];
  struct stat about;
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  if (length < 0 || (size_t)length >= sizeof path || lstat(path, &about)) return BT_OK;
  if (S_ISDIR(about.st_mode)) return depth < MOST_DEPTH ? read_folder(t, path, depth + 1, error) : BT_OK;
  bool is_file =
      S_ISREG(about.st_mode) || (S_ISLNK(about.st_mode) && stat(path, &about) == 0 && S_ISREG(about.st_mode));
  return is_file && is_convention_file(name) ? read_file(t, path, error) : BT_OK;
}

static bt_status read_folder(table *t, const char *folder, unsigned depth, bt_error *error) {
  struct dirent **entries = NULL;
  bt_status status = BT_OK;
  int count = scandir(folder, &entries, is_visible, alphasort);
  if (count < 0) return bt_error_set(error, BT_IO, "%.200s: %s", folder, strerror(errno));
  for (int i = 0; i < count; i++) {
    if (!status) status = read_entry(t, folder, entries[i]->d_name, depth, error);
    free(entries[i]);
  }
  free(entries);
  return status;
}

/* ---- the table ---- */

static int compare_renames(const void *left, const void *right) {
  const bt_rename *a = left, *b = right;
  if (a->release != b->release) return a->release < b->release ? -1 : 1;
  return (a->step > b->step) - (a->step < b->step);
}

/* What has no release comes last. A chain of such renames needs no order: each name leads to where the chain ends. */
static void end_chains(table *t) {
  for (size_t i = 0; i < t->count; i++) {
    bt_rename *rename = &t->items[i];
    if (rename->release) continue;
    for (size_t k = 0, steps = 0; k < t->count && steps < t->count; k++) {
      const bt_rename *next = &t->items[k];
      if (next->release || next->of != rename->of || !bt_str_equal(next->from, rename->to)) continue;
      if (bt_str_equal(next->to, rename->from)) break;
      rename->to = next->to;
      k = (size_t)-1;
      steps++;
    }
  }
  for (size_t i = 0; i < t->count; i++)
    if (!t->items[i].release) t->items[i].release = t->newest;
}

/* Steps are numbered anew: those of a later release come behind those of an earlier one. */
static bt_status finish_table(table *t, bt_conventions *out, bt_error *error) {
  bt_rename *items = bt_arena_array(t->arena, t->count, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  end_chains(t);
  qsort(t->items, t->count, sizeof *t->items, compare_renames);
  memcpy(items, t->items, t->count * sizeof *items);
  uint16_t step = 0;
  for (size_t i = 0; i < t->count; i++) {
    bool begins = i == 0 || compare_renames(&t->items[i - 1], &t->items[i]) != 0;
    if (begins) step++;
    items[i].step = step;
  }
  *out = (bt_conventions){t->newest, items, t->count};
  return BT_OK;
}

bt_status bt_convention_files_read(const char *folder, bt_arena *arena, bt_conventions *out, bt_error *error) {
  const bt_conventions *built_in = bt_conventions_built_in();
  table t = {.newest = built_in->newest, .arena = arena};
  bt_status status = BT_OK;
  for (size_t i = 0; !status && i < built_in->rename_count; i++) status = add_rename(&t, built_in->renames[i], error);
  t.order = 1000; /* behind the built-in steps of the same release */
  if (!status) status = read_folder(&t, folder, 0, error);
  if (!status && !t.files)
    status = bt_error_set(error, BT_INVALID,
                          "%.200s: expected OpenTelemetry schema files or a Weaver registry (*.yaml, or files such as "
                          "1.26.0), found none",
                          folder);
  if (!status) status = finish_table(&t, out, error);
  free(t.items);
  return status;
}

bt_status bt_convention_files_use(const char *folder, bt_error *error) {
  static bt_arena arena;
  static bt_conventions conventions;
  bt_rules_use_conventions(NULL);
  bt_arena_dispose(&arena);
  bt_arena_init(&arena, (size_t)8 * BT_CONVENTION_FILE_BYTES);
  bt_status status = bt_convention_files_read(folder, &arena, &conventions, error);
  if (!status) bt_rules_use_conventions(&conventions);
  return status;
}
