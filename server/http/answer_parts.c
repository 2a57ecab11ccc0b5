/* Parts of answers. See answer_parts.h. */
#include "server/http/answer_parts.h"

#include "server/base/clock.h"

bt_patience bt_patience_begin(int64_t timeout_ns, const bt_cancel *cancel) {
  int64_t now_ns = bt_clock_monotonic_ns(), first_ns = BT_ANSWER_FIRST_WAIT_NS;
  return (bt_patience){now_ns + (timeout_ns < first_ns ? timeout_ns : first_ns), now_ns + timeout_ns, cancel};
}

bool bt_patience_wants_stream(const bt_patience *patience) {
  return bt_clock_monotonic_ns() >= patience->first_until_ns;
}

bool bt_patience_is_over(const bt_patience *patience) {
  return bt_clock_monotonic_ns() >= patience->until_ns || bt_is_cancelled(patience->cancel);
}

static int append_text(const char *text, size_t length, void *buffer) {
  bt_buffer_append(buffer, (bt_str){text, length});
  return ((bt_buffer *)buffer)->failed ? -1 : 0;
}

void bt_answer_append(bt_buffer *out, json_t *object) {
  if (!object || json_dump_callback(object, append_text, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) != 0)
    out->failed = true;
  json_decref(object);
}

/* The members are an object of their own, written without its first brace. */
void bt_answer_end_list(bt_buffer *out, json_t *members) {
  bt_buffer text = {0};
  bt_answer_append(&text, members);
  bt_buffer_append(out, BT_STR("],"));
  if (text.failed || !text.len)
    out->failed = true;
  else
    bt_buffer_append(out, (bt_str){text.ptr + 1, text.len - 1});
  bt_buffer_append_char(out, '\n');
  bt_buffer_dispose(&text);
}

void bt_answer_text(bt_call *call, const char *content_type, const bt_buffer *text) {
  if (text->failed)
    bt_call_problem(call, 503, "no-memory", "There was not enough memory to answer.");
  else
    bt_call_text(call, 200, content_type, bt_buffer_str(text));
}

void bt_answer_no_room(bt_call *call) {
  bt_call_problem(call, 503, "no-memory", "There is not enough memory for this request.");
}
