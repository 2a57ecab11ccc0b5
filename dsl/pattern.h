/* Regular expressions with the language's meaning (RE2 syntax, dot matches newline), behind a C face; pattern_re2.cc is
 * the only C++ here. Thread: a pattern is immutable; matching takes RE2's own lock, so match once per distinct value
 * where it is hot. */
#ifndef BT_DSL_PATTERN_H
#define BT_DSL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/error.h"
#include "dsl/text.h"

typedef struct bt_pattern bt_pattern;

/* The most that one match may cost: as much as a rule may spend on one trace by default. */
enum { BT_PATTERN_MAX_COST = 256 * 1000 * 1000 };

/* shared: equal patterns are compiled once, also by several threads, and a few are kept for a while after the last
 * bt_pattern_free. whole: it has to match all of a text (=~), else anywhere (matches). BT_INVALID with RE2's reason for
 * a bad pattern or `\C`, BT_LIMIT for one that is too large (BT_MAX_PATTERN_SIZE, which is told before anything is
 * compiled, or 1 MiB while it is). `(?<n>` is taken as `(?P<n>`. */
bt_status bt_pattern_new(bt_str text, bool whole, bt_pattern **out, bt_error *error) BT_MUST_CHECK;
void bt_pattern_free(bt_pattern *pattern);
/* Bytes of its program, or what it took to compile it where that was more: what it holds before it has matched
 * anything. Matching adds the states of an automaton: up to 1 MiB, and where the program has more than 4,096
 * instructions up to 256 bytes for each. */
size_t bt_pattern_bytes(const bt_pattern *pattern);
/* The same of all patterns of the process, each once, with those that are kept for a while. */
size_t bt_patterns_held_bytes(void);
/* Each bad byte of UTF-8 in the subject is read as U+FFFD. *cost: what it took, in bytes of a text that an automaton
 * walks over, which is the length of the subject at least (0 where nothing was done). BT_LIMIT: it could cost more than
 * BT_PATTERN_MAX_COST, or the automaton has no room. BT_LIMIT, BT_NO_MEMORY: nothing is known, *matches is untouched.
 */
bt_status bt_pattern_match(const bt_pattern *pattern, bt_str subject, uint64_t *cost, bool *matches) BT_MUST_CHECK;

#endif
