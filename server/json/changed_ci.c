/* What changed, for a pull request. See changed_ci.h. */
#include "server/json/changed_ci.h"

#include "server/base/shown_text.h"
#include "server/json/ci_note.h"
#include "server/json/xml.h"
#include "server/query/behaviour_text.h"
#include "server/query/changed_text.h"

/* As it can be shown. Disposed by free_texts. */
typedef struct change_texts {
  bt_buffer words, line, traces, dsl;
} change_texts;

static void free_texts(change_texts *texts) {
  bt_buffer_dispose(&texts->words);
  bt_buffer_dispose(&texts->line);
  bt_buffer_dispose(&texts->traces);
  bt_buffer_dispose(&texts->dsl);
}

static bt_status write_texts(const bt_changed *changed, const bt_change *change, change_texts *out, bt_error *error) {
  bt_rule_definition *rule = NULL;
  *out = (change_texts){0};
  bt_buffer words = {0};
  bt_behaviour_write(changed->traces, change->behaviour, &words);
  bt_shown_append(bt_buffer_str(&words), &out->words);
  bt_buffer_dispose(&words);
  bt_change_write(changed, change, &out->line);
  bt_change_examples_write(change, &out->traces);
  bt_status status = bt_change_rule(changed->traces, change, &rule, error);
  if (status == BT_INVALID) status = BT_OK; /* the language does not take it: there is no rule to show */
  if (rule) bt_buffer_append(&out->dsl, bt_str_from(rule->fields.dsl));
  bt_rule_definition_unref(rule);
  bool has_failed = out->words.failed || out->line.failed || out->traces.failed || out->dsl.failed;
  return status ? status : has_failed ? bt_error_no_memory(error) : BT_OK;
}

static void write_detail(const change_texts *texts, bt_buffer *out) {
  bt_buffer_append(out, bt_buffer_str(&texts->traces));
  if (texts->dsl.len) bt_buffer_printf(out, "\nwhat was so, as a rule:\n%s", texts->dsl.ptr);
}

static bool is_known(const bt_changed *changed) {
  return !bt_changed_is_unknown(changed) && !changed->account.unread[0];
}

/* How much was compared, and what did not change or is not known. */
static void write_rest(const bt_changed *changed, bt_buffer *out) {
  bt_changed_head_write(changed, out);
  bt_changed_end_write(changed, out);
}

/* ---- GitHub ---- */

bt_status bt_changed_annotate(const bt_changed *changed, bt_buffer *out, bt_error *error) {
  bt_buffer rest = {0};
  bt_status status = BT_OK;
  for (size_t i = 0; i < changed->changes.count && !status; i++) {
    change_texts texts;
    status = write_texts(changed, &changed->changes.items[i], &texts, error);
    bt_buffer_append_char(&texts.line, '\n');
    write_detail(&texts, &texts.line);
    if (!status)
      bt_ci_note_write(&(bt_ci_note){.level = "error",
                                     .title = BT_STR("betrace: this changed"),
                                     .message = bt_buffer_str(&texts.line)},
                       out);
    out->failed = out->failed || texts.line.failed;
    free_texts(&texts);
  }
  write_rest(changed, &rest);
  bt_ci_note_write(&(bt_ci_note){.level = is_known(changed) ? "notice" : "error",
                                 .title = is_known(changed) ? BT_STR("betrace: the rest")
                                                            : BT_STR("betrace: not everything is known"),
                                 .message = bt_buffer_str(&rest)},
                   out);
  if (!status && (out->failed || rest.failed)) status = bt_error_no_memory(error);
  bt_buffer_dispose(&rest);
  return status;
}

/* ---- JUnit ---- */

static void begin_case(bt_str name, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("    <testcase classname=\"changed\""));
  bt_xml_attribute(out, "name", name);
  bt_buffer_append(out, BT_STR(">\n"));
}

static void write_rest_case(const bt_changed *changed, bt_buffer *out) {
  bt_buffer rest = {0};
  write_rest(changed, &rest);
  begin_case(BT_STR("everything else"), out);
  if (!is_known(changed)) {
    const char *unknown = bt_changed_is_unknown(changed);
    bt_xml_outcome(out, "error", bt_str_from(unknown ? unknown : "a part of the range was not read"),
                   bt_buffer_str(&rest));
  } else {
    bt_buffer_append(out, BT_STR("      <system-out>"));
    bt_xml_text(out, bt_buffer_str(&rest), false);
    bt_buffer_append(out, BT_STR("</system-out>\n"));
  }
  bt_buffer_append(out, BT_STR("    </testcase>\n"));
  out->failed = out->failed || rest.failed;
  bt_buffer_dispose(&rest);
}

bt_status bt_changed_junit(const bt_changed *changed, bt_buffer *out, bt_error *error) {
  size_t count = changed->changes.count;
  bt_status status = BT_OK;
  bt_buffer_append(out, BT_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
  for (int level = 0; level < 2; level++)
    bt_buffer_printf(out, "%s name=\"betrace changed\" tests=\"%zu\" failures=\"%zu\" errors=\"%d\">\n",
                     level ? "  <testsuite" : "<testsuites", count + 1, count, !is_known(changed));
  for (size_t i = 0; i < count && !status; i++) {
    change_texts texts;
    bt_buffer detail = {0};
    status = write_texts(changed, &changed->changes.items[i], &texts, error);
    write_detail(&texts, &detail);
    begin_case(bt_buffer_str(&texts.words), out);
    bt_xml_outcome(out, "failure", bt_buffer_str(&texts.line), bt_buffer_str(&detail));
    bt_buffer_append(out, BT_STR("    </testcase>\n"));
    out->failed = out->failed || detail.failed;
    bt_buffer_dispose(&detail);
    free_texts(&texts);
  }
  write_rest_case(changed, out);
  bt_buffer_append(out, BT_STR("  </testsuite>\n</testsuites>\n"));
  return status ? status : out->failed ? bt_error_no_memory(error) : BT_OK;
}

/* ---- Markdown ---- */

/* The longest run of backticks: the fence has to be longer. */
static size_t fence_of(bt_str text, size_t least) {
  size_t run = 0, longest = least - 1;
  for (size_t i = 0; i < text.len; i++) {
    run = text.ptr[i] == '`' ? run + 1 : 0;
    if (run > longest) longest = run;
  }
  return longest + 1;
}

static void append_fence(size_t length, bt_buffer *out) {
  while (length--) bt_buffer_append_char(out, '`');
}

static void append_code(bt_str text, bt_buffer *out) {
  size_t fence = fence_of(text, 1);
  append_fence(fence, out);
  if (fence > 1) bt_buffer_append_char(out, ' '); /* it may begin or end with a backtick */
  bt_buffer_append(out, text);
  if (fence > 1) bt_buffer_append_char(out, ' ');
  append_fence(fence, out);
}

static void append_block(bt_str text, const char *language, bt_buffer *out) {
  size_t fence = fence_of(text, 3);
  append_fence(fence, out);
  bt_buffer_printf(out, "%s\n", language);
  bt_shown_append_lines(text, out);
  if (!bt_str_ends_with(text, BT_STR("\n"))) bt_buffer_append_char(out, '\n');
  append_fence(fence, out);
  bt_buffer_append_char(out, '\n');
}

bt_status bt_changed_markdown(const bt_changed *changed, bt_buffer *out, bt_error *error) {
  size_t count = changed->changes.count;
  bt_buffer rest = {0};
  bt_status status = BT_OK;
  if (count)
    bt_buffer_printf(out, "### BeTrace: %zu thing%s changed\n\n", count, count == 1 ? "" : "s");
  else
    bt_buffer_append(out, is_known(changed) ? BT_STR("### BeTrace: nothing changed that these traces show\n\n")
                                            : BT_STR("### BeTrace: what changed is not known\n\n"));
  for (size_t i = 0; i < count && !status; i++) {
    change_texts texts;
    status = write_texts(changed, &changed->changes.items[i], &texts, error);
    bt_buffer_append(out, BT_STR("**"));
    append_code(bt_buffer_str(&texts.words), out);
    bt_buffer_append(out, BT_STR("**\n\n"));
    bt_buffer_append_char(&texts.line, '\n');
    bt_buffer_append(&texts.line, bt_buffer_str(&texts.traces));
    append_block(bt_buffer_str(&texts.line), "text", out);
    if (texts.dsl.len) bt_buffer_append(out, BT_STR("\nWhat was so, as a rule:\n\n"));
    if (texts.dsl.len) append_block(bt_buffer_str(&texts.dsl), "", out);
    bt_buffer_append_char(out, '\n');
    out->failed = out->failed || texts.line.failed;
    free_texts(&texts);
  }
  write_rest(changed, &rest);
  append_block(bt_buffer_str(&rest), "text", out);
  if (!status && (out->failed || rest.failed)) status = bt_error_no_memory(error);
  bt_buffer_dispose(&rest);
  return status;
}
