/* Bytes as hexadecimal digits. Thread: no state. Anyone may include this. */
#ifndef BT_DSL_BASE_HEX_H
#define BT_DSL_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"

#define BT_HEX_DIGITS "0123456789abcdef"

/* Two digits a byte, in lower case, and a NUL. */
void bt_hex_format(const uint8_t *bytes, size_t count, char *hex);
/* Of either case, at most two digits a byte; what is missing are zeros in front. False: a text without digits, with too
 * many, or with something else. */
bool bt_hex_parse(bt_str hex, uint8_t *bytes, size_t count);

#endif
