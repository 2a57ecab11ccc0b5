/* Bytes as hexadecimal digits. See hex.h. */
#include "dsl/base/hex.h"

void bt_hex_format(const uint8_t *bytes, size_t count, char *hex) {
  static const char digits[] = BT_HEX_DIGITS;
  for (size_t i = 0; i < count; i++) {
    hex[2 * i] = digits[bytes[i] >> 4];
    hex[2 * i + 1] = digits[bytes[i] & 15];
  }
  hex[2 * count] = '\0';
}

/* Each digit's value + 1; 0: no digit. A table, because every span of an answer has ids. */
static const uint8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};

/* Fills `bytes` from the right, because what is missing are leading zeros. */
bool bt_hex_parse(bt_str hex, uint8_t *bytes, size_t count) {
  if (hex.len == 0 || hex.len > 2 * count) return false;
  const uint8_t *digits = (const uint8_t *)hex.ptr;
  size_t left = hex.len;
  bool is_hex = true;
  for (size_t i = count; i-- > 0;) {
    unsigned low = left ? hex_values[digits[--left]] : 1, high = left ? hex_values[digits[--left]] : 1;
    is_hex = is_hex && low && high;
    bytes[i] = (uint8_t)((high - 1) << 4 | ((low - 1) & 15));
  }
  return is_hex;
}
