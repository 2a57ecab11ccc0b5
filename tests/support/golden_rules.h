/* The rules whose plans and questions are kept: 250 random ones of each of two generators, and all packs. And a file
 * of lines that is held against what comes now. Only for tests, which run in tests/. */
#ifndef BT_TESTS_GOLDEN_RULES_H
#define BT_TESTS_GOLDEN_RULES_H

#include "dsl/base/text.h"

typedef void (*golden_rule)(void *context, const char *name, bt_str dsl);

/* Calls it for each of them, in order. Fails the test where a pack cannot be read. BETRACE_SEED changes nothing. */
void golden_rules_each(golden_rule rule, void *context);

/* `--update` writes the file anew; `--print NAME` names what has to be printed. */
typedef struct golden_options {
  bool update;
  const char *printed; /* borrowed; NULL: nothing */
} golden_options;
golden_options golden_options_of(int argc, char **argv);

/* A line "NAME HASH" of what stands behind a name; prints that where it is wanted. */
void golden_add(bt_buffer *lines, const char *name, bt_str text, const golden_options *options);
/* Fails the test where the lines are not those of the file. */
void golden_check(const char *path, const bt_buffer *lines, const golden_options *options);

#endif
