/* Rules' texts in documents. See place.h. A place around a cursor is found without the YAML library: while somebody
 * types, the file is rarely YAML, and that is when completion is asked for. */
#include "server/lsp/place.h"

#include <string.h>

enum { MAX_LOOKED_BACK = 2 * BT_MAX_RULE_BYTES };

bt_lsp_place bt_lsp_place_of_text(bt_str file) {
  return (bt_lsp_place){.file = file, .end = file.len, .is_exact = true};
}

/* ---- lines ---- */

/* The first line behind `at`, or the end. YAML takes \r and U+0085 for breaks, too. */
static size_t next_line(bt_str file, size_t at) {
  for (; at < file.len; at++) {
    char c = file.ptr[at];
    if (c == '\r' && at + 1 < file.len && file.ptr[at + 1] == '\n') continue;
    if (c == '\n' || c == '\r') return at + 1;
    if (c == '\xC2' && at + 1 < file.len && file.ptr[at + 1] == '\x85') return at + 2;
  }
  return file.len;
}

static size_t line_start(bt_str file, size_t at) {
  while (at && file.ptr[at - 1] != '\n' && file.ptr[at - 1] != '\r') at--;
  return at;
}

static bool is_blank_or_break(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The line from `at` without its break and the blanks before that. */
static bt_str line_at(bt_str file, size_t at) {
  size_t end = next_line(file, at);
  while (end > at && is_blank_or_break(file.ptr[end - 1])) end--;
  return (bt_str){file.ptr + at, end - at};
}

static size_t leading_blanks(bt_str line) {
  size_t count = 0;
  while (count < line.len && line.ptr[count] == ' ') count++;
  return count;
}

/* ---- of a rule that was read ---- */

static size_t end_of_quoted(bt_str file, size_t start, char quote) {
  for (size_t at = start; at < file.len; at++) {
    if (file.ptr[at] == '\\' && quote == '"')
      at++;
    else if (file.ptr[at] == quote)
      return at;
  }
  return file.len;
}

bt_lsp_place bt_lsp_place_of_rule(bt_str file, const bt_rulefile_rule *rule) {
  bt_lsp_place place = {.file = file, .indentation = rule->dsl_column, .is_block = rule->dsl_is_block};
  size_t at = rule->dsl_offset < file.len ? rule->dsl_offset : file.len;
  char first = at < file.len ? file.ptr[at] : '\0';
  bt_str text = bt_str_from(rule->fields.dsl ? rule->fields.dsl : "");
  bool has_other_breaks =
      bt_str_contains(text, BT_STR("\xE2\x80\xA8")) || bt_str_contains(text, BT_STR("\xE2\x80\xA9"));
  place.is_exact = rule->dsl_column > 0 && !has_other_breaks;
  if (place.is_block) {
    place.start = place.is_exact ? next_line(file, at) : at;
    place.end = file.len;
  } else {
    place.quote = first == '"' || first == '\'' ? first : '\0';
    place.start = at + (place.quote != '\0');
    place.end = place.quote ? end_of_quoted(file, place.start, place.quote) : at + line_at(file, at).len;
  }
  return place;
}

/* ---- around a cursor ---- */

/* `- dsl: …` or `"dsl": …`: where the key and what follows its colon begin. False: the line has no such key there. */
static bool find_key(bt_str line, size_t from, size_t *key, size_t *value) {
  static const char *const names[] = {"dsl", "condition", "expression"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    size_t at = from, length = strlen(names[i]);
    char quote = at < line.len && (line.ptr[at] == '"' || line.ptr[at] == '\'') ? line.ptr[at] : '\0';
    at += quote != '\0';
    if (at + length >= line.len || memcmp(line.ptr + at, names[i], length) != 0) continue;
    at += length;
    if (quote && (at >= line.len || line.ptr[at++] != quote)) continue;
    if (at >= line.len || line.ptr[at] != ':') continue;
    *key = from;
    for (at++; at < line.len && line.ptr[at] == ' ';) at++;
    return *value = at, true;
  }
  return false;
}

/* Behind the dashes of a line. */
static size_t behind_dashes(bt_str line) {
  size_t at = leading_blanks(line);
  while (at + 1 < line.len && line.ptr[at] == '-' && line.ptr[at + 1] == ' ')
    at += 1 + leading_blanks((bt_str){line.ptr + at + 1, line.len - at - 1});
  return at;
}

/* The block below a line, if the line says that there is one: `dsl: |`. */
static bool has_block(bt_str line, size_t *key) {
  size_t value;
  return find_key(line, behind_dashes(line), key, &value) && value < line.len &&
         (line.ptr[value] == '|' || line.ptr[value] == '>');
}

/* Lines from `start` until one is indented no more than the key; the first one says how much the block is. */
static void measure_block(bt_lsp_place *place, size_t key, size_t cursor_column) {
  size_t at = place->start;
  place->indentation = 0;
  while (at < place->file.len) {
    bt_str line = line_at(place->file, at);
    size_t blanks = leading_blanks(line);
    if (line.len && blanks <= key) break;
    if (line.len && !place->indentation) place->indentation = (unsigned)blanks;
    at = next_line(place->file, at);
  }
  place->end = at;
  if (!place->indentation) place->indentation = (unsigned)(cursor_column > key ? cursor_column : key + 1);
}

/* Goes up from the cursor's line to the line that opens a block, past lines that are indented more than its key. */
static bool find_block(bt_str file, size_t offset, bt_lsp_place *out) {
  size_t own = line_start(file, offset), column = offset - own, key, looked = 0;
  bt_str line = line_at(file, own);
  size_t least = line.len && leading_blanks(line) < line.len ? leading_blanks(line) : column;
  for (size_t at = own; at && looked < MAX_LOOKED_BACK;) {
    size_t above = line_start(file, at - 1 - (at > 1 && file.ptr[at - 1] == '\n' && file.ptr[at - 2] == '\r'));
    looked += at - above;
    line = line_at(file, at = above);
    if (has_block(line, &key) && key < least) {
      *out = (bt_lsp_place){.file = file, .start = next_line(file, at), .is_block = true, .is_exact = true};
      measure_block(out, key, column);
      return true;
    }
    if (line.len && leading_blanks(line) < least) least = leading_blanks(line);
  }
  return false;
}

/* The last `dsl: text` that begins on the cursor's line in front of it. */
static bool find_on_line(bt_str file, size_t offset, bt_lsp_place *out) {
  size_t own = line_start(file, offset), key, value, found = 0;
  bt_str line = line_at(file, own);
  for (size_t at = behind_dashes(line); at < line.len; at++) {
    bool can_begin = at == 0 || strchr(" {,", line.ptr[at - 1]);
    if (can_begin && find_key(line, at, &key, &value) && own + value <= offset) found = value;
  }
  if (!found) return false;
  char first = found < line.len ? line.ptr[found] : '\0';
  if (first == '|' || first == '>') return false;
  *out = (bt_lsp_place){.file = file, .start = own + found, .end = own + line.len, .is_exact = true};
  if (first == '"' || first == '\'') {
    size_t end = end_of_quoted((bt_str){file.ptr, own + line.len}, ++out->start, first);
    out->quote = first;
    out->end = end;
    bool is_escaped = memchr(file.ptr + out->start, '\\', end - out->start) && first == '"';
    bool is_doubled = end + 1 < file.len && file.ptr[end] == '\'' && file.ptr[end + 1] == '\'';
    if (is_escaped || is_doubled) return false;
  }
  if (out->end < offset && !out->quote) out->end = offset; /* blanks at the end of the line */
  return out->start <= offset && offset <= out->end;
}

bool bt_lsp_place_around(bt_str file, size_t offset, bt_lsp_place *out) {
  return find_on_line(file, offset, out) || find_block(file, offset, out);
}

/* ---- the way between the two ---- */

void bt_lsp_place_read(const bt_lsp_place *place, bt_buffer *text) {
  if (!place->is_block) {
    bt_buffer_append(text, (bt_str){place->file.ptr + place->start, place->end - place->start});
    return;
  }
  for (size_t at = place->start; at < place->end;) {
    size_t next = next_line(place->file, at), end = next < place->end ? next : place->end;
    bool has_break = end > at && (place->file.ptr[end - 1] == '\n' || place->file.ptr[end - 1] == '\r');
    while (end > at && (place->file.ptr[end - 1] == '\n' || place->file.ptr[end - 1] == '\r')) end--;
    size_t blanks = leading_blanks((bt_str){place->file.ptr + at, end - at});
    at += blanks < place->indentation ? blanks : place->indentation;
    bt_buffer_append(text, (bt_str){place->file.ptr + at, end - at});
    if (has_break) bt_buffer_append_char(text, '\n');
    at = next;
  }
}

/* Behind the indentation of a line of a block. */
static size_t content_start(const bt_lsp_place *place, size_t line) {
  size_t blanks = leading_blanks((bt_str){place->file.ptr + line, place->file.len - line});
  return line + (blanks < place->indentation ? blanks : place->indentation);
}

size_t bt_lsp_place_to_file(const bt_lsp_place *place, bt_str text, size_t offset) {
  if (!place->is_exact) return place->start;
  if (offset > text.len) offset = text.len;
  if (!place->is_block) return place->start + offset < place->file.len ? place->start + offset : place->file.len;
  size_t line = place->start, column = 0;
  for (size_t i = 0; i < offset; i++, column++)
    if (text.ptr[i] == '\n') {
      line = next_line(place->file, line);
      column = (size_t)-1;
    }
  size_t at = content_start(place, line) + column;
  return at < place->file.len ? at : place->file.len;
}

size_t bt_lsp_place_to_text(const bt_lsp_place *place, bt_str text, size_t offset) {
  if (!place->is_block) return offset - place->start < text.len ? offset - place->start : text.len;
  size_t line = place->start, in_text = 0;
  for (size_t next = next_line(place->file, line); next <= offset && next > line; next = next_line(place->file, line)) {
    const char *end = in_text < text.len ? memchr(text.ptr + in_text, '\n', text.len - in_text) : NULL;
    if (!end) break;
    in_text = (size_t)(end - text.ptr) + 1;
    line = next;
  }
  size_t start = content_start(place, line);
  in_text += offset > start ? offset - start : 0;
  return in_text < text.len ? in_text : text.len;
}

void bt_lsp_place_write(const bt_lsp_place *place, bt_str piece, bt_buffer *out) {
  for (size_t i = 0; i < piece.len; i++) {
    char c = piece.ptr[i];
    if (place->quote == '"' && (c == '"' || c == '\\')) bt_buffer_append_char(out, '\\');
    if (place->quote == '\'' && c == '\'') bt_buffer_append_char(out, '\'');
    if (place->quote == '"' && c == '\n') {
      bt_buffer_append(out, BT_STR("\\n"));
      continue;
    }
    bt_buffer_append_char(out, c);
    for (unsigned k = 0; place->is_block && c == '\n' && k < place->indentation; k++) bt_buffer_append_char(out, ' ');
  }
}
