/* `use` of rule files. See used_files.h. Depth first, each file once. A file that is used is parsed into a bt_rulefile
 * of its own, which lives until all names were copied. */
#include "server/rulefile/used_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct used_file {
  char *path; /* on the heap, as realpath gives it */
  bt_rulefile file;
  bool is_open; /* what it uses is being read */
} used_file;

typedef struct joining {
  used_file files[BT_USED_FILES_MAX];
  size_t file_count;
  bt_alias *aliases; /* these two are in the arena of the first file */
  bt_own_name *names;
  size_t alias_count, name_count;
} joining;

typedef struct user { /* who says use */
  const bt_rulefile *file;
  const char *name, *path;
} user;

static bt_status fail_use(const user *from, const bt_rulefile_use *use, bt_error *error, const char *what) {
  return bt_error_set(error, BT_INVALID, "%.100s:%u:%u: use: %s, got %.100s", from->name, use->line, use->column, what,
                      use->path.ptr ? use->path.ptr : "nothing");
}

/* ---- the path ---- */

static bool goes_up(bt_str path) {
  for (const char *at = path.ptr; at; at = strchr(at, '/')) {
    at += *at == '/';
    if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || !at[2])) return true;
  }
  return false;
}

static char *real_folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
  char *real = folder ? realpath(folder, NULL) : NULL;
  free(folder);
  return real;
}

/* The real path of the file, in the folder of the user or below it; NULL: there is none. Links may not lead out. */
static char *find_used(const char *user_path, bt_str path) {
  bt_buffer joined = {0};
  char *folder = real_folder_of(user_path);
  if (folder) bt_buffer_printf(&joined, "%s/%s", folder, path.ptr);
  char *real = folder && !joined.failed ? realpath(joined.ptr, NULL) : NULL;
  size_t length = folder ? strlen(folder) : 0;
  bool is_inside = real && strncmp(real, folder, length) == 0 && (real[length] == '/' || length == 1);
  bt_buffer_dispose(&joined);
  free(folder);
  if (is_inside) return real;
  free(real);
  return NULL;
}

static char *read_whole(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  char *text = file ? malloc(BT_RULEFILE_MAX_BYTES + 2) : NULL;
  if (text) *length = fread(text, 1, BT_RULEFILE_MAX_BYTES + 1, file);
  bool ok = text && !ferror(file);
  if (file) fclose(file);
  if (ok) return text;
  free(text);
  return NULL;
}

/* ---- what it says ---- */

static bt_status join_alias(joining *j, const bt_alias *alias, const char *name, bt_error *error) {
  for (size_t i = 0; i < j->alias_count; i++)
    if (bt_str_equal(j->aliases[i].keys[0], alias->keys[0])) {
      if (bt_alias_equal(&j->aliases[i], alias)) return BT_OK;
      return bt_error_set(error, BT_INVALID, "%.100s: aliases: %.100s is said otherwise in a file that is used with it",
                          name, alias->keys[0].ptr);
    }
  j->aliases[j->alias_count++] = *alias;
  return BT_OK;
}

static bt_status join_name(joining *j, const bt_own_name *own, const char *name, bt_error *error) {
  for (size_t i = 0; i < j->name_count; i++)
    if (bt_str_equal(j->names[i].word, own->word)) {
      if (bt_str_equal(j->names[i].spans, own->spans)) return BT_OK;
      return bt_error_set(error, BT_INVALID, "%.100s: names: %.100s is said otherwise in a file that is used with it",
                          name, own->word.ptr);
    }
  j->names[j->name_count++] = *own;
  return BT_OK;
}

static bt_status join_said(joining *j, const bt_own_names *said, const char *name, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; said && !status && i < said->alias_count; i++)
    status = join_alias(j, &said->aliases[i], name, error);
  for (size_t i = 0; said && !status && i < said->name_count; i++) status = join_name(j, &said->names[i], name, error);
  return status;
}

/* ---- the files ---- */

static bt_status read_uses(joining *j, const user *from, bt_error *error);

/* Takes the path. */
static bt_status read_used(joining *j, char *path, bt_error *error) {
  used_file *used = &j->files[j->file_count++];
  size_t length = 0;
  char *text = read_whole(path, &length);
  *used = (used_file){.path = path, .is_open = true};
  if (!text) return bt_error_set(error, BT_INVALID, "%.200s: use: this file cannot be read", path);
  bt_status status = bt_rulefile_parse((bt_str){text, length}, path, &used->file, error);
  const user next = {&used->file, path, path};
  if (!status) status = read_uses(j, &next, error);
  used->is_open = false;
  free(text);
  return status;
}

static bt_status read_use(joining *j, const user *from, const bt_rulefile_use *use, bt_error *error) {
  if (!use->path.len || use->path.ptr[0] == '/' || goes_up(use->path))
    return fail_use(from, use, error, "expected a file in the folder of this one or below it");
  char *path = find_used(from->path, use->path);
  if (!path) return fail_use(from, use, error, "expected a file that is there, in the folder of this one or below it");
  for (size_t i = 0; i < j->file_count; i++)
    if (strcmp(j->files[i].path, path) == 0) {
      free(path);
      return j->files[i].is_open ? fail_use(from, use, error, "expected no file that uses this one") : BT_OK;
    }
  if (j->file_count < BT_USED_FILES_MAX) return read_used(j, path, error);
  free(path);
  return fail_use(from, use, error, "expected at most 63 files in all");
}

static bt_status read_uses(joining *j, const user *from, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; !status && i < from->file->use_count; i++) status = read_use(j, from, &from->file->uses[i], error);
  return status;
}

static bt_status give_names(joining *j, bt_rulefile *file, const char *name, bt_error *error) {
  size_t aliases = 0, names = 0;
  for (size_t i = 0; i < j->file_count; i++) {
    const bt_own_names *said = bt_shared_names_get(i ? j->files[i].file.own_names : file->own_names);
    aliases += said ? said->alias_count : 0;
    names += said ? said->name_count : 0;
  }
  j->aliases = bt_arena_array(&file->arena, aliases, sizeof *j->aliases);
  j->names = bt_arena_array(&file->arena, names, sizeof *j->names);
  if (!j->aliases || !j->names) return bt_error_no_memory(error);
  bt_status status = join_said(j, bt_shared_names_get(file->own_names), name, error);
  for (size_t i = 1; !status && i < j->file_count; i++)
    status = join_said(j, bt_shared_names_get(j->files[i].file.own_names), j->files[i].path, error);
  bt_shared_names *all = NULL;
  const bt_own_names joined = {j->aliases, j->alias_count, j->names, j->name_count};
  if (!status) status = bt_shared_names_new(&joined, &all, error);
  for (size_t i = 0; !status && i < file->rule_count; i++) {
    bt_shared_names_unref(file->rules[i].fields.own_names);
    file->rules[i].fields.own_names = bt_shared_names_ref(all);
  }
  file->all_names = all;
  return status;
}

bt_status bt_used_files_join(bt_rulefile *file, const char *name, const char *path, bt_error *error) {
  const user first = {file, name, path};
  if (!file->use_count) return BT_OK;
  if (!path || strcmp(path, "-") == 0)
    return fail_use(&first, &file->uses[0], error,
                    "expected none where no files are read: write its aliases and names into this file");
  joining *j = calloc(1, sizeof *j);
  if (!j) return bt_error_no_memory(error);
  char *real = realpath(path, NULL); /* an editor may have a file that was never saved */
  j->files[0] = (used_file){.path = real ? real : strdup(path), .is_open = true};
  j->file_count = 1;
  bt_status status = j->files[0].path ? read_uses(j, &first, error) : bt_error_no_memory(error);
  if (!status) status = give_names(j, file, name, error);
  for (size_t i = 0; i < j->file_count; i++) {
    free(j->files[i].path);
    if (i) bt_rulefile_dispose(&j->files[i].file);
  }
  free(j);
  return status;
}
