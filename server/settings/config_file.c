/* Reading lines of settings. See config_file.h. */
#include "server/settings/config_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bt_str trim_line(bt_str text) {
  while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) text.ptr++, text.len--;
  while (text.len && strchr(" \t\r", text.ptr[text.len - 1])) text.len--;
  return text;
}

static bool is_name(bt_str text) {
  for (size_t i = 0; i < text.len; i++)
    if (!(text.ptr[i] >= 'a' && text.ptr[i] <= 'z') && text.ptr[i] != '-') return false;
  return text.len > 0;
}

/* Keeps one line that is not empty. */
static bt_status parse_line(bt_str text, const char *file, bt_arena *arena, bt_config_line *out, bt_error *error) {
  const char *equals = memchr(text.ptr, '=', text.len);
  bt_str name = trim_line((bt_str){text.ptr, equals ? (size_t)(equals - text.ptr) : 0});
  if (!equals || !is_name(name))
    return bt_error_set(error, BT_INVALID,
                        "%s:%u: a line has to be name = value, with the name of a flag without its dashes, or begin "
                        "with #",
                        file, out->line);
  bt_str value = trim_line((bt_str){equals + 1, text.len - (size_t)(equals + 1 - text.ptr)}), kept_name, kept_value;
  if (!bt_arena_copy(arena, name, &kept_name) || !bt_arena_copy(arena, value, &kept_value))
    return bt_error_no_memory(error);
  out->name = kept_name.ptr;
  out->value = kept_value.ptr;
  return BT_OK;
}

bt_status bt_config_file_parse(bt_str text, const char *file, bt_arena *arena, bt_config_line **out, size_t *count,
                               bt_error *error) {
  size_t most = 1;
  *count = 0;
  if (!bt_utf8_valid(text) || (text.len && memchr(text.ptr, 0, text.len)))
    return bt_error_set(error, BT_INVALID, "%s is not UTF-8 text", file);
  for (size_t i = 0; i < text.len; i++) most += text.ptr[i] == '\n';
  bt_config_line *lines = bt_arena_array(arena, most, sizeof *lines);
  if (!lines) return bt_error_no_memory(error);
  *out = lines;
  for (unsigned line = 1; text.len; line++) {
    const char *end = memchr(text.ptr, '\n', text.len);
    size_t length = end ? (size_t)(end - text.ptr) : text.len, used = end ? length + 1 : length;
    bt_str inside = trim_line((bt_str){text.ptr, length});
    text = (bt_str){text.ptr + used, text.len - used};
    if (!inside.len || inside.ptr[0] == '#') continue;
    lines[*count].line = line;
    bt_status status = parse_line(inside, file, arena, &lines[*count], error);
    if (status) return status;
    ++*count;
  }
  return BT_OK;
}

bt_status bt_config_file_read(const char *file, bt_arena *arena, bt_config_line **out, size_t *count, bt_error *error) {
  char *text = bt_arena_alloc(arena, BT_CONFIG_FILE_MAX_BYTES + 1);
  if (!text) return bt_error_no_memory(error);
  errno = 0;
  FILE *stream = fopen(file, "re");
  size_t length = stream ? fread(text, 1, BT_CONFIG_FILE_MAX_BYTES + 1, stream) : 0;
  bool failed = !stream || ferror(stream);
  int reason = errno;
  if (stream) fclose(stream);
  if (failed) return bt_error_set(error, BT_IO, "the file of settings %s cannot be read: %s", file, strerror(reason));
  if (length > BT_CONFIG_FILE_MAX_BYTES)
    return bt_error_set(error, BT_LIMIT, "the file of settings %s is larger than 64 KiB", file);
  return bt_config_file_parse((bt_str){text, length}, file, arena, out, count, error);
}
