/* Texts of open documents. See document.h. */
#include "server/lsp/document.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/rulefile/rulefile.h"
#include "server/rulefile/used_files.h"

static bool add_line(bt_lsp_document *document, size_t start) {
  size_t *lines = bt_grow_array(document->lines, document->line_count, &document->line_capacity, sizeof *lines);
  if (!lines) return false;
  document->lines = lines;
  document->lines[document->line_count++] = start;
  return true;
}

static bt_status find_lines(bt_lsp_document *document, bt_error *error) {
  bt_str text = bt_buffer_str(&document->text);
  document->line_count = 0;
  bool ok = add_line(document, 0);
  for (size_t at = 0; at < text.len && ok; at++) {
    bool is_pair = text.ptr[at] == '\r' && at + 1 < text.len && text.ptr[at + 1] == '\n';
    if (!is_pair && (text.ptr[at] == '\n' || text.ptr[at] == '\r')) ok = add_line(document, at + 1);
  }
  return ok ? BT_OK : bt_error_no_memory(error);
}

static bt_status take_text(bt_lsp_document *document, bt_buffer *text, bt_error *error) {
  if (text->failed) {
    bt_buffer_dispose(text);
    return bt_error_no_memory(error);
  }
  bt_buffer_dispose(&document->text);
  document->text = *text;
  document->is_too_large = text->len > BT_RULEFILE_MAX_BYTES;
  if (document->is_too_large) bt_buffer_dispose(&document->text);
  return find_lines(document, error);
}

bt_status bt_lsp_document_set(bt_lsp_document *document, bt_str text, bt_error *error) {
  bt_buffer new = {0};
  bt_buffer_append(&new, text);
  return take_text(document, &new, error);
}

bt_status bt_lsp_document_replace(bt_lsp_document *document, size_t start, size_t end, bt_str text, bt_error *error) {
  bt_str old = bt_lsp_document_text(document);
  bt_buffer new = {0};
  if (document->is_too_large) return BT_OK;
  bt_buffer_append(&new, (bt_str){old.ptr, start});
  bt_buffer_append(&new, text);
  if (end < old.len) bt_buffer_append(&new, (bt_str){old.ptr + end, old.len - end});
  return take_text(document, &new, error);
}

bt_status bt_lsp_document_open(bt_lsp_document *document, bt_str uri, bt_str language, bt_str text, bt_error *error) {
  *document = (bt_lsp_document){.uri = strndup(uri.ptr, uri.len), .language = strndup(language.ptr, language.len)};
  if (!document->uri || !document->language) return bt_error_no_memory(error);
  return bt_lsp_document_set(document, text, error);
}

void bt_lsp_document_dispose(bt_lsp_document *document) {
  free(document->uri);
  free(document->language);
  free(document->lines);
  bt_buffer_dispose(&document->text);
  bt_shared_names_unref(document->names);
  *document = (bt_lsp_document){0};
}

bt_str bt_lsp_document_text(const bt_lsp_document *document) {
  bt_str text = bt_buffer_str(&document->text);
  return text.ptr ? text : BT_STR("");
}

/* Other YAML has `rules:`, too. */
static bool has_rules(bt_str text) {
  return bt_str_contains(text, BT_STR("rules")) &&
         (bt_str_contains(text, BT_STR("dsl")) || bt_str_contains(text, BT_STR("condition:")) ||
          bt_str_contains(text, BT_STR("expression:")));
}

bt_lsp_kind bt_lsp_document_kind(const bt_lsp_document *document) {
  bt_str uri = bt_str_from(document->uri);
  if (strcmp(document->language, "betrace") == 0 || bt_str_ends_with(uri, BT_STR(".betrace"))) return BT_LSP_RULE_TEXT;
  bool is_ours = bt_str_ends_with(uri, BT_STR(".betrace.yaml")) || bt_str_ends_with(uri, BT_STR(".betrace.yml")) ||
                 bt_str_ends_with(uri, BT_STR(".betrace.json"));
  return is_ours || has_rules(bt_lsp_document_text(document)) ? BT_LSP_RULE_FILE : BT_LSP_OTHER;
}

/* ---- places ---- */

size_t bt_lsp_document_line_of(const bt_lsp_document *document, size_t offset) {
  size_t low = 0, high = document->line_count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (document->lines[middle] <= offset)
      low = middle;
    else
      high = middle;
  }
  return low;
}

bt_range bt_lsp_document_line(const bt_lsp_document *document, size_t line) {
  bt_str text = bt_lsp_document_text(document);
  if (line >= document->line_count) return (bt_range){(uint32_t)text.len, (uint32_t)text.len};
  size_t start = document->lines[line];
  size_t end = line + 1 < document->line_count ? document->lines[line + 1] : text.len;
  while (end > start && (text.ptr[end - 1] == '\n' || text.ptr[end - 1] == '\r')) end--;
  return (bt_range){(uint32_t)start, (uint32_t)end};
}

/* Bytes of the next character, at least 1, and its length in units. */
static size_t next_character(bt_str rest, bt_lsp_units units, size_t *length) {
  uint32_t c = 0;
  size_t bytes = bt_utf8_sequence(rest, &c);
  if (!bytes) bytes = 1;
  *length = units == BT_LSP_UTF8 ? bytes : c > 0xFFFF ? 2 : 1;
  return bytes;
}

size_t bt_lsp_document_offset(const bt_lsp_document *document, bt_lsp_units units, bt_lsp_position position) {
  bt_str text = bt_lsp_document_text(document);
  if (position.line >= document->line_count) return text.len;
  bt_range line = bt_lsp_document_line(document, position.line);
  size_t at = line.start, character = 0, length;
  while (at < line.end) {
    size_t bytes = next_character((bt_str){text.ptr + at, line.end - at}, units, &length);
    if (character + length > position.character) break;
    character += length;
    at += bytes;
  }
  return at;
}

bt_lsp_position bt_lsp_document_position(const bt_lsp_document *document, bt_lsp_units units, size_t offset) {
  bt_str text = bt_lsp_document_text(document);
  if (offset > text.len) offset = text.len;
  bt_lsp_position position = {.line = bt_lsp_document_line_of(document, offset)};
  bt_range line = bt_lsp_document_line(document, position.line);
  if (offset > line.end) offset = line.end;
  for (size_t at = line.start, length; at < offset; position.character += length) {
    size_t bytes = next_character((bt_str){text.ptr + at, line.end - at}, units, &length);
    if (at + bytes > offset) break;
    at += bytes;
  }
  return position;
}

/* ---- the file's names ---- */

char *bt_lsp_document_path(const bt_lsp_document *document) {
  static const char scheme[] = "file://";
  const char *uri = document->uri;
  char *path = strncmp(uri, scheme, sizeof scheme - 1) == 0 ? strdup(uri + sizeof scheme - 1) : NULL, *to = path;
  for (const char *from = path; from && *from; from++) {
    char digits[3] = {from[0] == '%' ? from[1] : 0, from[0] == '%' && from[1] ? from[2] : 0, 0}, *end;
    long byte = strtol(digits, &end, 16);
    bool is_byte = digits[1] && !*end && byte;
    *to++ = is_byte ? (char)byte : *from;
    from += is_byte ? 2 : 0;
  }
  if (to) *to = '\0';
  return path;
}

void bt_lsp_document_learn_names(bt_lsp_document *document) {
  bt_rulefile file;
  bool is_whole = false;
  if (document->is_too_large || bt_lsp_document_kind(document) != BT_LSP_RULE_FILE) return;
  bt_rulefile_parse_roughly(bt_lsp_document_text(document), "rules", &file, &is_whole);
  char *path = bt_lsp_document_path(document);
  bool are_joined = !bt_used_files_join(&file, "rules", path, NULL) && file.all_names;
  bt_shared_names *said = are_joined ? file.all_names : file.own_names;
  if (said || is_whole) {
    bt_shared_names_unref(document->names);
    document->names = bt_shared_names_ref(said);
  }
  free(path);
  bt_rulefile_dispose(&file);
}
