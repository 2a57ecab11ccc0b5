/* Covers of id ranges. See id_cover.h. Thread: no state. */
#include "tempo/api/id_cover.h"

#include <string.h>

#include "dsl/base/hex.h"

static void write_class(char low, char high, bt_buffer *regex) {
  static const char digits[] = BT_HEX_DIGITS;
  bt_buffer_append_char(regex, '[');
  for (const char *digit = strchr(digits, low); *digit && *digit <= high; digit++) bt_buffer_append_char(regex, *digit);
  bt_buffer_append_char(regex, ']');
}

/* `rest` more digits: of an id that has begun, exactly so many. */
static void write_rest(size_t rest, bt_buffer *regex) {
  if (rest) bt_buffer_printf(regex, "[0-9a-f]{%zu}", rest);
}

static void begin_alternative(bt_buffer *regex) {
  if (regex->len) bt_buffer_append_char(regex, '|');
}

/* The ids that begin with `same` digits of `digits` and go on with a digit from `low` to `high`. */
static void write_from(const char *digits, size_t same, char low, char high, bt_buffer *regex) {
  size_t zeros = strspn(digits, "0"), rest = BT_TRACE_ID_HEX - same - 1;
  bool has_digit = zeros < same; /* one that counts is the same in all */
  if (has_digit || high != '0') {
    begin_alternative(regex);
    if (has_digit) bt_buffer_append(regex, (bt_str){digits + zeros, same - zeros});
    write_class(low == '0' && !has_digit ? '1' : low, high, regex);
    write_rest(rest, regex);
  }
  if (has_digit || low != '0' || !rest) return;
  begin_alternative(regex);
  bt_buffer_printf(regex, "[0-9a-f]{1,%zu}", rest);
}

static char next_digit(char digit) {
  return digit == '9' ? 'a' : (char)(digit + 1);
}

static char digit_before(char digit) {
  return digit == 'a' ? '9' : (char)(digit - 1);
}

/* Where behind a beginning of `same` digits and one more the first other digit than these is, or the last one. */
static size_t first_other(const char *digits, size_t same, const char *than) {
  size_t at = same + 1 + strspn(digits + same + 1, than);
  return at < BT_TRACE_ID_HEX ? at : BT_TRACE_ID_HEX - 1;
}

/* Those that begin as `low` does and are not below it, as far as its first digit tells that is no f. */
static void write_low(const char *low, size_t same, bt_buffer *regex) {
  size_t at = first_other(low, same, "f");
  write_from(low, at, low[at], 'f', regex);
}

/* Those that begin as `high` does and are not above it, as far as its first digit tells that is no 0. */
static void write_high(const char *high, size_t same, bt_buffer *regex) {
  size_t at = first_other(high, same, "0");
  write_from(high, at, '0', high[at], regex);
}

void bt_id_cover(const bt_trace_id *low, const bt_trace_id *high, bt_buffer *regex) {
  char first[BT_TRACE_ID_HEX + 1], last[BT_TRACE_ID_HEX + 1];
  size_t same = 0;
  bt_trace_id_format(low, first);
  bt_trace_id_format(high, last);
  while (same < BT_TRACE_ID_HEX && first[same] == last[same]) same++;
  if (same == BT_TRACE_ID_HEX) {
    bt_buffer_append(regex, bt_str_from(first + strspn(first, "0")));
    return;
  }
  bool has_all_of_low = same + 1 == BT_TRACE_ID_HEX || first[same + 1] == '0';
  bool has_all_of_high = same + 1 == BT_TRACE_ID_HEX || last[same + 1] == 'f';
  char from = has_all_of_low ? first[same] : next_digit(first[same]);
  char to = has_all_of_high ? last[same] : digit_before(last[same]);
  if (same == 0 && from == '0' && to == 'f') return;
  if (!has_all_of_low) write_low(first, same, regex);
  if (from <= to) write_from(first, same, from, to, regex);
  if (!has_all_of_high) write_high(last, same, regex);
}
