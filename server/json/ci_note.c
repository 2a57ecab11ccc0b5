/* Workflow commands of GitHub Actions, and JUnit of a check. See ci_note.h. */
#include "server/json/ci_note.h"

#include <string.h>

#include "server/base/shown_text.h"
#include "server/json/json_members.h"
#include "server/json/xml.h"

/* ---- GitHub ---- */

/* A value ends at a comma or a colon, a message at the line's end: these are written as numbers. What is not shown
 * comes as on a terminal. */
static void write_escaped(bt_str text, bool is_value, bt_buffer *out) {
  while (text.len) {
    char c = text.ptr[0];
    size_t length = 1;
    if (c == '%' || c == '\n' || c == '\r' || (is_value && (c == ':' || c == ',')))
      bt_buffer_printf(out, "%%%02X", (unsigned)c);
    else
      length = bt_shown_append_one(text, true, out);
    text = (bt_str){text.ptr + length, text.len - length};
  }
}

void bt_ci_note_write(const bt_ci_note *note, bt_buffer *out) {
  bt_buffer_printf(out, "::%s ", note->level);
  if (note->file) {
    bt_buffer_append(out, BT_STR("file="));
    write_escaped(bt_str_from(note->file), true, out);
    bt_buffer_printf(out, ",line=%u,col=%u,", note->line, note->column);
  }
  bt_buffer_append(out, BT_STR("title="));
  write_escaped(note->title, true, out);
  bt_buffer_append(out, BT_STR("::"));
  write_escaped(note->message, false, out);
  bt_buffer_append_char(out, '\n');
}

/* ---- problems ---- */

static bool is_warning(const json_t *problem) {
  return strcmp(bt_json_text_at(problem, "severity"), "warning") == 0;
}

static void write_message(const json_t *problem, bt_buffer *out) {
  const char *fix = json_string_value(json_object_get(json_object_get(problem, "fix"), "text"));
  bt_buffer_append(out, bt_str_from(bt_json_text_at(problem, "message")));
  if (fix) bt_buffer_append(out, BT_STR("\nfix: "));
  if (fix) bt_buffer_append(out, bt_str_from(fix));
}

static unsigned number_of(const json_t *problem, const char *name) {
  return (unsigned)json_integer_value(json_object_get(problem, name));
}

void bt_problems_annotate(const json_t *problems, bt_buffer *out) {
  const json_t *problem;
  size_t at;
  json_array_foreach(problems, at, problem) {
    bt_buffer title = {0}, message = {0};
    const char *code = bt_json_text_at(problem, "code");
    bt_buffer_printf(&title, "betrace%s%s", code[0] ? " " : "", code);
    write_message(problem, &message);
    bt_ci_note_write(&(bt_ci_note){is_warning(problem) ? "warning" : "error", bt_json_text_at(problem, "file"),
                                   number_of(problem, "line"), number_of(problem, "column"), bt_buffer_str(&title),
                                   bt_buffer_str(&message)},
                     out);
    out->failed = out->failed || title.failed || message.failed;
    bt_buffer_dispose(&title);
    bt_buffer_dispose(&message);
  }
}

/* ---- JUnit ---- */

/* The lines of one file's errors, or of its warnings; how many they are. */
static size_t write_problems(const json_t *problems, const char *file, bool warnings, bt_buffer *out) {
  const json_t *problem;
  size_t at, count = 0;
  json_array_foreach(problems, at, problem) {
    if (strcmp(bt_json_text_at(problem, "file"), file) != 0 || is_warning(problem) != warnings) continue;
    const char *code = bt_json_text_at(problem, "code");
    bt_buffer_printf(out, "%u:%u: %s%s", number_of(problem, "line"), number_of(problem, "column"), code,
                     code[0] ? ": " : "");
    write_message(problem, out);
    bt_buffer_append_char(out, '\n');
    count++;
  }
  return count;
}

static void write_output(bt_str text, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("      <system-out>"));
  bt_xml_text(out, text, false);
  bt_buffer_append(out, BT_STR("</system-out>\n"));
}

typedef struct junit_counts {
  size_t failed, unreadable;
} junit_counts;

static void write_file(const json_t *problems, const json_t *file, junit_counts *counts, bt_buffer *out) {
  bt_buffer errors = {0}, warnings = {0}, message = {0};
  const char *name = bt_json_text_at(file, "file"),
             *unreadable = json_string_value(json_object_get(file, "unreadable"));
  size_t error_count = write_problems(problems, name, false, &errors);
  write_problems(problems, name, true, &warnings);
  bt_buffer_append(out, BT_STR("    <testcase classname=\"rules\""));
  bt_xml_attribute(out, "name", bt_str_from(name));
  bt_buffer_append(out, BT_STR(">\n"));
  bt_buffer_printf(&message, "%zu error%s", error_count, error_count == 1 ? "" : "s");
  counts->failed += error_count && !unreadable;
  counts->unreadable += unreadable != NULL;
  if (unreadable)
    bt_xml_outcome(out, "error", bt_str_from(unreadable), BT_STR(""));
  else if (error_count)
    bt_xml_outcome(out, "failure", bt_buffer_str(&message), bt_buffer_str(&errors));
  if (warnings.len) write_output(bt_buffer_str(&warnings), out);
  bt_buffer_append(out, BT_STR("    </testcase>\n"));
  out->failed = out->failed || errors.failed || warnings.failed || message.failed;
  bt_buffer_dispose(&errors);
  bt_buffer_dispose(&warnings);
  bt_buffer_dispose(&message);
}

bt_status bt_problems_junit(const json_t *problems, const json_t *files, bt_buffer *out, bt_error *error) {
  const json_t *file;
  size_t at;
  junit_counts counts = {0};
  bt_buffer cases = {0};
  json_array_foreach(files, at, file) write_file(problems, file, &counts, &cases);
  bt_buffer_append(out, BT_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
  for (int level = 0; level < 2; level++)
    bt_buffer_printf(out, "%s name=\"betrace check\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n",
                     level ? "  <testsuite" : "<testsuites", json_array_size(files), counts.failed, counts.unreadable);
  bt_buffer_append(out, bt_buffer_str(&cases));
  bt_buffer_append(out, BT_STR("  </testsuite>\n</testsuites>\n"));
  bool failed = out->failed || cases.failed;
  bt_buffer_dispose(&cases);
  return failed ? bt_error_no_memory(error) : BT_OK;
}
