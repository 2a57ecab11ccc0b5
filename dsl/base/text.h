/* Text slices. A bt_str is a pointer and a length; it owns nothing and need not end in NUL.
 * Thread: values, no state. Anyone may include this. */
#ifndef BT_DSL_BASE_TEXT_H
#define BT_DSL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct bt_str {
  const char *ptr; /* borrowed; may be NULL when len is 0 */
  size_t len;      /* bytes */
} bt_str;

/* A slice of a string literal. */
#define BT_STR(literal) ((bt_str){(literal), sizeof(literal) - 1})
/* For printf: "%.*s" with BT_FMT(s). */
#define BT_FMT(s) (int)(s).len, (s).ptr ? (s).ptr : ""

/* A range of bytes in a rule's text: [start, end). */
typedef struct bt_range {
  uint32_t start;
  uint32_t end;
} bt_range;

bt_str bt_str_from(const char *c_string);
static inline bool bt_str_equal(bt_str a, bt_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
bool bt_str_equal_nocase(bt_str a, bt_str b); /* ASCII case only */
/* Order by bytes, which for UTF-8 is order by code point: <0, 0, >0. */
int bt_str_compare(bt_str a, bt_str b);
bool bt_str_starts_with(bt_str s, bt_str prefix);
bool bt_str_ends_with(bt_str s, bt_str suffix);
bool bt_str_contains(bt_str s, bt_str part);
bt_str bt_str_trim(bt_str s); /* without the spaces and tabs at both ends; a part of s */
/* FNV-1a, 64 bits; for tables in memory, never for identity. */
uint64_t bt_str_hash(bt_str s);

/* A growing byte buffer with a maximum, heap-allocated. All-zero is empty with no maximum; call dispose in the end.
 * After an append that could not be done (over the maximum, or out of memory) `failed` stays true and nothing more is
 * added, so that a writer checks once at its end. */
typedef struct bt_buffer {
  char *ptr; /* always NUL-terminated once anything was appended */
  size_t len, capacity;
  size_t maximum; /* bytes; 0: none */
  bool failed;
} bt_buffer;

void bt_buffer_append(bt_buffer *buffer, bt_str s);
void bt_buffer_append_char(bt_buffer *buffer, char c);
void bt_buffer_printf(bt_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bt_buffer_clear(bt_buffer *buffer); /* keeps the memory */
void bt_buffer_dispose(bt_buffer *buffer);
bt_str bt_buffer_str(const bt_buffer *buffer); /* borrowed until the next append */

/* Number of bytes of the valid UTF-8 sequence at the start of s, 0 when it is not one (or s is empty). */
size_t bt_utf8_sequence(bt_str s, uint32_t *code_point);
/* Whether this character is not shown where it stands, or changes how others are shown: C0, DEL and C1; separators of
 * lines and paragraphs; all that steers direction; tags, variation selectors, what has no width, the mark of byte
 * order. One list for every output (dsl/base/hidden_characters.h). */
bool bt_is_obeyed(uint32_t code_point);
/* Appends it as JSON and strings of the language have it: \u202e, and \udb40\udc01 above U+FFFF. */
void bt_append_utf16_escape(uint32_t code_point, bt_buffer *out);
bool bt_utf8_valid(bt_str s);

#endif
