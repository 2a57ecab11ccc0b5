/* Keys with a column of their own in Tempo: those that every Tempo has (tests/facts), and the dedicated ones of the
 * tests' configs. Half of the keys that random rules and random traces draw are of these, the first of a list more
 * often than the last, so that rules and traces meet. Only for tests. */
#ifndef BT_TESTS_COLUMN_KEYS_H
#define BT_TESTS_COLUMN_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/random.h"

typedef enum column_type { COLUMN_NONE, COLUMN_STRING, COLUMN_INT } column_type;

typedef struct column_key {
  const char *key;
  column_type type;
} column_key;

static const column_key span_columns[] = {{"http.method", COLUMN_STRING},
                                          {"http.status_code", COLUMN_INT},
                                          {"plain", COLUMN_STRING},
                                          {"http.url", COLUMN_STRING},
                                          {"amount.ded", COLUMN_STRING}};
static const column_key resource_columns[] = {{"k8s.pod.name", COLUMN_STRING},
                                              {"cluster", COLUMN_STRING},
                                              {"rplain", COLUMN_STRING},
                                              {"namespace", COLUMN_STRING},
                                              {"pod", COLUMN_STRING},
                                              {"container", COLUMN_STRING},
                                              {"k8s.cluster.name", COLUMN_STRING},
                                              {"k8s.namespace.name", COLUMN_STRING},
                                              {"k8s.container.name", COLUMN_STRING}};

enum {
  SPAN_COLUMNS = sizeof span_columns / sizeof *span_columns,
  RESOURCE_COLUMNS = sizeof resource_columns / sizeof *resource_columns
};

static inline const char *column_key_of(test_random *random, bool of_resource) {
  unsigned reach = 1 + test_random_below(random, of_resource ? RESOURCE_COLUMNS : SPAN_COLUMNS);
  return (of_resource ? resource_columns : span_columns)[test_random_below(random, reach)].key;
}

/* One of the plain keys, or as often one with a column. */
static inline const char *random_key(test_random *random, const char *const *plain, size_t count) {
  if (test_random_below(random, 2)) return plain[test_random_below(random, (unsigned)count)];
  return column_key_of(random, test_random_below(random, 3) == 0);
}

enum { LONG_TEXTS = 9, LONG_TEXT_ROOM = 2080 };

/* A text as long as Tempo cuts them, and a byte more or less, that begins as others do; some were cut in the midst of a
 * character. In quotes, if asked for. */
static inline const char *random_long_text(test_random *random, bool in_quotes) {
  static const struct {
    int length;
    const char *ending;
  } of[LONG_TEXTS] = {{2047, "u"},
                      {2047, "v"},
                      {2047, ""},
                      {2047, "uu"},
                      {2047, "uuv"},
                      {2047, "\xEF\xBF\xBD"},
                      {2046, "\xEF\xBF\xBD\xEF\xBF\xBD"},
                      {2046, ""},
                      {2045, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}};
  static char texts[2 * LONG_TEXTS][LONG_TEXT_ROOM];
  unsigned number = test_random_below(random, LONG_TEXTS);
  char *text = texts[2 * number + in_quotes], beginning[2048];
  const char *quote = in_quotes ? "\"" : "";
  memset(beginning, 'u', sizeof beginning);
  if (!*text)
    snprintf(text, LONG_TEXT_ROOM, "%s%.*s%s%s", quote, of[number].length, beginning, of[number].ending, quote);
  return text;
}

#endif
