/* Canonical JSON. See canonical_json.h. */
#include "server/json/canonical_json.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

static bt_status write_value(const json_t *value, int depth, bt_buffer *out, bt_error *error);

static void write_character(unsigned char c, bt_buffer *out) {
  static const char escaped[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
  const char *found = c ? strchr(escaped, c) : NULL;
  if (found)
    bt_buffer_printf(out, "\\%c", letters[found - escaped]);
  else if (c < ' ')
    bt_buffer_printf(out, "\\u%04x", c);
  else
    bt_buffer_append_char(out, (char)c);
}

static void write_text(const char *text, size_t length, bt_buffer *out) {
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < length; i++) write_character((unsigned char)text[i], out);
  bt_buffer_append_char(out, '"');
}

static bool is_ascii(const char *text) {
  while (*text && (unsigned char)*text < 0x80) text++;
  return !*text;
}

static int compare_keys(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bt_status write_members(const json_t *object, const char **keys, size_t count, int depth, bt_buffer *out,
                               bt_error *error) {
  bt_status status = BT_OK;
  qsort(keys, count, sizeof *keys, compare_keys);
  bt_buffer_append_char(out, '{');
  for (size_t i = 0; i < count && !status; i++) {
    if (i) bt_buffer_append_char(out, ',');
    if (!is_ascii(keys[i])) return bt_error_set(error, BT_INVALID, "a key is not ASCII: %.100s", keys[i]);
    write_text(keys[i], strlen(keys[i]), out);
    bt_buffer_append_char(out, ':');
    status = write_value(json_object_get(object, keys[i]), depth + 1, out, error);
  }
  bt_buffer_append_char(out, '}');
  return status;
}

static bt_status write_object(const json_t *object, int depth, bt_buffer *out, bt_error *error) {
  const char *key, **keys = calloc(json_object_size(object) + 1, sizeof *keys);
  json_t *value;
  size_t count = 0;
  if (!keys) return bt_error_no_memory(error);
  json_object_foreach((json_t *)object, key, value) keys[count++] = key;
  bt_status status = write_members(object, keys, count, depth, out, error);
  free(keys);
  return status;
}

static bt_status write_array(const json_t *array, int depth, bt_buffer *out, bt_error *error) {
  bt_status status = BT_OK;
  bt_buffer_append_char(out, '[');
  for (size_t i = 0; i < json_array_size(array) && !status; i++) {
    if (i) bt_buffer_append_char(out, ',');
    status = write_value(json_array_get(array, i), depth + 1, out, error);
  }
  bt_buffer_append_char(out, ']');
  return status;
}

static bt_status write_integer(json_int_t number, bt_buffer *out, bt_error *error) {
  if (number > BT_CANONICAL_INTEGER_MAX || number < -BT_CANONICAL_INTEGER_MAX)
    return bt_error_set(error, BT_INVALID, "the number %" JSON_INTEGER_FORMAT " is beyond 2^53", number);
  bt_buffer_printf(out, "%" JSON_INTEGER_FORMAT, number);
  return BT_OK;
}

static bt_status write_value(const json_t *value, int depth, bt_buffer *out, bt_error *error) {
  if (!value) return bt_error_no_memory(error); /* it was built without memory */
  if (depth > DEPTH_MAX) return bt_error_set(error, BT_INVALID, "more than %d levels", DEPTH_MAX);
  switch (json_typeof(value)) {
  case JSON_OBJECT: return write_object(value, depth, out, error);
  case JSON_ARRAY: return write_array(value, depth, out, error);
  case JSON_STRING: write_text(json_string_value(value), json_string_length(value), out); return BT_OK;
  case JSON_INTEGER: return write_integer(json_integer_value(value), out, error);
  case JSON_REAL:
    return bt_error_set(error, BT_INVALID, "a number has a point or an exponent: only whole ones are used");
  case JSON_TRUE: bt_buffer_append(out, BT_STR("true")); return BT_OK;
  case JSON_FALSE: bt_buffer_append(out, BT_STR("false")); return BT_OK;
  case JSON_NULL: bt_buffer_append(out, BT_STR("null")); return BT_OK;
  }
  return BT_OK;
}

bt_status bt_canonical_json(const json_t *value, bt_buffer *out, bt_error *error) {
  bt_status status = write_value(value, 0, out, error);
  return !status && out->failed ? bt_error_no_memory(error) : status;
}
