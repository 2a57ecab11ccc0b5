/* What an answer over a range rests on, in words. See answer.h. */
#include "server/cli/answer.h"

#include <string.h>

#include "server/base/time_text.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "tempo/wire/http_client.h"

bt_answer bt_answer_of(const bt_replay_options *options, const bt_replay_result *result) {
  bt_answer answer = {
      .options = options, .outcome = result->outcome, .reason = result->reason, .coverage = &result->coverage};
  for (size_t i = 0; i < result->rule_count; i++)
    answer.looked_at += result->rules[i].traces_evaluated + result->rules[i].violations_found;
  return answer;
}

bool bt_answer_has_gaps(const bt_answer *answer) {
  return answer->outcome != BT_REPLAY_COMPLETED;
}

bool bt_answer_is_unknown(const bt_answer *answer) {
  return bt_answer_has_gaps(answer) && !answer->looked_at;
}

/* ---- places ---- */

void bt_url_write(const char *url, bt_buffer *out) {
  bt_str rest = {url, strcspn(url, "?#")};
  const char *scheme = memmem(rest.ptr, rest.len, "://", 3);
  size_t before = scheme ? (size_t)(scheme - url) + 3 : 0;
  bt_buffer_append(out, (bt_str){url, before});
  rest = (bt_str){rest.ptr + before, rest.len - before};
  bt_str host = {rest.ptr, strcspn(rest.ptr, "/?#")};
  const char *at = host.len ? memrchr(host.ptr, '@', host.len) : NULL;
  size_t user = at ? (size_t)(at - rest.ptr) + 1 : 0;
  bt_buffer_append(out, (bt_str){rest.ptr + user, rest.len - user});
}

static void write_place(const bt_replay_options *options, bt_buffer *out) {
  if (options->source.address)
    bt_url_write(options->source.address, out);
  else if (options->trace_count == 1)
    bt_buffer_append(out, bt_str_from(options->traces[0]));
  else
    bt_buffer_printf(out, "%zu files", options->trace_count);
}

/* ---- reasons ---- */

/* Behind the stable word of a reason, and behind "source: ". */
static bt_str sentence_of(const char *reason) {
  size_t word = strspn(reason, "abcdefghijklmnopqrstuvwxyz_");
  return bt_str_from(reason[word] == ':' && reason[word + 1] == ' ' ? reason + word + 2 : reason);
}

static void write_failure(bt_str place, bt_str message, bt_buffer *out) {
  static const bt_str of_source = {"the source ", 11};
  bt_buffer_append(out, place);
  if (bt_str_contains(message, BT_STR(BT_HTTP_NOT_CONNECTED)))
    bt_buffer_append(out, BT_STR(" refused the connection, or nothing answers there"));
  else if (bt_str_starts_with(message, of_source))
    bt_buffer_append(out, (bt_str){message.ptr + of_source.len - 1, message.len - of_source.len + 1});
  else
    bt_buffer_printf(out, ": %.*s", BT_FMT(message));
}

void bt_failure_write(const char *url, const char *message, bt_buffer *out) {
  bt_buffer place = {0};
  bt_url_write(url, &place);
  write_failure(bt_buffer_str(&place), bt_str_from(message), out);
  bt_buffer_dispose(&place);
}

void bt_failure_name_place(const char *url, const char *advice, bt_error *error) {
  bt_buffer text = {0};
  bt_str message = bt_str_from(error->message);
  if (!bt_str_contains(message, BT_STR(BT_HTTP_NOT_CONNECTED))) return;
  bt_failure_write(url, error->message, &text);
  if (!text.failed) bt_error_set(error, error->status, "%.300s: %s", text.ptr, advice);
  bt_buffer_dispose(&text);
}

void bt_answer_write_reason(const bt_answer *answer, bt_buffer *out) {
  bt_buffer place = {0};
  write_place(answer->options, &place);
  if (answer->outcome == BT_REPLAY_CANCELLED)
    bt_buffer_append(out, BT_STR("cancelled before any trace was judged"));
  else
    write_failure(bt_buffer_str(&place), sentence_of(answer->reason), out);
  if (answer->options->source.address && bt_str_contains(sentence_of(answer->reason), BT_STR(BT_HTTP_NOT_CONNECTED)))
    bt_buffer_append(out, BT_STR(": " BT_NO_STORE_ADVICE));
  bt_buffer_dispose(&place);
}

static void write_window(const bt_failed_window *window, bt_buffer *out) {
  char start[40], end[40];
  bt_time_format(window->range.start_ns, start);
  bt_time_format(window->range.end_ns, end);
  bt_buffer_printf(out, "%.19sZ to %.19sZ: %s", start, end, window->reason);
}

void bt_answer_write_rest(const bt_answer *answer, bt_buffer *out) {
  const bt_coverage *coverage = answer->coverage;
  if (coverage->windows_failed_count) {
    write_window(&coverage->windows_failed[0], out);
    if (coverage->windows_failed_count > 1)
      bt_buffer_printf(out, ", and %zu more (below)", coverage->windows_failed_count - 1);
  } else if (answer->outcome == BT_REPLAY_CANCELLED) {
    bt_buffer_append(out, BT_STR("what was left when it was cancelled"));
  } else {
    bt_buffer_append(out, sentence_of(answer->reason));
  }
}

/* What is not settled, or was not there, is a sentence of its own. */
const char *bt_answer_rest_sign(const bt_answer *answer) {
  static const char *const words[] = {"partial_data", "unsettled", "long_traces", "dropped"};
  bool is_sentence = false;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    is_sentence = is_sentence || strncmp(answer->reason, words[i], strlen(words[i])) == 0;
  return is_sentence && !answer->coverage->windows_failed_count ? "; " : "; not looked at: ";
}

/* ---- printing ---- */

void bt_answer_print_unknown(const char *subject, const bt_answer *answer) {
  bt_buffer reason = {0};
  bt_answer_write_reason(answer, &reason);
  bt_print("%s%s%sUNKNOWN: %.*s%s\n", bt_style_on(BT_STYLE_YELLOW), subject, subject[0] ? ": " : "",
           BT_FMT(bt_buffer_str(&reason)), bt_style_on(BT_STYLE_OFF));
  bt_buffer_dispose(&reason);
}

void bt_answer_print_rest(const bt_answer *answer) {
  bt_buffer rest = {0};
  bt_answer_write_rest(answer, &rest);
  bt_print("%s%.*s", bt_answer_rest_sign(answer), BT_FMT(bt_buffer_str(&rest)));
  bt_buffer_dispose(&rest);
}
