/* Text cases of the language. See rule_case.h. */
#include "tests/dsl/rule_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

void rule_case_diagnostics(const bt_diagnostics *diagnostics, bt_str text, bt_buffer *out) {
  for (size_t i = 0; i < diagnostics->count; i++) {
    const bt_diagnostic *diagnostic = &diagnostics->items[i];
    assert_true(diagnostic->range.start <= diagnostic->range.end && diagnostic->range.end <= text.len);
    bt_str about = {text.ptr + diagnostic->range.start, diagnostic->range.end - diagnostic->range.start};
    const char *newline = about.len ? memchr(about.ptr, '\n', about.len) : NULL;
    if (newline) about.len = (size_t)(newline - about.ptr);
    bt_buffer_printf(out, "%s %u:%u `%.*s` %.*s\n", diagnostic->code, diagnostic->line, diagnostic->column,
                     BT_FMT(about), BT_FMT(diagnostic->message));
    if (!diagnostic->has_fix) continue;
    bt_range range = diagnostic->fix_range;
    bt_buffer_printf(out, "fix `%.*s` => `%.*s`\n", (int)(range.end - range.start), text.ptr + range.start,
                     BT_FMT(diagnostic->fix_text));
  }
}

void rule_case_fail(const text_case *c, const char *message) {
  fail_msg("%s:%u: %s", c->file, c->line, message);
}

static size_t trimmed_length(const char *text) {
  size_t length = strlen(text);
  while (length && text[length - 1] == '\n') length--;
  return length;
}

void rule_case_expect(const text_case *c, const char *what, const char *expected, const bt_buffer *actual) {
  assert_false(actual->failed);
  const char *got = actual->ptr ? actual->ptr : "";
  if (!expected) expected = "";
  size_t length = trimmed_length(got);
  if (length == trimmed_length(expected) && strncmp(expected, got, length) == 0) return;
  fail_msg("%s:%u: %s differs\n--- expected\n%s\n--- got\n%s\n(regenerate with --update and look at the difference)",
           c->file, c->line, what, expected, got);
}

void rule_case_apply_fix(bt_str text, const bt_diagnostic *diagnostic, bt_buffer *out) {
  bt_buffer_append(out, (bt_str){text.ptr, diagnostic->fix_range.start});
  bt_buffer_append(out, diagnostic->fix_text);
  bt_buffer_append(out, (bt_str){text.ptr + diagnostic->fix_range.end, text.len - diagnostic->fix_range.end});
}

void rule_case_print_field(const char *key, bt_str value, bool bar, bt_buffer *out) {
  bt_buffer_printf(out, "%-6s ", key);
  while (value.len && value.ptr[value.len - 1] == '\n') value.len--;
  if (bar) bt_buffer_append_char(out, '|');
  for (size_t i = 0; i < value.len; i++) {
    bt_buffer_append_char(out, value.ptr[i]);
    if (value.ptr[i] == '\n') bt_buffer_append(out, bar ? BT_STR("       |") : BT_STR("       "));
  }
  bt_buffer_append_char(out, '\n');
}

static bool begins_with_key(const char *line, const char *const *keys) {
  for (; *keys; keys++) {
    size_t length = strlen(*keys);
    if (strncmp(line, *keys, length) == 0 && (line[length] == ' ' || line[length] == '\n' || !line[length]))
      return true;
  }
  return false;
}

/* The value of `text` in a block of lines, as case_file reads it. */
static void collect_text(const char *block, size_t length, bt_buffer *out) {
  bool inside = false, first = true;
  for (size_t i = 0; i < length;) {
    const char *line = block + i;
    size_t end = i;
    while (end < length && block[end] != '\n') end++;
    bool continued = line[0] == ' ' || line[0] == '\t';
    if (!continued) inside = strncmp(line, "text ", 5) == 0;
    size_t skip = continued ? 0 : 4;
    if (inside) {
      while (line[skip] == ' ' || line[skip] == '\t') skip++;
      if (!first) bt_buffer_append_char(out, '\n');
      if (end > i + skip) bt_buffer_append(out, (bt_str){line + skip, end - i - skip});
      first = false;
    }
    i = end + 1;
  }
}

/* Copies a block up to its expectations and puts new ones. */
static void update_block(const char *block, size_t length, const char *const *keys,
                         void (*print)(const char *, bt_buffer *), bt_buffer *out) {
  size_t kept = 0;
  while (kept < length && !begins_with_key(block + kept, keys)) {
    while (kept < length && block[kept] != '\n') kept++;
    if (kept < length) kept++;
  }
  bt_buffer_append(out, (bt_str){block, kept});
  bt_buffer text = {0};
  collect_text(block, kept, &text);
  if (text.len) {
    if (out->len && out->ptr[out->len - 1] != '\n') bt_buffer_append_char(out, '\n');
    print(text.ptr, out);
  }
  bt_buffer_dispose(&text);
}

static void update_file(const char *path, const char *const *keys, void (*print)(const char *, bt_buffer *)) {
  size_t length = 0;
  char *old = case_read_file(path, &length);
  bt_buffer out = {0};
  for (size_t start = 0; old && start < length;) {
    size_t end = start;
    while (end < length && !(old[end] == '\n' && (end + 1 == length || old[end + 1] == '\n'))) end++;
    update_block(old + start, end - start + (end < length), keys, print, &out);
    start = end + (end < length);
    while (start < length && old[start] == '\n') {
      bt_buffer_append_char(&out, '\n');
      start++;
    }
  }
  FILE *file = fopen(path, "wb");
  if (file && out.len) fwrite(out.ptr, 1, out.len, file);
  if (file) fclose(file);
  bt_buffer_dispose(&out);
  free(old);
}

void rule_case_update(const char *folder, const char *const *keys, void (*print)(const char *text, bt_buffer *out)) {
  struct dirent **entries = NULL;
  int found = scandir(folder, &entries, NULL, alphasort);
  for (int i = 0; i < found; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    if (strstr(entries[i]->d_name, ".case")) update_file(path, keys, print);
    free(entries[i]);
  }
  free(entries);
}
