/* Writing random traces. See random_trace.h. */
#include "tests/diff/random_trace.h"

#include <string.h>

#include "dsl/trace/trace.h"
#include "tests/support/column_keys.h"

static const char *const names[] = {"a", "a", "a", "b", "b", "b", "c", "p.q", "\"x y\""};
static const char *const services[] = {"s", "t", "a", "\"\"", "\"2\""};
static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
static const char *const statuses[] = {"unset", "ok", "error"};
static const char *const keys[] = {"k", "m", "d.e", "ok"};
static const char *const small_numbers[] = {"0", "1", "2", "3", "-1", "2.5", "1.0"};
static const char *const strings[] = {"u", "v", "uv", "\"\"", "nil", "\"1\"", "ERROR", "server", "\"u\\nv\""};
static const char *const odd_values[] = {"nan",
                                         "inf",
                                         "-inf",
                                         "9007199254740992",
                                         "9007199254740993",
                                         "9007199254740993.0",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "1e308",
                                         "null",
                                         "{}",
                                         "[]",
                                         "[1,u]",
                                         "-0.0",
                                         "0.5"};
static const char *const arrays[] = {"[1,2]", "[u,v]", "[3]", "[true,false]", "[2.5,1.0]", "[uv]", "[nan,1.0]"};
/* Texts that read as numbers and booleans, and some that look so. */
static const char *const texts[] = {"\"1\"",
                                    "\"2\"",
                                    "\"3\"",
                                    "\"1.0\"",
                                    "\"2.50\"",
                                    "\"10e-1\"",
                                    "\"1E0\"",
                                    "\"-1\"",
                                    "\"-0\"",
                                    "\"0.0\"",
                                    "\"1e3\"",
                                    "\"true\"",
                                    "\"True\"",
                                    "\"FALSE\"",
                                    "\"false\"",
                                    "\"9007199254740992\"",
                                    "\"9007199254740993\"",
                                    "\"9223372036854775807\"",
                                    "\"9223372036854775808\"",
                                    "\"1e308\"",
                                    "\"1e400\"",
                                    "\"1e-400\"",
                                    "\"007\"",
                                    "\" 1\"",
                                    "\"1 \"",
                                    "\"+1\"",
                                    "\"1_0\"",
                                    "\"0x1\"",
                                    "\"inf\"",
                                    "\"nan\"",
                                    "\"1.\"",
                                    "\".5\""};
static const char *const text_arrays[] = {"[\"1\",\"2\"]",          "[\"1.0\",u]",    "[\"True\"]",
                                          "[\"2\",\"02\",\"2.0\"]", "[\"\",\"2.5\"]", "[1,\"1\"]"};

#define PICK(random, table) (table)[test_random_below(random, sizeof(table) / sizeof((table)[0]))]

static bool one_in(test_random *random, unsigned n) {
  return test_random_below(random, n) == 0;
}

static const char *random_value(test_random *random, bool has_texts) {
  if (has_texts && one_in(random, 3)) return one_in(random, 6) ? PICK(random, text_arrays) : PICK(random, texts);
  switch (test_random_below(random, 12)) {
  case 0:
  case 1:
  case 2:
  case 3: return one_in(random, 12) ? random_long_text(random, false) : PICK(random, strings);
  case 4: return one_in(random, 2) ? "true" : "false";
  case 5: return PICK(random, arrays);
  case 6: return PICK(random, odd_values);
  default: return PICK(random, small_numbers);
  }
}

typedef struct style {                                /* of a whole trace */
  bool is_pruned, has_texts, is_doubtful, is_carried; /* is_carried: spans have flags and a trace state */
  bool has_copies;                                    /* records of one span that differ, and keys that stand twice */
  unsigned sets_again; /* number of the span with many such keys, from 1; 0: none, for copies of others make too many
                          possible traces with it for the naive evaluator */
} style;

static void write_attributes(test_random *random, bt_buffer *out, const style *how, const char *prefix,
                             unsigned at_most) {
  enum { MOST = 8 };
  const char *written[MOST];
  unsigned count = test_random_below(random, at_most + 1), known = 0;
  for (unsigned i = 0; i < count && known < MOST; i++) {
    const char *key = random_key(random, keys, sizeof keys / sizeof *keys);
    bool is_again = false;
    for (unsigned k = 0; k < known; k++) is_again = is_again || strcmp(written[k], key) == 0;
    if (is_again && !(how->has_copies && one_in(random, 8))) continue;
    written[known++] = key;
    bt_buffer_printf(out, " %s%s=%s", prefix, key, random_value(random, how->has_texts));
  }
}

/* Keys as often as they were set: together they make more records than a span keeps. Rules read some of them. */
static void write_set_again(test_random *random, bt_buffer *out, const style *how, unsigned number) {
  static const char *const set[] = {"k", "m", "d.e", "ok", "k1", "k2", "k3"};
  static const char *const places[] = {"", "", "", "resource.", "scope."};
  if (how->sets_again != number + 1) return;
  unsigned first = test_random_below(random, 3), end = first + 5 + test_random_below(random, 3 - first);
  const char *place = PICK(random, places);
  for (unsigned i = first; i < end; i++)
    for (unsigned times = one_in(random, 6) ? 3 : 2; times > 0; times--)
      bt_buffer_printf(out, " %s%s=%s", place, set[i], PICK(random, small_numbers));
}

static void write_parent(test_random *random, bt_buffer *out, unsigned number, unsigned count) {
  unsigned parent = number ? test_random_below(random, number) : 0;
  switch (test_random_below(random, 12)) {
  case 0: return; /* one root more */
  case 1: bt_buffer_append(out, BT_STR(" parent=z")); return;
  case 2: parent = test_random_below(random, count); break; /* maybe itself, maybe a cycle */
  default:
    if (number == 0) return;
  }
  bt_buffer_printf(out, " parent=%c", 'a' + (char)parent);
}

static void write_measured_times(test_random *random, bt_buffer *out) {
  static const char *const units[] = {"ms", "ms", "ms", "500us", "ms1ns"};
  if (!one_in(random, 6)) { /* one in sixteen is no whole millisecond, and its service no coarse one */
    unsigned at = test_random_below(random, 8 * 16);
    bt_buffer_printf(out, " at=%u%s", at % 8, at / 8 == 0 ? "ms500us" : "ms");
  }
  if (one_in(random, 12))
    bt_buffer_printf(out, " end=%u%s", test_random_below(random, 8), "ms");
  else if (!one_in(random, 3)) {
    const char *unit = PICK(random, units);
    bt_buffer_printf(out, " duration=%u%s%s", test_random_below(random, 6), unit[0] == '5' ? "ms" : "", unit);
  }
}

/* Now and then nobody set one. */
static void write_times(test_random *random, bt_buffer *out, bool is_doubtful) {
  if (is_doubtful && one_in(random, 4)) {
    static const char *const unset[] = {" at=?", " end=?", " at=? end=?"};
    bt_buffer_append(out, bt_str_from(PICK(random, unset)));
    return;
  }
  write_measured_times(random, out);
}

static void write_carried(test_random *random, bt_buffer *out) {
  static const char *const flags[] = {"0", "1", "257", "769"};
  static const char *const states[] = {
      "u=v",         "v=u,u=1",      "\" u=v \t,\tv=\"", "u=1,u=2",        "u=v,w=1,u=v",
      "\"u =v,=u\"", "\"u,,v=a=b\"", "w=v,\"",           "\"u=,v= u v \"", "\"\""};
  if (one_in(random, 2)) bt_buffer_printf(out, " flags=%s", PICK(random, flags));
  if (one_in(random, 2)) bt_buffer_printf(out, " trace_state=%s", PICK(random, states));
}

static void write_dropped(test_random *random, bt_buffer *out) {
  static const char *const what[] = {"dropped", "dropped", "dropped_events", "dropped_links"};
  if (one_in(random, 3)) bt_buffer_printf(out, " %s=%u", PICK(random, what), 1 + test_random_below(random, 3));
}

/* Of the resource or the scope, or of the event or the link that was written last. */
static void write_held(test_random *random, bt_buffer *out, const style *how, const char *what, unsigned one_of) {
  if (!how->is_doubtful || !one_in(random, one_of)) return;
  uint32_t dropped = test_random_below(random, 3);
  bool is_resource = strcmp(what, "resource_dropped") == 0;
  bt_buffer_printf(out, " %s=%u", what, is_resource && dropped == 2 ? BT_NOT_APART : dropped);
}

static void write_events(test_random *random, bt_buffer *out, const style *how) {
  if (!one_in(random, 3)) return;
  unsigned count = 1 + test_random_below(random, 2);
  for (unsigned i = 0; i < count; i++) {
    bt_buffer_printf(out, " event=%s", PICK(random, strings));
    if (one_in(random, 2)) bt_buffer_printf(out, " event.at=%ums", test_random_below(random, 8));
    write_attributes(random, out, how, "event.", 2);
    write_held(random, out, how, "event_dropped", 4);
  }
}

/* What pruning leaves: summaries of others, with and without a number, and spans that were kept beside them. */
/* To spans of this trace and of others, without an id now and then. */
static void write_links(test_random *random, bt_buffer *out, const style *how) {
  static const char *const traces[] = {"ab", "ab", "1cd", "102030405060708090a0b0c0d0e0f", ""};
  static const char *const spans[] = {"a", "b", "c", "0102030405060708", ""};
  if (!one_in(random, 3)) return;
  unsigned count = 1 + test_random_below(random, 3);
  for (unsigned i = 0; i < count; i++) {
    bt_buffer_printf(out, " link=%s/%s", PICK(random, traces), PICK(random, spans));
    write_attributes(random, out, how, "link.", 2);
    write_held(random, out, how, "link_dropped", 4);
  }
}

static void write_pruning(test_random *random, bt_buffer *out) {
  if (one_in(random, 4)) {
    bt_buffer_append(out, BT_STR(" aggregation.is_summary=true"));
    if (!one_in(random, 3)) bt_buffer_printf(out, " aggregation.span_count=%u", test_random_below(random, 4));
  } else if (one_in(random, 6)) {
    bt_buffer_append(out, one_in(random, 2) ? BT_STR(" aggregation.is_exemplar=true")
                                            : BT_STR(" aggregation.is_preserved_outlier=true"));
  }
}

/* What the records of one span have in common. */
typedef struct identity {
  unsigned number, count; /* of the span, and of all spans */
  char id;
  const char *service, *kind; /* NULL: not said */
} identity;

static void write_record(test_random *random, bt_buffer *out, const identity *of, const style *how) {
  bool is_number = how->has_texts && one_in(random, 12);
  bt_buffer_printf(out, "%c %s", of->id, is_number ? PICK(random, texts) : PICK(random, names));
  write_parent(random, out, of->number, of->count);
  write_times(random, out, how->is_doubtful);
  if (how->is_doubtful) write_dropped(random, out);
  if (how->is_carried) write_carried(random, out);
  if (of->service) bt_buffer_printf(out, " service=%s", of->service);
  if (of->kind) bt_buffer_printf(out, " kind=%s", of->kind);
  if (one_in(random, 2)) bt_buffer_printf(out, " status=%s", PICK(random, statuses));
  if (one_in(random, 8)) bt_buffer_printf(out, " message=%s", PICK(random, strings));
  if (one_in(random, 4)) bt_buffer_printf(out, " scope=%s scope_version=1.2", PICK(random, strings));
  write_attributes(random, out, how, "", 6);
  write_set_again(random, out, how, of->number);
  if (one_in(random, 2)) write_attributes(random, out, how, "resource.", 3);
  if (one_in(random, 6)) write_attributes(random, out, how, "scope.", 2);
  write_held(random, out, how, "resource_dropped", 8);
  write_held(random, out, how, "scope_dropped", 12);
  if (how->is_pruned) write_pruning(random, out);
  write_events(random, out, how);
  write_links(random, out, how);
  bt_buffer_append_char(out, '\n');
}

static void write_span(test_random *random, bt_buffer *out, unsigned number, unsigned count, const style *how) {
  /* now and then the id of an earlier span: its other half, or one more of its records */
  unsigned id = number && one_in(random, 12) ? test_random_below(random, number) : number;
  identity of = {.number = number, .count = count, .id = (char)('a' + (int)id)};
  if (!one_in(random, 4)) of.service = PICK(random, services);
  if (one_in(random, 2)) of.kind = PICK(random, kinds);
  write_record(random, out, &of, how);
  if (!how->has_copies || !one_in(random, 4)) return;
  if (one_in(random, 6)) of.service = NULL;
  write_record(random, out, &of, how);
}

void random_trace_write(test_random *random, bt_buffer *out) {
  unsigned count = 2 + test_random_below(random, one_in(random, 6) ? 13 : 6);
  if (one_in(random, 100)) count = 1;
  if (one_in(random, 60)) count = 15 + test_random_below(random, 10); /* 'z' is nobody's id */
  style how = {.is_pruned = one_in(random, 4), .has_texts = one_in(random, 2), .is_doubtful = one_in(random, 2)};
  how.has_copies = one_in(random, 3);
  if (!how.has_copies && one_in(random, 4)) { /* of few spans, so that rules speak of this one */
    count = 1 + test_random_below(random, 3);
    how.sets_again = 1 + test_random_below(random, count);
  }
  how.is_carried = one_in(random, 2);
  for (unsigned i = 0; i < count; i++) write_span(random, out, i, count, &how);
}
