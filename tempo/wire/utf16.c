/* UTF-16 as UTF-8. See utf16.h. */
#include "tempo/wire/utf16.h"

enum { PIECE_BYTES = 16 * 1024, LONGEST = 8, REPLACEMENT = 0xFFFD, MARK = 0xFEFF };

bool bt_utf16_is(bt_str input) {
  if (input.len < 2) return false;
  unsigned char first = (unsigned char)input.ptr[0], second = (unsigned char)input.ptr[1];
  return (first == 0xFF && second == 0xFE) || (first == 0xFE && second == 0xFF);
}

static size_t write_code(uint32_t code, char *out) {
  if (code < 0x80) return out[0] = (char)code, 1;
  size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = length - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
  out[0] = (char)(leads[length] | code);
  return length;
}

/* Up to two characters: one that was left open, and this. */
static size_t write_unit(bt_utf16 *utf16, uint32_t unit, char *out) {
  uint32_t high = utf16->high;
  bool is_low = unit >= 0xDC00 && unit < 0xE000;
  utf16->high = 0;
  if (high && is_low) return write_code(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00), out);
  size_t length = high ? write_code(REPLACEMENT, out) : 0;
  if (unit >= 0xD800 && unit < 0xDC00)
    utf16->high = unit;
  else
    length += write_code(is_low ? REPLACEMENT : unit, out + length);
  return length;
}

/* False: half of a unit is there. */
static bool next_unit(bt_utf16 *utf16, unsigned char byte, uint32_t *unit) {
  utf16->has_byte = !utf16->has_byte;
  if (utf16->has_byte) return utf16->byte = byte, false;
  *unit = utf16->is_big ? (uint32_t)utf16->byte << 8 | byte : (uint32_t)byte << 8 | utf16->byte;
  if (utf16->is_begun) return true;
  utf16->is_begun = true;
  utf16->is_big = *unit != MARK;
  return false;
}

bt_status bt_utf16_feed(bt_utf16 *utf16, bt_str input, bt_utf16_sink sink, void *context, bt_error *error) {
  char piece[PIECE_BYTES];
  size_t length = 0;
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < input.len; i++) {
    uint32_t unit;
    if (!next_unit(utf16, (unsigned char)input.ptr[i], &unit)) continue;
    length += write_unit(utf16, unit, piece + length);
    if (length <= sizeof piece - LONGEST) continue;
    status = sink(context, (bt_str){piece, length}, error);
    length = 0;
  }
  return status == BT_OK && length ? sink(context, (bt_str){piece, length}, error) : status;
}
