/* RE2 as it comes, with memory for every automaton: what dsl/pattern/pattern.h is held against. */
#ifndef BT_TESTS_SUPPORT_PLAIN_RE2_H
#define BT_TESTS_SUPPORT_PLAIN_RE2_H

#include "dsl/base/text.h"

typedef enum plain_re2_answer {
  PLAIN_RE2_DIFFERS,
  PLAIN_RE2_MATCHES,
  PLAIN_RE2_UNKNOWN /* it does not take the pattern, or means something else by the subject (bad UTF-8, names of groups)
                     */
} plain_re2_answer;

plain_re2_answer plain_re2_match(bt_str pattern, bt_str subject, bool whole);

#endif
