/* What the writers of random rules share. random_rule.c writes conditions and selections, random_values.c values,
 * fields and tests of one span. Private to both. */
#ifndef BT_TESTS_RANDOM_WRITER_H
#define BT_TESTS_RANDOM_WRITER_H

#include "tests/diff/random_rule.h"

#include <string.h>

#include "tests/support/column_keys.h"

enum { MAX_VISIBLE = 3, MAX_BINDINGS = 6, MAX_DEPTH = 3 };

typedef struct writer {
  test_random *random;
  bt_buffer *out;
  unsigned depth;
  unsigned visible;  /* bindings p0 … that are visible here: a name is used again once it is out of sight */
  unsigned bindings; /* so far */
  unsigned picks;    /* so far: the naive evaluator takes long for those in one another */
  unsigned room;     /* for parts that could be left out: most rules are small, some are not */
  bool about_a_span;
  bool in_when;     /* other traces cannot be spoken of there */
  bool binds_first; /* clauses begin with two bindings */
  bool asks_unsaid; /* many tests ask for what no span says that it is not known */
} writer;

#define PICK(w, table) (table)[test_random_below((w)->random, sizeof(table) / sizeof((table)[0]))]

/* random_values.c */
const char *a_key(writer *w);
unsigned below(writer *w, unsigned n);
bool one_in(writer *w, unsigned n);
bool maybe(writer *w, unsigned n);
void put(writer *w, const char *text);
void put_binding(writer *w);
void write_root_attribute(writer *w);
/* A test of trace.id, or of span.trace_id where a span is under test. */
void write_trace_id_test(writer *w);
void write_number_comparison(writer *w);
void write_time_comparison(writer *w);
void write_string_test(writer *w);
void write_attribute_test(writer *w);
void write_tests(writer *w, bool is_in_where);
/* random_rule.c */
void write_operand(writer *w);

#endif
