/* Ends of files that are cut off. See torn_end.h. Ids are found by their shape, because what is cut off cannot be
 * decoded: a text of 32 hex digits in JSON, a field of 16 bytes in protobuf. An id too many does no harm: its trace is
 * then taken to lack spans. */
#include "tempo/files/torn_end.h"

#include <stdlib.h>
#include <string.h>

/* Brackets and quotes are open at the end, and nothing that begins like another document follows in between. */
static bool is_open(bt_str text) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '\n' && i + 1 < text.len && text.ptr[i + 1] == '{') return false;
    if (in_string) {
      i += c == '\\';
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if ((c == '}' || c == ']') && depth) {
      depth--;
    }
  }
  return in_string || depth > 0;
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

bt_status bt_torn_end_look(const bt_trace_file *file, const bt_file_unit *end, bt_passed_over *passed, bool *is_torn,
                           bt_error *error) {
  *is_torn = false;
  char *bytes = malloc(end->length ? end->length : 1);
  if (!bytes) return bt_error_no_memory(error);
  bt_str text = {bytes, end->length};
  bt_status status = bt_file_content_read(file->content, end->offset, bytes, end->length, error);
  bool is_json = file->format == BT_FILE_JSON;
  if (status == BT_OK) *is_torn = is_json ? is_open(text) : file->format == BT_FILE_PREFIXED;
  if (status == BT_OK && *is_torn)
    status = is_json ? touch_texts(text, passed, error) : touch_fields(text, passed, error);
  free(bytes);
  return status;
}
