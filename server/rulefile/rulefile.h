/* Rule files (dsl.md §8): YAML in, rule fields and their tests out. libyaml ends here. Thread: no state. */
#ifndef BT_SERVER_RULEFILE_H
#define BT_SERVER_RULEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/eval.h"
#include "dsl/syntax/diagnostic.h"
#include "dsl/trace/trace.h"
#include "server/rules/rule_definition.h"

enum { BT_RULEFILE_MAX_BYTES = 10 * 1024 * 1024, BT_RULEFILE_MAX_RULES = 10000 };

/* Everything below is borrowed from the file, until bt_rulefile_dispose. A bt_str with ptr NULL was not said. */

typedef struct bt_test_event {
  bt_str name;
  int64_t at_ns; /* from the trace's start, as `at` of spans; −1: not said, the span's start */
  bt_attributes attributes;
} bt_test_event;

typedef struct bt_test_link {
  bt_str trace; /* own: the trace of the test; the name of one of its others; or 32 hex digits */
  bt_str span;  /* an `id` of it, or 16 hex digits */
  bt_attributes attributes;
  unsigned line;
} bt_test_link;

typedef struct bt_test_span {
  bt_str name;
  bt_str id;      /* the test's own name for it, any text; ptr NULL: none */
  bt_str parent;  /* an `id`, also one that is not there (an orphan); len 0 with a ptr: a root; ptr NULL: child of the
                     first span */
  bt_str service; /* ptr NULL: none */
  int64_t at_ns, duration_ns; /* −1: not said (1 ms after the span before; 1 ms long) */
  bt_span_kind kind;
  bt_span_status status;
  bt_str status_message;
  bt_str trace_state;                                         /* ptr NULL: none */
  uint32_t flags;                                             /* 0: nobody set them */
  uint32_t dropped_attributes, dropped_events, dropped_links; /* as many as it says were dropped */
  bt_attributes attributes, resource, scope_attributes;
  bt_str scope_name, scope_version;
  const bt_test_event *events;
  uint32_t event_count;
  const bt_test_link *links;
  uint32_t link_count;
  unsigned line; /* in the file, from 1 */
} bt_test_span;

typedef struct bt_test_expectation {
  bt_str rule_id; /* ptr NULL: the rule that the test stands under */
  bt_verdict verdict;
  unsigned line;
} bt_test_expectation;

typedef struct bt_test_witness { /* some violating choice, of all, binds `binding` to the span with this id */
  bt_str binding, span_id;
} bt_test_witness;

enum { BT_TEST_MAX_OTHERS = 100 };
typedef struct bt_test_other { /* another trace, for links from and to it */
  bt_str name;
  const bt_test_span *spans; /* one or more */
  uint32_t span_count;
  bool incomplete;    /* `complete: false` */
  bool links_unknown; /* `links_known: false` */
  unsigned line;
} bt_test_other;

typedef struct bt_rulefile_test {
  bt_str name;               /* "" where it has none */
  const bt_test_span *spans; /* one or more, unless trace_file is set */
  uint32_t span_count;
  const bt_test_other *others; /* all others that there are */
  uint32_t other_count;
  bt_str trace_file;                       /* as written, relative to the rule file; ptr NULL: the spans are here */
  bt_str trace_id;                         /* which trace of that file is the test's, as hex; ptr NULL: the only one */
  const bt_test_expectation *expectations; /* one or more */
  uint32_t expectation_count;
  const bt_test_witness *witnesses; /* all of one choice */
  uint32_t witness_count;
  bool incomplete;       /* `complete: false` */
  bool links_unknown;    /* `links_known: false`: more spans may link to its trace than are here */
  int64_t clock_skew_ns; /* −1: the rule's */
  unsigned line;
} bt_rulefile_test;

typedef struct bt_rulefile_rule {
  bt_rule_fields fields;
  bt_str group;        /* name of its group; ptr NULL: none */
  unsigned line;       /* of the rule in the file, from 1 */
  unsigned dsl_line;   /* of the first line of its text: line l of the text is line dsl_line + l − 1 of the file */
  unsigned dsl_column; /* added to a column of the text it gives the column of the file; 0: the text is written in a way
                        * (folded, with escapes, over several lines of a quoted string) that gives no columns, and
                        * dsl_line is where it begins */
  size_t dsl_offset;   /* of its first byte in the file, the quote if there is one */
  bool dsl_is_block;   /* written as a block (dsl: |): lines dsl_line and following, indented by dsl_column blanks */
  const bt_rulefile_test *tests;
  uint32_t test_count;
} bt_rulefile_rule;

typedef struct bt_rulefile_use { /* a file whose aliases and names it has, too: used_files.h reads them */
  bt_str path;
  unsigned line, column;
} bt_rulefile_use;

typedef struct bt_rulefile_place { /* of a key, in what was parsed */
  size_t offset, length;           /* bytes */
} bt_rulefile_place;

typedef struct bt_rulefile {
  bt_rulefile_rule *rules; /* a user may take the fields out of a rule (and leave them initialised or empty) */
  size_t rule_count;
  bt_str source;              /* what was parsed: the text that was given, or in the arena where that was no UTF-8 */
  bt_shared_names *own_names; /* that all its rules have; NULL: none */
  bt_shared_names *all_names; /* with those of the files that it uses, once they were joined; NULL: none are used */
  const bt_rulefile_place *alias_places, *name_places; /* of own_names, in its order */
  const bt_rulefile_use *uses;
  size_t use_count;
  bt_arena arena;
} bt_rulefile;

/* Reads one file's text (at most 10 MiB and 10,000 rules), YAML or JSON. BT_INVALID: the message is "file:line:column:
 * expected …". The rules are not compiled yet, and their fields not checked beyond their types: bt_rule_definition_new
 * does both. */
bt_status bt_rulefile_parse(bt_str text, const char *file_name, bt_rulefile *out, bt_error *error) BT_MUST_CHECK;
/* The same of a text that somebody types: *out has what can be read of it, and is to be disposed of. *is_whole: all. */
void bt_rulefile_parse_roughly(bt_str text, const char *file_name, bt_rulefile *out, bool *is_whole);
/* Of one rule's text, whose lines and columns are the file's already. */
typedef void (*bt_rulefile_visit)(void *context, const bt_rulefile_rule *rule, const bt_diagnostics *diagnostics);
/* Every problem of a file that bt_rulefile_parse refused: appends a line each, and visits those of its rules that could
 * be read and have an error in their text. */
void bt_rulefile_problems(bt_str text, const char *file_name, bt_buffer *lines, bt_rulefile_visit visit, void *context);
void bt_rulefile_dispose(bt_rulefile *file);
/* Moves lines and columns from the rule's text to the file. Where the file gives no columns all are at the text's
 * beginning, column 1. */
void bt_rulefile_locate(const bt_rulefile_rule *rule, bt_diagnostics *diagnostics);

#endif
