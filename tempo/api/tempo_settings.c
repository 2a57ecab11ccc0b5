/* Settings of a Tempo, out of the configuration that it shows. See tempo_settings.h. */
#include "tempo/api/tempo_settings.h"

#include <stdlib.h>
#include <string.h>

static const int64_t SECOND_NS = 1000000000;

/* How long the unit is that a duration's number is followed by; *length: its letters. 0: there is none. */
static int64_t unit_of(const char *text, size_t *length) {
  *length = *text == 'm' && text[1] == 's' ? 2 : 1;
  if (*length == 2) return SECOND_NS / 1000;
  switch (*text) {
  case 's': return SECOND_NS;
  case 'm': return 60 * SECOND_NS;
  case 'h': return 3600 * SECOND_NS;
  case 'd': return 24 * 3600 * SECOND_NS;
  case 'w': return 7 * 24 * 3600 * SECOND_NS;
  case 'y': return 365 * 24 * 3600 * SECOND_NS;
  default: return 0;
  }
}

bool bt_tempo_read_duration(const char *text, int64_t *out_ns) {
  static const double most_ns = 1e18;
  double sum_ns = 0;
  do {
    char *end = NULL;
    size_t length;
    double number = strtod(text, &end);
    int64_t unit_ns = unit_of(end, &length);
    if (end == text || !unit_ns || !(number >= 0 && number < 1e6)) return false;
    sum_ns += number * (double)unit_ns;
    if (sum_ns > most_ns) return false;
    text = end + length;
  } while (*text >= '0' && *text <= '9');
  *out_ns = (int64_t)sum_ns;
  return true;
}

/* ---- settings of a configuration, by their path: "query_frontend", "search", "ingester_shards" ---- */

static const char *after_line(const char *text) {
  const char *end = strchr(text, '\n');
  return end ? end + 1 : text + strlen(text);
}

/* What stands behind `key:` on a line of the block that begins at `text`, indented by more than `outer`, and by as much
 * as the block's first line; *indent: by how much. NULL: the block has no such line. */
static const char *find_key(const char *text, int outer, const char *key, int *indent) {
  size_t length = strlen(key);
  *indent = -1;
  for (; *text; text = after_line(text)) {
    int spaces = (int)strspn(text, " ");
    const char *word = text + spaces;
    if (!*word || *word == '\n' || *word == '\r' || *word == '#') continue;
    if (spaces <= outer) return NULL;
    if (*indent < 0) *indent = spaces;
    if (spaces == *indent && strncmp(word, key, length) == 0 && word[length] == ':') return word + length + 1;
  }
  return NULL;
}

const char *bt_tempo_setting(const char *config, const char *const *path) {
  const char *at = config;
  for (int outer = -1; at && *path; path++) {
    int indent;
    at = find_key(at, outer, *path, &indent);
    outer = indent;
    if (at && path[1]) at = after_line(at);
  }
  return at ? at + strspn(at, " \"") : NULL;
}
