/* Regular expressions with Tempo's meaning (RE2 syntax, dot matches newline), behind a C face; pattern_re2.cc is the only C++ here.
 * Thread: a pattern is immutable; matching takes RE2's own lock, so match once per distinct value where it is hot. */
#ifndef BT_DSL_PATTERN_H
#define BT_DSL_PATTERN_H

#include "dsl/error.h"

typedef struct bt_pattern bt_pattern;

/* new. BT_INVALID with RE2's reason for a bad pattern or `\C`, BT_LIMIT for one that is too large (1 MiB while it is compiled). `(?<n>` is
 * taken as `(?P<n>`. */
bt_status bt_pattern_new(bt_str pattern, bt_pattern **out, bt_error *error) BT_MUST_CHECK;
void bt_pattern_free(bt_pattern *pattern);
/* Bytes of its program: what it holds before it has matched anything. Matching adds
 * what RE2 keeps of its automaton, within the same 1 MiB (200 to 600 KiB were measured). */
size_t bt_pattern_bytes(const bt_pattern *pattern);
/* whole: the pattern has to match all of the subject (=~), else anywhere (matches). Each bad byte of UTF-8 in the subject is read as
 * U+FFFD. BT_NO_MEMORY: nothing is known, *matches is untouched. */
bt_status bt_pattern_match(const bt_pattern *pattern, bt_str subject, bool whole, bool *matches) BT_MUST_CHECK;

#endif
