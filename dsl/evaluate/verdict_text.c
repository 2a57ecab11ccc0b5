/* Saying why a verdict is inconclusive, and what a budget was spent on. See eval.h. */
#include "dsl/evaluate/eval.h"

enum { MOST_SHOWN = 80 }; /* bytes of a selector */

const char *bt_reason_in_words(bt_reason reason) {
  switch (reason) {
  case BT_REASON_NONE: break;
  case BT_REASON_BUDGET: return "the budget ran out before the verdict was certain";
  case BT_REASON_INCOMPLETE:
    return "spans may be missing or still to come, and with them the verdict could be another one";
  case BT_REASON_PRUNED:
    return "summaries stand for spans that are not there, and with them the verdict could be another one";
  case BT_REASON_COPIES: return "copies of a span differ, and with another one the verdict could be another one";
  case BT_REASON_TIME: return "a span has no start or no end, and with it the verdict could be another one";
  case BT_REASON_DROPPED:
    return "a span, an event, a link or a resource had more than was kept, or a span had flags that nobody kept, and "
           "with that the verdict could be another one";
  case BT_REASON_SAMPLED:
    return "services keep a part of their spans each, and one of them may have dropped what the rule asks for";
  case BT_REASON_TYPE:
    return "the store keeps texts without their types, and as a number, a boolean or a list one of them could change "
           "the verdict";
  case BT_REASON_SKEW: return "the order of spans of two services is within the clock skew";
  case BT_REASON_LINKED: return "the rule asks for traces that are linked to this one, and not all of them were seen";
  }
  return "";
}

static void say_place(bt_str text, uint32_t at, bt_buffer *out) {
  uint32_t line = 1, column = 1;
  for (uint32_t i = 0; i < at && i < text.len; i++) {
    bool is_end = text.ptr[i] == '\n', continues = ((unsigned char)text.ptr[i] & 0xC0) == 0x80;
    line += is_end;
    column = is_end ? 1 : column + !continues;
  }
  bt_buffer_printf(out, " (line %u, column %u)", line, column);
}

/* On one line, cut between two characters. */
static void say_part(bt_str text, bt_range range, bt_buffer *out) {
  uint32_t end = range.end, at = range.start;
  if (end - at > MOST_SHOWN) end = at + MOST_SHOWN;
  while (end > at && end < range.end && ((unsigned char)text.ptr[end] & 0xC0) == 0x80) end--;
  bt_buffer_append(out, BT_STR(", in `"));
  for (; at < end; at++) {
    bool is_blank = text.ptr[at] == ' ' || text.ptr[at] == '\n' || text.ptr[at] == '\t' || text.ptr[at] == '\r';
    bool follows_blank = is_blank && at > range.start && out->len && out->ptr[out->len - 1] == ' ';
    if (!follows_blank) bt_buffer_append_char(out, is_blank ? ' ' : text.ptr[at]);
  }
  bt_buffer_append(out, end < range.end ? BT_STR("…`") : BT_STR("`"));
  say_place(text, range.start, out);
}

void bt_verdict_say_spending(const bt_rule_verdict *verdict, bt_str rule_text, bt_buffer *out) {
  switch (verdict->spent) {
  case BT_SPENT_NOTHING: return;
  case BT_SPENT_STEPS: bt_buffer_append(out, BT_STR("too many spans were looked at")); break;
  case BT_SPENT_TEXT: bt_buffer_append(out, BT_STR("too much text was walked over")); break;
  case BT_SPENT_TESTS: bt_buffer_append(out, BT_STR("too many tests of each span")); return;
  case BT_SPENT_TIME: bt_buffer_append(out, BT_STR("it took too long")); break;
  }
  if (verdict->spent_in.end > verdict->spent_in.start && verdict->spent_in.end <= rule_text.len)
    say_part(rule_text, verdict->spent_in, out);
}
