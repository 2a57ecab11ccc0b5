/* The word or string that a cursor is in. See context.h. */
#include "server/editor/context_parts.h"

static char byte_at(bt_str text, size_t i) {
  return i < text.len ? text.ptr[i] : '\0';
}

/* End of the string that begins at `start`: behind its quote, or where it stops for want of one. */
static size_t string_end(bt_str text, size_t start, bool *is_closed) {
  char quote = text.ptr[start];
  *is_closed = false;
  for (size_t i = start + 1; i < text.len; i++) {
    if (quote == '"' && text.ptr[i] == '\n') return i;
    if (quote == '"' && text.ptr[i] == '\\' && byte_at(text, i + 1) != '\n') {
      i++;
    } else if (text.ptr[i] == quote) {
      *is_closed = true;
      return i + 1;
    }
  }
  return text.len;
}

static size_t comment_end(bt_str text, size_t start) {
  bool is_block = text.ptr[start] == '/' && byte_at(text, start + 1) == '*';
  for (size_t i = start + (is_block ? 2 : 1); i < text.len; i++) {
    if (!is_block && text.ptr[i] == '\n') return i;
    if (is_block && text.ptr[i] == '*' && byte_at(text, i + 1) == '/') return i + 2;
  }
  return text.len + 1; /* it has no end, so that its last byte is inside too */
}

static bool begins_comment(bt_str text, size_t i) {
  return text.ptr[i] == '#' || (text.ptr[i] == '/' && (byte_at(text, i + 1) == '/' || byte_at(text, i + 1) == '*'));
}

bt_place_kind bt_place_find(bt_str text, size_t offset, bt_text_place *out) {
  for (size_t i = 0; i < offset;) {
    char c = text.ptr[i];
    if (begins_comment(text, i)) {
      bool is_line = c == '#' || byte_at(text, i + 1) == '/';
      size_t end = comment_end(text, i);
      if (offset < end || (is_line && offset == end)) return BT_PLACE_COMMENT;
      i = end;
    } else if (c == '"' || c == '`') {
      bool is_closed;
      size_t end = string_end(text, i, &is_closed);
      if (offset < end || (!is_closed && offset == end)) {
        *out = (bt_text_place){{(uint32_t)i + 1, (uint32_t)(is_closed ? end - 1 : end)}, (uint32_t)i, c, is_closed};
        return BT_PLACE_STRING;
      }
      i = end;
    } else {
      i++;
    }
  }
  return BT_PLACE_CODE;
}

/* Also bytes of characters beyond ASCII: µ of a unit, or a name that has to be quoted. */
static bool is_word_byte(char c) {
  return bt_is_identifier_part(c) || c == '.' || (unsigned char)c >= 0x80;
}

static size_t word_start(bt_str text, size_t offset) {
  size_t start = offset;
  while (start > 0 && (is_word_byte(text.ptr[start - 1]) ||
                       (text.ptr[start - 1] == '-' && start > 1 && bt_is_identifier_part(text.ptr[start - 2]))))
    start--;
  while (start < offset && (text.ptr[start] == '.' || text.ptr[start] == '-')) start++;
  return start;
}

static bool is_where_call(bt_str text, size_t dot) {
  static const char where[] = "where";
  size_t i = 0, next = dot + 1;
  while (i < sizeof where - 1 && byte_at(text, next) == where[i]) i++, next++;
  if (i < sizeof where - 1) return false;
  while (byte_at(text, next) == ' ' || byte_at(text, next) == '\t' || byte_at(text, next) == '\n' ||
         byte_at(text, next) == '\r')
    next++;
  return byte_at(text, next) == '(';
}

/* The rest of the path that the cursor stands in; `.where(` does not belong to it. */
static size_t word_end(bt_str text, size_t offset) {
  size_t end = offset;
  for (;; end++) {
    char c = byte_at(text, end), next = byte_at(text, end + 1);
    bool joins = bt_is_identifier_part(c) || (unsigned char)c >= 0x80 ||
                 (c == '-' && end > offset && bt_is_identifier_part(next)) ||
                 (c == '.' && bt_is_identifier_start(next) && !is_where_call(text, end));
    if (!joins || end >= text.len) return end;
  }
}

bt_range bt_word_find(bt_str text, size_t offset) {
  size_t start = word_start(text, offset);
  size_t end = start == offset ? offset : word_end(text, offset);
  return (bt_range){(uint32_t)start, (uint32_t)end};
}
