/* Ends of files that are cut off. See torn_end.h. Ids are found by their shape, because what is cut off cannot be
 * decoded: a text of 32 hex digits in JSON, a field of 16 bytes in protobuf. An id too many does no harm: its trace is
 * then taken to lack spans. */
#include "tempo/files/torn_end.h"

#include <stdlib.h>
#include <string.h>

/* The words of JSON that are cut at the end of the text. */
static bool is_cut_word(bt_str word) {
  static const char *const words[] = {"true", "false", "null"};
  for (size_t i = 0; word.len && i < sizeof words / sizeof *words; i++)
    if (bt_str_starts_with(bt_str_from(words[i]), word)) return true;
  return false;
}

/* A string may be cut inside a character of several bytes, or inside an escape: two of them are one character. */
static size_t cut_character(bt_str string) {
  enum { LONGEST_ESCAPE = 12, LONGEST_CHARACTER = 3 };
  size_t at = string.len, found = string.len;
  while (at && string.len - at < LONGEST_CHARACTER && (unsigned char)string.ptr[at - 1] >= 0x80) at--;
  if (at < string.len) return at;
  while (at && string.len - at < LONGEST_ESCAPE && strchr("0123456789abcdefABCDEFu\\", string.ptr[at - 1])) {
    at--;
    if (string.ptr[at] == '\\') found = at;
  }
  return found;
}

/* From where on a decoder may stop because the text is cut: its end, or before a character or a word that goes on
 * to it. */
static size_t end_begins_at(bt_str text) {
  size_t string = text.len, word = text.len;
  bool in_string = false;
  for (size_t i = 0; i < text.len; i++) {
    if (in_string) {
      i += text.ptr[i] == '\\';
      in_string = i >= text.len || text.ptr[i] != '"';
    } else if (text.ptr[i] == '"') {
      in_string = true;
      string = i + 1;
    }
  }
  if (in_string) return string + cut_character((bt_str){text.ptr + string, text.len - string});
  while (word && text.ptr[word - 1] >= 'a' && text.ptr[word - 1] <= 'z') word--;
  return is_cut_word((bt_str){text.ptr + word, text.len - word}) ? word : text.len;
}

/* Another document begins in it, so that it was not the last that was written. */
static bool holds_another(bt_str text) {
  for (const char *at = text.ptr, *end = text.ptr + text.len; (at = memchr(at, '\n', (size_t)(end - at))); at++)
    if (at + 1 < end && at[1] == '{') return true;
  return false;
}

/* All of it is right as far as it goes: the decoder wanted more where it ends. */
static bt_status is_right_so_far(bt_str text, bool *out, bt_error *error) {
  bt_span_batch *batch = NULL;
  bt_passed_over passed = {0};
  bt_error why = {0};
  *out = text.len == 0;
  if (*out) return BT_OK;
  bt_status status = bt_span_batch_new(bt_file_decode_cap(text.len), &batch, error);
  if (status != BT_OK) return status;
  bt_span_batch_leave_out(batch, &passed);
  bt_status decoded = bt_otlp_decode_json_documents(text, batch, &why);
  *out = decoded == BT_INVALID && bt_span_batch_stopped_at(batch) >= end_begins_at(text) && !holds_another(text);
  bt_span_batch_free(batch);
  bt_passed_over_dispose(&passed);
  return decoded == BT_NO_MEMORY ? bt_error_no_memory(error) : BT_OK;
}

static bt_status touch_texts(bt_str text, bt_passed_over *passed, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i + 1 < text.len && text.len - i - 1 >= BT_TRACE_ID_HEX; i++) {
    bt_trace_id id;
    if (text.ptr[i] == '"' && bt_trace_id_parse((bt_str){text.ptr + i + 1, BT_TRACE_ID_HEX}, &id))
      status = bt_passed_over_touch(passed, &id, error);
  }
  return status;
}

static bt_status touch_fields(bt_str bytes, bt_passed_over *passed, bt_error *error) {
  enum { TAG = 0x0A, LENGTH = 16 };
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && bytes.len - i >= LENGTH + 2; i++) {
    bt_trace_id id;
    if (bytes.ptr[i] != TAG || bytes.ptr[i + 1] != LENGTH) continue;
    memcpy(id.bytes, bytes.ptr + i + 2, LENGTH);
    status = bt_passed_over_touch(passed, &id, error);
  }
  return status;
}

/* What a file system leaves of bytes that it did not write. */
static bt_str without_zeros(bt_str text) {
  while (text.len && !text.ptr[text.len - 1]) text.len--;
  return text;
}

bt_status bt_torn_end_look(const bt_trace_file *file, const bt_file_unit *end, bt_passed_over *passed, bool *is_torn,
                           bt_error *error) {
  *is_torn = false;
  char *bytes = malloc(end->length ? end->length : 1);
  if (!bytes) return bt_error_no_memory(error);
  bt_str text = {bytes, end->length};
  bt_status status = bt_file_content_read(file->content, end->offset, bytes, end->length, error);
  bool is_json = file->format == BT_FILE_JSON;
  if (status == BT_OK) text = without_zeros(text);
  if (status == BT_OK && is_json) status = is_right_so_far(text, is_torn, error);
  if (status == BT_OK && !is_json) *is_torn = file->format == BT_FILE_PREFIXED;
  if (status == BT_OK && *is_torn)
    status = is_json ? touch_texts(text, passed, error) : touch_fields(text, passed, error);
  free(bytes);
  return status;
}
