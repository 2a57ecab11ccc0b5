/* Reading text cases. See case_file.h. */
#include "tests/support/case_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *case_read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  size_t capacity = 4096, used = 0, got;
  char *text = malloc(capacity + 1);
  while (text && (got = fread(text + used, 1, capacity - used, file)) > 0) {
    used += got;
    if (used == capacity) text = realloc(text, (capacity *= 2) + 1);
  }
  fclose(file);
  if (!text) return NULL;
  text[used] = '\0';
  if (length) *length = used;
  return text;
}

const char *case_get(const text_case *c, const char *key) {
  for (size_t i = 0; i < c->field_count; i++)
    if (strcmp(c->fields[i].key, key) == 0) return c->fields[i].value;
  return NULL;
}

static void stop(const char *path, unsigned line, const char *what) {
  fprintf(stderr, "%s:%u: %s\n", path, line, what);
  exit(1);
}

/* Moves the text of a continuation line right behind the value above; both lie in the same buffer, so it only moves
 * left. */
static void join_line(case_field *field, char *line) {
  char *end = (char *)(uintptr_t)field->value + strlen(field->value);
  *end = '\n';
  memmove(end + 1, line, strlen(line) + 1);
}

static void add_field(text_case *c, char *line, unsigned number) {
  if (c->field_count == CASE_MAX_FIELDS) stop(c->file, number, "too many fields in one case");
  char *value = line + strcspn(line, " \t");
  if (*value) *value++ = '\0';
  value += strspn(value, " \t");
  c->fields[c->field_count++] = (case_field){line, value, number};
}

static size_t run_file(const char *path, void (*run)(const text_case *, void *), void *context) {
  char *text = case_read_file(path, NULL);
  if (!text) stop(path, 0, "cannot be read");
  text_case c = {.file = path, .comment = ""};
  const char *comment = "";
  size_t count = 0;
  unsigned number = 0;
  for (char *line = text, *next; line; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = '\0';
    number++;
    if (line[0] == '#') {
      comment = line + 1 + strspn(line + 1, " ");
    } else if (line[0] == '\0') {
      if (c.field_count) run(&c, context), count++;
      c = (text_case){.file = path, .comment = comment};
    } else if (line[0] == ' ' || line[0] == '\t') {
      if (!c.field_count) stop(path, number, "a continuation line without a field above");
      join_line(&c.fields[c.field_count - 1], line + strspn(line, " \t"));
    } else {
      if (!c.field_count) c.line = number, c.comment = comment;
      add_field(&c, line, number);
    }
  }
  if (c.field_count) run(&c, context), count++;
  free(text);
  return count;
}

static int is_case_file(const struct dirent *entry) {
  size_t length = strlen(entry->d_name);
  return length > 5 && strcmp(entry->d_name + length - 5, ".case") == 0;
}

size_t case_run_folder(const char *folder, void (*run)(const text_case *c, void *context), void *context) {
  struct dirent **entries = NULL;
  int found = scandir(folder, &entries, is_case_file, alphasort);
  size_t count = 0;
  for (int i = 0; i < found; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    count += run_file(path, run, context);
    free(entries[i]);
  }
  free(entries);
  if (!count) stop(folder, 0, "no cases found");
  return count;
}
