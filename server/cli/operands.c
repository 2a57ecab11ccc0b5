/* Rules or traces? See operands.h. */
#include "server/cli/operands.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/cli/cli.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "tempo/files/file_source.h"

enum { JOBS_MAX = 256, KEPT_BYTES = 32 << 20 };
static const int64_t PROGRESS_NS = 100000000; /* between two times at which progress is shown */

/* Files of traces have one of these words near their beginning; a rule file that has is none that can be read. */
static bool begins_like_traces(const char *path) {
  static const char *const words[] = {"\"resourceSpans\"", "\"resource_spans\"", "\"batches\"", "\"scopeSpans\""};
  char text[4096];
  FILE *file = fopen(path, "rb");
  size_t length = file ? fread(text, 1, sizeof text, file) : 0;
  bool found = false;
  if (file) fclose(file);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    found = found || memmem(text, length, words[i], strlen(words[i])) != NULL;
  return found;
}

bool bt_operand_has_rules(const char *path) {
  struct stat about;
  bt_str name = bt_str_from(path);
  if (bt_str_ends_with(name, BT_STR(".yaml")) || bt_str_ends_with(name, BT_STR(".yml"))) return true;
  if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) return true;
  return bt_str_ends_with(name, BT_STR(".json")) && !bt_str_ends_with(name, BT_STR(".otlp.json")) &&
         stat(path, &about) == 0 && S_ISREG(about.st_mode) && !begins_like_traces(path);
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

bt_status bt_cli_open_traces(const char *const *paths, size_t count, unsigned jobs, bt_source **out, bt_error *error) {
  int64_t began_ns = bt_clock_monotonic_ns(), shown_ns = began_ns;
  const bt_file_opening how = {jobs, show_reading, &shown_ns, .leaves_out = true};
  keep_freed_memory();
  bt_status status = bt_file_source_open_wide(paths, count, &how, out, error);
  if (shown_ns != began_ns) bt_print_error("\r\033[K");
  if (status == BT_OK) {
    say_left_out(bt_file_source_account(*out));
    lacks_something |= bt_file_source_account(*out)->gaps.len > 0;
  }
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
