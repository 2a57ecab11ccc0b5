/* Rules or traces? See operands.h. */
#include "server/cli/operands.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/base/arena.h"
#include "server/base/clock.h"
#include "server/cli/cli.h"
#include "server/cli/printer.h"
#include "server/cli/rule_paths.h"
#include "server/cli/terminal.h"
#include "tempo/files/file_source.h"

enum { JOBS_MAX = 256, KEPT_BYTES = 32 << 20 };
static const int64_t PROGRESS_NS = 100000000; /* between two times at which progress is shown */

/* Whether one of these words is near the file's beginning. */
static bool begins_with_word(const char *path, const char *const *words, size_t count) {
  char text[4096];
  struct stat about;
  FILE *file = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(path, "rb") : NULL;
  size_t length = file ? fread(text, 1, sizeof text, file) : 0;
  bool found = false;
  if (file) fclose(file);
  for (size_t i = 0; i < count; i++) found = found || memmem(text, length, words[i], strlen(words[i])) != NULL;
  return found;
}

/* A rule file that has one of these is none that can be read. */
static bool begins_like_traces(const char *path) {
  static const char *const words[] = {"\"resourceSpans\"", "\"resource_spans\"",  "\"batches\"", "\"scopeSpans\"",
                                      "\"resourceLogs\"",  "\"resourceMetrics\"", "\"traceID\"", "\"traceId\"",
                                      "\"traceEvents\"",   "\"trace_id\"",        "\"spanID\""};
  return begins_with_word(path, words, sizeof words / sizeof words[0]);
}

/* Every rule of a rule file has a text, and JSON has one of these keys before it. */
static bool begins_like_rules(const char *path) {
  static const char *const words[] = {"\"rules\"", "\"groups\"", "\"dsl\"", "\"id\""};
  return begins_with_word(path, words, sizeof words / sizeof words[0]) && !begins_like_traces(path);
}

static bool has_ending(const char *path, const char *ending) {
  return bt_str_ends_with(bt_str_from(path), bt_str_from(ending));
}

static bool is_yaml(const char *path) {
  return has_ending(path, ".yaml") || has_ending(path, ".yml");
}

static bool is_folder(const char *path) {
  struct stat about;
  return strcmp(path, "-") != 0 && stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool is_rule_json(const char *path, bool has_others) {
  struct stat about;
  if (!has_ending(path, ".json") || has_ending(path, ".otlp.json")) return false;
  if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return false;
  return has_others ? begins_like_rules(path) : !begins_like_traces(path);
}

static bool folder_has_rules(const char *path, bool has_others) {
  bt_rule_paths files = {0};
  bt_error error;
  bool found = bt_rule_paths_add_folder(&files, path, &error) != BT_OK; /* whoever reads it says why not */
  for (size_t i = 0; i < files.count && !found; i++)
    found = is_yaml(files.items[i]) || is_rule_json(files.items[i], has_others);
  found = found || (!files.count && !has_others);
  bt_rule_paths_dispose(&files);
  return found;
}

bool bt_operand_has_rules(const char *path, bool has_others) {
  if (is_yaml(path)) return true;
  return is_folder(path) ? folder_has_rules(path, has_others) : is_rule_json(path, has_others);
}

bool bt_operands_have_rules(const bt_operands *operands) {
  for (size_t i = 0; i < operands->before_dashes; i++)
    if (is_yaml(operands->items[i]) || is_rule_json(operands->items[i], true)) return true;
  return false;
}

/* Of large files people see how far it is. */
static void show_reading(void *context, double so_far) {
  int64_t *shown_ns = context, now_ns = bt_clock_monotonic_ns();
  if (!bt_terminal_shows_progress() || now_ns - *shown_ns < PROGRESS_NS) return;
  *shown_ns = now_ns;
  bt_print_error("\rreading the files: %3.0f %%\033[K", so_far * 100);
}

/* Each group of traces that is read takes its memory and lets it go. Whether glibc then hands it to the system, and
 * asks for it again, hangs on what was freed before (mallopt(3)); where it does, that is a quarter of the time. */
static void keep_freed_memory(void) {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
#endif
}

static bool lacks_something;

static void say_left_out(const bt_file_account *account) {
  bt_buffer text = {0};
  for (size_t i = 0; i < account->note_count; i++) {
    bt_file_note_write(&account->notes[i], &text);
    bt_buffer_append_char(&text, '\n');
  }
  bt_print_error_lines(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
}

bool bt_cli_traces_lack_something(void) {
  return lacks_something;
}

/* Files, and all that are in folders. *is_found: of each, whether it was in a folder; owned by the caller. */
typedef struct trace_paths {
  bt_rule_paths files;
  bool *is_found;
} trace_paths;

static bt_status add_trace_path(trace_paths *all, const char *path, bt_error *error) {
  size_t before = all->files.count;
  bool is_many = is_folder(path);
  bt_status status = is_many                                 ? bt_rule_paths_add_folder(&all->files, path, error)
                     : bt_rule_paths_take(&all->files, path) ? BT_OK
                                                             : bt_error_no_memory(error);
  if (status == BT_OK && all->files.count == before)
    return bt_error_set(error, BT_INVALID, "%s: expected files of traces in this folder, and there are none", path);
  bool *is_found = status == BT_OK ? bt_realloc_array(all->is_found, all->files.count, sizeof *is_found) : NULL;
  if (!is_found) return status == BT_OK ? bt_error_no_memory(error) : status;
  all->is_found = is_found;
  for (size_t i = before; i < all->files.count; i++) is_found[i] = is_many;
  return BT_OK;
}

static bt_status open_paths(const trace_paths *all, unsigned jobs, bt_source **out, bt_error *error) {
  int64_t began_ns = bt_clock_monotonic_ns(), shown_ns = began_ns;
  const bt_file_opening how = {jobs, show_reading, &shown_ns, .leaves_out = true, .is_found = all->is_found};
  keep_freed_memory();
  bt_status status =
      bt_file_source_open_wide((const char *const *)all->files.items, all->files.count, &how, out, error);
  if (shown_ns != began_ns) bt_print_error("\r\033[K");
  if (status != BT_OK) return status;
  say_left_out(bt_file_source_account(*out));
  lacks_something |= bt_file_source_account(*out)->gaps.len > 0;
  return BT_OK;
}

bt_status bt_cli_open_traces(const char *const *paths, size_t count, unsigned jobs, bt_source **out, bt_error *error) {
  trace_paths all = {0};
  bt_status status = BT_OK;
  *out = NULL;
  for (size_t i = 0; i < count && status == BT_OK; i++) status = add_trace_path(&all, paths[i], error);
  if (status == BT_OK) status = open_paths(&all, jobs, out, error);
  bt_rule_paths_dispose(&all.files);
  free(all.is_found);
  return status == BT_IO ? (error->status = BT_INVALID) : status;
}

unsigned bt_cli_processors(void) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  return processors < 1 ? 1 : processors < JOBS_MAX ? (unsigned)processors : JOBS_MAX;
}

bool bt_cli_take_jobs(const char *value, unsigned *out) {
  uint64_t jobs;
  if (!bt_cli_number(value, &jobs) || !jobs || jobs > JOBS_MAX) return false;
  *out = (unsigned)jobs;
  return true;
}
