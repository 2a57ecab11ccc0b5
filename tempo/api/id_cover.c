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

/* The ids that begin with `same` digits of low and go on with a digit from low's to high's. */
static void write_from(const char *low, const char *high, size_t same, bt_buffer *regex) {
  size_t zeros = strspn(low, "0"), rest = BT_TRACE_ID_HEX - same - 1;
  if (zeros < same) { /* some digit that counts is the same in both */
    bt_buffer_append(regex, (bt_str){low + zeros, same - zeros});
    write_class(low[same], high[same], regex);
    write_rest(rest, regex);
    return;
  }
  write_class(low[same] == '0' ? '1' : low[same], high[same], regex);
  write_rest(rest, regex);
  if (low[same] == '0' && rest) bt_buffer_printf(regex, "|[0-9a-f]{1,%zu}", rest);
}

void bt_id_cover(const bt_trace_id *low, const bt_trace_id *high, bt_buffer *regex) {
  char first[BT_TRACE_ID_HEX + 1], last[BT_TRACE_ID_HEX + 1];
  size_t same = 0;
  bt_trace_id_format(low, first);
  bt_trace_id_format(high, last);
  while (same < BT_TRACE_ID_HEX && first[same] == last[same]) same++;
  if (same == 0 && first[0] == '0' && last[0] == 'f') return;
  if (same < BT_TRACE_ID_HEX)
    write_from(first, last, same, regex);
  else
    bt_buffer_append(regex, bt_str_from(first + strspn(first, "0")));
}
