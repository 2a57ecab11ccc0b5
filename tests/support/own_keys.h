/* Random aliases over a few keys, random names over a, b and c, and a translation into a rule and a trace without any.
 * For each alias the trace says once more, under a key of its own, what the alias is worth, and the rule reads that
 * key. Where the rule says a name, it has its tests. It knows nothing of how the program does it. Only for tests. */
#ifndef BT_TESTS_OWN_KEYS_H
#define BT_TESTS_OWN_KEYS_H

#include "dsl/base/arena.h"
#include "dsl/rule/own_names.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"
#include "tests/support/random.h"

enum { OWN_KEYS_MAX = 3, OWN_KEYS_OTHERS = 4, OWN_WORDS = 3 };

typedef struct own_keys {
  bt_str keys[OWN_KEYS_MAX][OWN_KEYS_OTHERS];
  bt_alias aliases[OWN_KEYS_MAX];
  bt_own_name words[OWN_WORDS];
  bt_own_names names;        /* points into it */
  bt_rule *spans[OWN_WORDS]; /* what a word stands for, as a rule, once a rule was translated */
} own_keys;

/* One alias or more, each of other keys, and names or none. */
void own_keys_make(test_random *random, const char *const *keys, size_t count, own_keys *out);
/* The rule, which was compiled without any, reads keys of its own, and has the tests of names. The arena and `own` live
 * as long as the rule. False: it has neither. */
bool own_keys_translate_rule(own_keys *own, bt_rule *rule, bt_arena *arena);
/* All spans, events and links get those keys. */
void own_keys_translate_trace(const own_keys *own, const bt_trace *trace, bt_arena *arena);
void own_keys_dispose(own_keys *own);

#endif
