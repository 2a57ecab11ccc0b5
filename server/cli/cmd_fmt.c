/* `betrace fmt`: the canonical text of rules, in rule files or of one text from stdin. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/cli/cli.h"
#include "server/rulefile/file_format.h"

static const char help[] =
    "Usage: betrace fmt [-w | --check] FILE…\n\n"
    "Writes rules in their canonical form. In a rule file only the blocks of rules' texts (dsl: |) change, everything "
    "else\n"
    "stays as it is; a text that is written in another way is left alone when it is canonical, and refused when it is "
    "not.\n"
    "- reads the text of one rule from stdin and prints it.\n\n"
    "  betrace fmt -w rules.yaml\n"
    "  echo 'when{a}always{b}' | betrace fmt -\n\n"
    "  -w, --write   writes the files, instead of printing them\n"
    "  --check       prints the names of files that would change, and changes none\n"
    "  --json        one object: the files that changed or would, and what could not be formatted\n\n"
    "Exit status: 0 fine, 1 something would change (--check) or a rule cannot be formatted, 2 wrong usage or a file "
    "that\n"
    "cannot be read or written.\n";

typedef enum fmt_mode { FMT_PRINT, FMT_WRITE, FMT_CHECK } fmt_mode;

typedef struct formatting {
  fmt_mode mode;
  bool print_json;
  json_t *changed, *failed; /* names; {file, message} */
  bool found, is_unusable;  /* for the exit status: 1, 2 */
} formatting;

static void fail_file(formatting *fmt, const char *path, const char *message, bool is_usage) {
  if (!fmt->print_json)
    fprintf(stderr, "%s%s", message, message[0] && message[strlen(message) - 1] == '\n' ? "" : "\n");
  json_array_append_new(fmt->failed, json_pack("{s:s, s:s}", "file", path, "message", message));
  fmt->found = true;
  fmt->is_unusable = fmt->is_unusable || is_usage;
}

static bool write_all(int file, bt_str text) {
  while (text.len) {
    ssize_t done = write(file, text.ptr, text.len);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    text = (bt_str){text.ptr + done, text.len - (size_t)done};
  }
  return true;
}

/* The new text beside the file, then in its place: no moment has half a file. The file behind a link is the one that is written. */
static bool write_file(const char *path, bt_str text) {
  struct stat old;
  bt_buffer name = {0};
  char *real = realpath(path, NULL);
  if (real) bt_buffer_printf(&name, "%s.XXXXXX", real);
  int file = name.ptr && !name.failed && stat(real, &old) == 0 ? mkstemp(name.ptr) : -1;
  bool ok = file >= 0 && write_all(file, text) && fchmod(file, old.st_mode & 07777) == 0 && fsync(file) == 0;
  if (file >= 0) ok = close(file) == 0 && ok;
  ok = ok && rename(name.ptr, real) == 0;
  if (!ok && file >= 0) unlink(name.ptr);
  bt_buffer_dispose(&name);
  free(real);
  return ok;
}

static void finish_file(formatting *fmt, const char *path, bt_str old, bt_str new) {
  bool changes = !bt_str_equal(old, new);
  if (changes) json_array_append_new(fmt->changed, json_string(path));
  if (fmt->mode == FMT_PRINT && !fmt->print_json) {
    fwrite(new.ptr, 1, new.len, stdout);
  } else if (fmt->mode == FMT_CHECK && changes) {
    fmt->found = true;
    if (!fmt->print_json) puts(path);
  } else if (fmt->mode == FMT_WRITE && changes && !write_file(path, new)) {
    char message[600];
    snprintf(message, sizeof message, "betrace fmt: %.400s cannot be written: %s", path, strerror(errno));
    fail_file(fmt, path, message, true);
  }
}

static bt_status format_text(bt_str text, bt_buffer *out, bt_buffer *problems, bt_error *error) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_format(text, out, &diagnostics, error);
  bt_diagnostics_print(&diagnostics, text, "<stdin>", problems);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

static void format_file(formatting *fmt, const char *path) {
  bool is_text = strcmp(path, "-") == 0;
  size_t length = 0;
  bt_error error = {0};
  bt_buffer out = {0}, problems = {0};
  char *content = bt_cli_read_file(path, BT_RULEFILE_MAX_BYTES, &length, &error);
  bt_str text = {content, length};
  if (!content) {
    fail_file(fmt, path, error.message, true);
    return;
  }
  bt_status status =
      is_text ? format_text(text, &out, &problems, &error) : bt_rulefile_format(text, path, &out, &problems, &error);
  if (status)
    fail_file(fmt, path, problems.len ? problems.ptr : error.message, status != BT_INVALID);
  else
    finish_file(fmt, path, text, bt_buffer_str(&out));
  bt_buffer_dispose(&out);
  bt_buffer_dispose(&problems);
  free(content);
}

static int run_fmt(formatting *fmt, char **paths, size_t count) {
  fmt->changed = json_array();
  fmt->failed = json_array();
  for (size_t i = 0; i < count; i++) format_file(fmt, paths[i]);
  if (fmt->print_json) bt_cli_print_json(json_pack("{s:O, s:O}", "changed", fmt->changed, "failed", fmt->failed));
  json_decref(fmt->changed);
  json_decref(fmt->failed);
  if (fmt->is_unusable) return BT_EXIT_USAGE;
  return fmt->found ? BT_EXIT_FOUND : BT_EXIT_FINE;
}

int bt_cmd_fmt(int argc, char **argv) {
  enum { OPT_CHECK = 1, OPT_JSON, OPT_HELP };
  static const struct option known[] = {{"write", 0, NULL, 'w'},
                                        {"check", 0, NULL, OPT_CHECK},
                                        {"json", 0, NULL, OPT_JSON},
                                        {"help", 0, NULL, OPT_HELP},
                                        {NULL, 0, NULL, 0}};
  formatting fmt = {0};
  bool writes = false, checks = false;
  int option;
  while ((option = getopt_long(argc, argv, "w", known, NULL)) != -1) {
    if (option == OPT_HELP) return fputs(help, stdout), BT_EXIT_FINE;
    if (option == '?') return bt_cli_usage_error("fmt", "an option is not known");
    writes = writes || option == 'w';
    checks = checks || option == OPT_CHECK;
    fmt.print_json = fmt.print_json || option == OPT_JSON;
  }
  if (writes && checks) return bt_cli_usage_error("fmt", "-w writes files and --check does not: give one of them");
  if (optind == argc) return bt_cli_usage_error("fmt", "say which rule files, or - for a rule's text on stdin");
  for (int i = optind; i < argc; i++)
    if (writes && strcmp(argv[i], "-") == 0) return bt_cli_usage_error("fmt", "stdin cannot be written: leave out -w");
  fmt.mode = checks ? FMT_CHECK : writes ? FMT_WRITE : FMT_PRINT;
  return run_fmt(&fmt, argv + optind, (size_t)(argc - optind));
}
