/* Values, fields and tests of one span, for random rules. See random_writer.h. */
#include "tests/diff/random_writer.h"

static const char *const names[] = {"a",   "a",       "a", "b", "b", "b",         "c",
                                    "p.q", "\"x y\"", "s", "s", "t", "service:s", "name:a"};
static const char *const keys[] = {"k", "m", "d.e", "ok"};
static const char *const numbers[] = {"0", "1", "2", "3", "2.5", "-1", "9007199254740992", "9007199254740993", "1e308"};
static const char *const strings[] = {
    "u",       "v",     "\"uv\"",   "\"\"",      "\"nil\"", "\"1\"",     "server",    "\"u\\nv\"",           "\"1.0\"",
    "\"2.5\"", "\"2\"", "\"true\"", "\"False\"", "\"007\"", "\"10e-1\"", "\"1e400\"", "\"9007199254740993\""};
static const char *const string_literals[] = {"\"u\"",   "\"v\"", "\"\"",   "\"uv\"",   "\"nil\"",
                                              "\"1.0\"", "\"2\"", "\"-1\"", "\"True\"", "\" 1\""};
static const char *const patterns[] = {"\"u\"", "\"u.*\"", "\"^v\"",      "\"[uv]+\"",
                                       "`u.v`", "\"\"",    "\"(?i)SER\"", "\"n.l\""};
static const char *const durations[] = {"1ms", "2ms", "3ms", "500us", "0ms", "2ms1ns", "5ms"};
static const char *const orders[] = {"==", "!=", "<", "<=", ">", ">=", "="};
static const char *const span_strings[] = {"span.name",
                                           "span.service",
                                           "span.status_message",
                                           "scope.name",
                                           "scope.name",
                                           "scope.version",
                                           "span.id",
                                           "span.parent_id",
                                           "span.trace_state[\"u\"]",
                                           "span.trace_state[\"v\"]"};
static const char *const ids[] = {"\"0000000000000061\"", "\"0000000000000062\"", "\"000000000000007a\""};

const char *a_key(writer *w) {
  return random_key(w->random, keys, sizeof keys / sizeof *keys);
}

unsigned below(writer *w, unsigned n) {
  return test_random_below(w->random, n);
}

bool one_in(writer *w, unsigned n) {
  return below(w, n) == 0;
}

/* Whether to write a part that could be left out. */
bool maybe(writer *w, unsigned n) {
  if (w->room == 0 || !one_in(w, n)) return false;
  w->room--;
  return true;
}

void put(writer *w, const char *text) {
  bt_buffer_append(w->out, bt_str_from(text));
}

void put_binding(writer *w) {
  bt_buffer_printf(w->out, "p%u", below(w, w->visible));
}

static void write_duration(writer *w);

/* An attribute, by any of its spellings that are no bare word on the right. */
static void write_attribute(writer *w) {
  const char *key = a_key(w);
  if (w->visible && (!w->about_a_span || one_in(w, 3))) {
    static const char *const heads[] = {"", ".span", ".resource"};
    put_binding(w);
    bt_buffer_printf(w->out, "%s.%s", PICK(w, heads), key);
    return;
  }
  switch (below(w, 4)) {
  case 0: bt_buffer_printf(w->out, "span.attributes[\"%s\"]", key); return;
  case 1: bt_buffer_printf(w->out, "resource.%s", key); return;
  default: bt_buffer_printf(w->out, "span.%s", key);
  }
}

/* Of the root: it stands where no span is under test, too. */
void write_root_attribute(writer *w) {
  bt_buffer_printf(w->out, "trace.root.%sattributes[\"%s\"]", one_in(w, 3) ? "resource." : "", a_key(w));
}

/* One that can stand on the left: of the span, of either, of events, of the scope. */
static void write_left_attribute(writer *w, bool is_in_where) {
  const char *key = a_key(w);
  switch (below(w, is_in_where ? 8 : 5)) {
  case 0: bt_buffer_printf(w->out, "%s.%s", one_in(w, 3) ? "link" : "event", key); return;
  case 1: bt_buffer_printf(w->out, "scope.attributes[\"%s\"]", key); return;
  case 2:
  case 3:
  case 4: write_attribute(w); return;
  default: put(w, key);
  }
}

/* What is aggregated instead of a field: numbers, or durations, of the spans and of what else is known. */
static void write_value_of_each(writer *w, bool is_duration) {
  static const char *const numbers_of_each[] = {"k * m",
                                                "span.k + m",
                                                "-k",
                                                "(k - 1) * 2",
                                                "k / m",
                                                "k * k * k",
                                                "m - 0.5",
                                                "k / 0",
                                                "-(m + k)",
                                                "k * 1e300",
                                                "span.duration / 1ms",
                                                "k + trace.span_count",
                                                "k * count(a)",
                                                "m - sum(b, k)",
                                                "span.flags",
                                                "span.dropped_attributes_count + k",
                                                "span.dropped_events_count",
                                                "d.e + 1",
                                                "http.status_code / 2"};
  static const char *const durations_of_each[] = {"span.duration * k",
                                                  "span.duration + 1ms",
                                                  "span.end - span.start",
                                                  "-span.duration",
                                                  "span.duration / m",
                                                  "span.start - trace.start",
                                                  "trace.duration - span.duration",
                                                  "min(a, span.start) - span.start"};
  static const char *const bound_numbers[] = {".k * m", ".m + k", ".k / k", ".span.flags + m"};
  static const char *const bound_durations[] = {".start - span.start", ".end - span.end",
                                                ".span.duration + span.duration"};
  if (w->visible && one_in(w, 3)) {
    if (is_duration && one_in(w, 3))
      put(w, "span.end - "), put_binding(w), put(w, ".start");
    else
      put_binding(w), put(w, is_duration ? PICK(w, bound_durations) : PICK(w, bound_numbers));
    return;
  }
  put(w, is_duration ? PICK(w, durations_of_each) : PICK(w, numbers_of_each));
}

static void write_aggregate_of(writer *w, const char *field, bool is_duration) {
  static const char *const functions[] = {"sum", "min", "max", "avg"};
  if (one_in(w, 4)) put(w, "trace.");
  bt_buffer_printf(w->out, "%s(", PICK(w, functions));
  write_operand(w);
  put(w, ", ");
  if (one_in(w, 2))
    write_value_of_each(w, is_duration);
  else
    put(w, field);
  put(w, ")");
}

/* The earliest or latest time of some spans. */
static void write_time_of_some(writer *w) {
  static const char *const times[] = {"span.start", "span.end", "span.start + span.duration / 2", "span.end - 1ms"};
  put(w, one_in(w, 2) ? "min(" : "max(");
  write_operand(w);
  bt_buffer_printf(w->out, ", %s)", PICK(w, times));
}

static void write_count_distinct(writer *w) {
  static const char *const values[] = {"k",
                                       "m",
                                       "span.k",
                                       "resource.k",
                                       "d.e",
                                       "ok",
                                       "k + m",
                                       "span.name",
                                       "span.service",
                                       "span.kind",
                                       "span.id",
                                       "span.parent_id",
                                       "span.trace_id",
                                       "span.flags",
                                       "span.trace_state[\"u\"]",
                                       "span.dropped_links_count",
                                       "span.status",
                                       "span.duration",
                                       "span.start",
                                       "k * trace.span_count",
                                       "http.method",
                                       "scope.name",
                                       "count_distinct(a, k) + k"};
  put(w, one_in(w, 4) ? "trace.count_distinct(" : "count_distinct(");
  write_operand(w);
  put(w, ", ");
  if (w->visible && one_in(w, 4))
    put(w, "k + "), put_binding(w), put(w, ".k)");
  else
    bt_buffer_printf(w->out, "%s)", PICK(w, values));
}

static void write_count(writer *w) {
  if (one_in(w, 4)) {
    write_count_distinct(w);
    return;
  }
  put(w, one_in(w, 4) ? "trace.count(" : "count(");
  if (one_in(w, 4))
    bt_buffer_printf(w->out, "%s %s %s", PICK(w, names), one_in(w, 2) ? "before" : "after", PICK(w, names));
  else
    write_operand(w);
  put(w, ")");
}

/* A number that is no constant. */
static void write_number_atom(writer *w) {
  static const char *const carried[] = {"span.flags",
                                        "span.dropped_attributes_count",
                                        "span.dropped_events_count",
                                        "span.dropped_links_count",
                                        "span.dropped_attributes_count",
                                        "span.dropped_events_count",
                                        "span.dropped_links_count"};
  bool can_nest = w->depth <= MAX_DEPTH && (!w->about_a_span || maybe(w, 2));
  bool has_attributes = w->about_a_span || w->visible;
  switch (below(w, 8)) {
  case 0: put(w, "trace.span_count"); return;
  case 1: put(w, "trace.service_count"); return;
  case 2:
  case 3:
    if (can_nest) {
      static const char *const fields[] = {
          "k", "m", "span.k", "resource.k", "d.e", "http.status_code", "span.http.method", "resource.cluster", "plain"};
      write_aggregate_of(w, PICK(w, fields), false);
      return;
    }
    break;
  case 4:
  case 5:
    if (can_nest) {
      write_count(w);
      return;
    }
    break;
  case 6:
    put(w, "(("), write_duration(w), put(w, ") / ");
    put(w, one_in(w, 4) ? "trace.duration" : PICK(w, durations));
    put(w, ")");
    return;
  default: break;
  }
  if (w->about_a_span && one_in(w, 3))
    put(w, PICK(w, carried));
  else if (w->visible && one_in(w, 4))
    put_binding(w), put(w, "."), put(w, PICK(w, carried));
  else if (has_attributes && !one_in(w, 12))
    write_attribute(w);
  else if (one_in(w, 3))
    write_root_attribute(w);
  else
    put(w, "trace.span_count");
}

static void write_number(writer *w) {
  static const char *const operators[] = {" + ", " - ", " * ", " / "};
  if (one_in(w, 8)) put(w, "-");
  write_number_atom(w);
  if (!maybe(w, 3)) return;
  put(w, PICK(w, operators));
  switch (below(w, 6)) {
  case 0: bt_buffer_printf(w->out, "(count(%s) - %u)", PICK(w, names), 1 + below(w, 2)); return;
  case 1:
    put(w, "(");
    write_number_atom(w);
    put(w, one_in(w, 2) ? " + 1)" : " - 2)");
    return;
  case 2: write_number_atom(w); return;
  default: put(w, PICK(w, numbers));
  }
}

/* A time that is no constant: there are no others. */
static void write_time_atom(writer *w) {
  static const char *const of_trace[] = {"trace.start", "trace.end"};
  static const char *const of_span[] = {"span.start", "span.end"};
  if (w->depth <= MAX_DEPTH && one_in(w, 4) && (!w->about_a_span || maybe(w, 3))) {
    write_time_of_some(w);
    return;
  }
  if (w->visible && one_in(w, 2))
    put_binding(w), put(w, one_in(w, 2) ? ".start" : ".end");
  else
    put(w, w->about_a_span && !one_in(w, 4) ? PICK(w, of_span) : PICK(w, of_trace));
}

static void write_duration_atom(writer *w) {
  switch (below(w, 6)) {
  case 0:
    write_time_atom(w);
    put(w, " - ");
    write_time_atom(w);
    return;
  case 1:
    if (w->depth <= MAX_DEPTH && (!w->about_a_span || maybe(w, 3))) {
      write_aggregate_of(w, "span.duration", true);
      return;
    }
    break;
  case 2: put(w, "trace.duration"); return;
  case 3:
    if (w->visible) {
      put_binding(w), put(w, ".span.duration");
      return;
    }
    break;
  default: break;
  }
  put(w, w->about_a_span ? "span.duration" : "trace.duration");
}

static void write_duration(writer *w) {
  put(w, "("), write_duration_atom(w), put(w, ")");
  switch (below(w, 6)) {
  case 0: bt_buffer_printf(w->out, " + %s", PICK(w, durations)); return;
  case 1: put(w, " - ("), write_duration_atom(w), put(w, ")"); return;
  case 2: bt_buffer_printf(w->out, " * %s", PICK(w, numbers)); return;
  case 3: bt_buffer_printf(w->out, " / %s", one_in(w, 2) ? "2" : "9"); return;
  default: return;
  }
}

void write_number_comparison(writer *w) {
  write_number(w);
  if (one_in(w, 6)) {
    bt_buffer_printf(w->out, " %s [%s, %s", one_in(w, 2) ? "in" : "not in", PICK(w, numbers), PICK(w, numbers));
    if (one_in(w, 3)) put(w, ", "), write_number(w);
    put(w, "]");
    return;
  }
  bt_buffer_printf(w->out, " %s ", PICK(w, orders));
  if (one_in(w, 2))
    put(w, PICK(w, numbers));
  else
    write_number(w);
}

void write_time_comparison(writer *w) {
  bool is_duration = one_in(w, 2);
  if (is_duration)
    write_duration(w);
  else
    write_time_atom(w);
  if (!is_duration && one_in(w, 4)) {
    put(w, one_in(w, 2) ? " in [" : " not in ["), write_time_atom(w), put(w, "]");
    return;
  }
  if (!is_duration && one_in(w, 4)) bt_buffer_printf(w->out, " - %s", PICK(w, durations));
  if (!is_duration && one_in(w, 8)) put(w, " - ("), write_duration(w), put(w, ")");
  bt_buffer_printf(w->out, " %s ", PICK(w, orders));
  if (!is_duration)
    write_time_atom(w);
  else if (one_in(w, 2))
    write_duration(w);
  else
    put(w, PICK(w, durations));
  if (!is_duration && one_in(w, 4)) bt_buffer_printf(w->out, " + %s", PICK(w, durations));
  if (!is_duration && one_in(w, 8)) put(w, " + ("), write_duration(w), put(w, ")");
}

/* A string of a bound span or of the trace. */
static void write_other_string(writer *w) {
  static const char *const of_trace[] = {"trace.root.name", "trace.root.service", "trace.id"};
  static const char *const fields[] = {
      ".span.name",     ".span.service",           ".span.id", ".span.parent_id", ".span.kind",
      ".span.trace_id", ".span.trace_state[\"u\"]"};
  if (w->visible == 0 || one_in(w, 4)) {
    put(w, PICK(w, of_trace));
    return;
  }
  put_binding(w);
  put(w, PICK(w, fields));
}

/* What stands behind an attribute or a string that is on the left. */
void write_string_test(writer *w) {
  static const char *const searches[] = {"contains", "starts_with", "ends_with"};
  static const char *const regexes[] = {"matches", "=~", "!~"};
  switch (below(w, 6)) {
  case 5:
    bt_buffer_printf(w->out, " %s ", PICK(w, orders));
    write_other_string(w);
    return;
  case 0: bt_buffer_printf(w->out, " %s %s", PICK(w, searches), PICK(w, string_literals)); return;
  case 1: bt_buffer_printf(w->out, " %s %s", PICK(w, regexes), PICK(w, patterns)); return;
  case 2:
    bt_buffer_printf(w->out, " %s [%s, %s]", one_in(w, 2) ? "in" : "not in", PICK(w, strings), PICK(w, strings));
    return;
  case 3:
    bt_buffer_printf(w->out, " %s %s", one_in(w, 3) ? PICK(w, searches) : PICK(w, orders),
                     one_in(w, 8) ? random_long_text(w->random, true) : PICK(w, string_literals));
    return;
  default: bt_buffer_printf(w->out, " %s %s", one_in(w, 2) ? "==" : "!=", PICK(w, strings));
  }
}

void write_attribute_test(writer *w) {
  switch (below(w, 6)) {
  case 0: bt_buffer_printf(w->out, " %s %s", one_in(w, 2) ? "==" : "!=", one_in(w, 2) ? "true" : "false"); return;
  case 1:
    bt_buffer_printf(w->out, " %s ", PICK(w, orders));
    write_attribute(w);
    return;
  case 2: bt_buffer_printf(w->out, " %s %s", PICK(w, orders), PICK(w, numbers)); return;
  case 3:
    bt_buffer_printf(w->out, " %s [%s, %s", one_in(w, 2) ? "in" : "not in", PICK(w, numbers), PICK(w, strings));
    if (one_in(w, 2)) put(w, ", "), write_attribute(w);
    put(w, "]");
    return;
  default: write_string_test(w);
  }
}

static void write_intrinsic_test(writer *w) {
  static const char *const kinds[] = {"server", "CLIENT", "internal", "\"producer\"", "consumer", "unspecified"};
  static const char *const statuses[] = {"error", "OK", "\"unset\""};
  static const char *const searches[] = {"starts_with \"SER\"", "contains \"er\"", "matches \"E.*r\"",
                                         "ends_with \"R\""};
  bool is_kind = one_in(w, 2);
  put(w, is_kind ? "span.kind" : "span.status");
  if (one_in(w, 6)) {
    bt_buffer_printf(w->out, " %s", PICK(w, searches));
    return;
  }
  if (one_in(w, 6)) {
    bt_buffer_printf(w->out, " %s %s", PICK(w, orders), is_kind ? "Internal" : "ERROR");
    return;
  }
  if (one_in(w, 4)) {
    bt_buffer_printf(w->out, " %s [%s]", one_in(w, 2) ? "in" : "not in", is_kind ? PICK(w, kinds) : PICK(w, statuses));
    return;
  }
  put(w, one_in(w, 3) ? " != " : " == ");
  if (one_in(w, 5))
    write_attribute(w);
  else if (w->visible && one_in(w, 4))
    put_binding(w), put(w, is_kind ? ".span.kind" : ".span.status");
  else
    put(w, is_kind ? PICK(w, kinds) : PICK(w, statuses));
}

static void write_event_time(writer *w);

static void write_event_test(writer *w) {
  put(w, "event.where(");
  bool negates = one_in(w, 3);
  if (negates) put(w, "not (");
  bt_buffer_printf(w->out, "%s%s", one_in(w, 6) ? "span." : "event.", a_key(w));
  write_attribute_test(w);
  put(w, one_in(w, 2) ? " and event.name" : " or event.name");
  write_string_test(w);
  if (negates) put(w, ")");
  put(w, ")");
}

/* The id of a link, and what it is held against. */
static void write_link_id(writer *w) {
  static const char *const traces[] = {"\"000000000000000000000000000000ab\"", "\"000000000000000000000000000001cd\"",
                                       "\"000102030405060708090a0b0c0d0e0f\""};
  static const char *const spans[] = {"\"0000000000000061\"", "\"0000000000000062\"", "\"0102030405060708\""};
  static const char *const trace_tests[] = {"=~ \"0+ab\"", "!~ \"0.*\"", "starts_with \"0001\"", "contains \"cd\""};
  bool is_trace = one_in(w, 2);
  put(w, is_trace ? "link.trace_id" : "link.span_id");
  if (!is_trace && w->visible && one_in(w, 3)) {
    put(w, one_in(w, 3) ? " != " : " == "), put_binding(w), put(w, ".span.id");
  } else if (one_in(w, 4)) {
    bt_buffer_printf(w->out, " %s", PICK(w, trace_tests));
  } else if (one_in(w, 3)) {
    put(w, one_in(w, 2) ? " in [" : " not in ["), put(w, is_trace ? PICK(w, traces) : PICK(w, spans));
    put(w, ", "), put(w, is_trace ? PICK(w, traces) : PICK(w, spans)), put(w, "]");
  } else {
    put(w, one_in(w, 3) ? " != " : " == "), put(w, is_trace ? PICK(w, traces) : PICK(w, spans));
  }
}

static void write_link_test(writer *w) {
  if (one_in(w, 2)) {
    write_link_id(w);
    return;
  }
  put(w, "link.where(");
  bool negates = one_in(w, 3);
  if (negates) put(w, "not (");
  bt_buffer_printf(w->out, "%s%s", one_in(w, 6) ? "span." : "link.", a_key(w));
  write_attribute_test(w);
  put(w, one_in(w, 2) ? " and " : " or ");
  write_link_id(w);
  if (negates) put(w, ")");
  put(w, ")");
}

static void write_part_test(writer *w, bool of_links) {
  const char *head = of_links ? "link." : "event.";
  switch (below(w, 5)) {
  case 0: put(w, "true"); return;
  case 1: bt_buffer_printf(w->out, "exists(%s%s)", head, a_key(w)); return;
  case 2: of_links ? write_link_id(w) : write_event_time(w); return;
  case 3:
    if (of_links) break;
    put(w, "event.name"), write_string_test(w);
    return;
  default: break;
  }
  bt_buffer_printf(w->out, "%s%s", one_in(w, 6) ? "span." : head, a_key(w));
  write_attribute_test(w);
}

/* How many events or links of the span meet a test. */
static void write_part_count(writer *w) {
  bool of_links = one_in(w, 4), is_joined = one_in(w, 4);
  put(w, of_links ? "link.count(" : "event.count(");
  if (is_joined) write_part_test(w, of_links), put(w, one_in(w, 2) ? " and " : " or ");
  if (one_in(w, 6)) {
    put(w, "not ("), write_part_test(w, of_links), put(w, ")");
  } else {
    write_part_test(w, of_links);
  }
  put(w, ")");
}

static void write_part_count_test(writer *w) {
  static const char *const few[] = {"0", "1", "2", "3", "0.5", "1.0", "-1"};
  bool is_on_right = one_in(w, 8);
  if (is_on_right) {
    write_attribute(w);
    bt_buffer_printf(w->out, " %s ", PICK(w, orders));
  }
  if (one_in(w, 12)) put(w, "2 * ");
  write_part_count(w);
  if (is_on_right) return;
  if (one_in(w, 12)) put(w, " - 1");
  if (one_in(w, 6)) {
    bt_buffer_printf(w->out, " %s [%s, %s]", one_in(w, 2) ? "in" : "not in", PICK(w, few), PICK(w, few));
    return;
  }
  bt_buffer_printf(w->out, " %s ", PICK(w, orders));
  if (one_in(w, 6))
    write_part_count(w);
  else if (one_in(w, 6))
    write_attribute(w);
  else
    put(w, PICK(w, few));
}

/* A point in time that event.time may be set against. */
static void write_event_point(writer *w) {
  static const char *const points[] = {"span.start", "span.end", "span.start", "span.end", "trace.start", "trace.end"};
  static const char *const of_binding[] = {"", "", ".start", ".end"};
  if (w->visible && !one_in(w, 3))
    put_binding(w), put(w, PICK(w, of_binding));
  else
    put(w, PICK(w, points));
}

static void write_event_relation(writer *w) {
  static const char *const within[] = {"0s", "1ns", "500us", "1ms", "2ms", "3ms", "100000d"};
  switch (below(w, 4)) {
  case 0:
    bt_buffer_printf(w->out, " within %s of ", PICK(w, within));
    write_event_point(w);
    return;
  case 1: put(w, " between "), write_event_point(w), put(w, " and "), write_event_point(w); return;
  default:
    put(w, one_in(w, 2) ? " before " : " after ");
    write_event_point(w);
    if (one_in(w, 2)) bt_buffer_printf(w->out, " within %s", PICK(w, within));
  }
}

/* When an event was: as a relation, compared with a time, and in differences. */
static void write_event_time(writer *w) {
  switch (below(w, 5)) {
  case 0: bt_buffer_printf(w->out, "event.time %s ", PICK(w, orders)), write_time_atom(w); return;
  case 1:
    put(w, "event.time - "), write_time_atom(w);
    bt_buffer_printf(w->out, " %s %s", PICK(w, orders), PICK(w, durations));
    return;
  case 2:
    write_time_atom(w);
    bt_buffer_printf(w->out, " - (event.time + %s) %s %s", PICK(w, durations), PICK(w, orders), PICK(w, durations));
    return;
  default:
    put(w, "event.time"), write_event_relation(w);
    if (one_in(w, 4)) write_event_relation(w);
  }
}

/* Of one event its time and something else. */
static void write_timed_event(writer *w) {
  put(w, "event.where("), write_event_time(w);
  put(w, one_in(w, 3) ? " or event.name" : " and event.name");
  write_string_test(w);
  put(w, ")");
}

/* The id of the trace, or of the one that a span is in. */
void write_trace_id_test(writer *w) {
  static const char *const fields[] = {"span.trace_id", "trace.id", "trace.id"};
  static const char *const literals[] = {"\"000102030405060708090a0b0c0d0e0f\"", "\"000102030405060708090A0B0C0D0E0F\"",
                                         "\"000000000000000000000000000000ab\"",
                                         "\"000000000000000000000000000001cd\""};
  static const char *const tests[] = {"=~ \"0+ab\"", "!~ \"0.*\"", "starts_with \"0001\"", "contains \"cd\""};
  put(w, w->about_a_span ? PICK(w, fields) : "trace.id");
  switch (below(w, 4)) {
  case 0: bt_buffer_printf(w->out, " %s", PICK(w, tests)); return;
  case 1:
    bt_buffer_printf(w->out, " %s [%s, %s]", one_in(w, 2) ? "in" : "not in", PICK(w, literals), PICK(w, literals));
    return;
  case 2:
    bt_buffer_printf(w->out, " %s ", PICK(w, orders));
    write_other_string(w);
    return;
  default: bt_buffer_printf(w->out, " %s %s", PICK(w, orders), PICK(w, literals));
  }
}

static void write_field_test(writer *w, bool is_in_where) {
  static const char *const others[] = {"span.service",
                                       "event.name",
                                       "event.k",
                                       "event.time",
                                       "resource.m",
                                       "span.parent_id",
                                       "scope.attributes[\"k\"]",
                                       "trace.root.service",
                                       "event.http.method",
                                       "link.trace_id",
                                       "link.span_id",
                                       "link.k",
                                       "span.flags",
                                       "span.trace_id",
                                       "span.trace_state[\"u\"]",
                                       "span.dropped_links_count",
                                       "resource.k8s.pod.name"};
  if (is_in_where && one_in(w, 3)) {
    static const char *const booleans[] = {
        "ok",    "span.ok",        "event.ok", "link.ok", "resource.k", "http.method", "span.http.status_code",
        "plain", "resource.rplain"};
    if (w->visible && one_in(w, 3))
      put_binding(w), put(w, ".ok");
    else
      put(w, PICK(w, booleans));
    return;
  }
  put(w, "exists(");
  if (one_in(w, 2))
    put(w, PICK(w, others));
  else
    write_attribute(w);
  put(w, ")");
}

static void write_unsaid_test(writer *w) {
  static const char *const tests[] = {"span.flags > 0",
                                      "span.flags == 1",
                                      "span.flags in [257, 769]",
                                      "exists(span.flags)",
                                      "span.trace_state[\"u\"] == \"1\"",
                                      "span.trace_state[\"u\"] != \"v\"",
                                      "exists(span.trace_state[\"v\"])"};
  put(w, PICK(w, tests));
}

/* One test on a span. Outside `where` a bare word would be a name. */
static void write_test(writer *w, bool is_in_where) {
  if (w->asks_unsaid && one_in(w, 2)) {
    write_unsaid_test(w);
    return;
  }
  switch (below(w, 15)) {
  case 0: write_intrinsic_test(w); return;
  case 1:
    put(w, PICK(w, span_strings));
    if (one_in(w, 3))
      bt_buffer_printf(w->out, " %s %s", one_in(w, 2) ? "==" : "!=", PICK(w, ids));
    else if (one_in(w, 4))
      bt_buffer_printf(w->out, " %s ", PICK(w, orders)), write_attribute(w); /* may be a number: a name never is */
    else
      write_string_test(w);
    return;
  case 2: put(w, "event.name"), write_string_test(w); return;
  case 3: write_event_test(w); return;
  case 4: write_field_test(w, is_in_where); return;
  case 5: write_time_comparison(w); return;
  case 6: write_number_comparison(w); return;
  case 7: one_in(w, 3) ? write_trace_id_test(w) : write_event_time(w); return;
  case 8: one_in(w, 2) ? write_timed_event(w) : write_link_test(w); return;
  case 9: write_part_count_test(w); return;
  default: write_left_attribute(w, is_in_where), write_attribute_test(w);
  }
}

void write_tests(writer *w, bool is_in_where) {
  bool was_about_a_span = w->about_a_span;
  w->about_a_span = true;
  w->depth++;
  unsigned count = maybe(w, 3) ? 2 : 1;
  for (unsigned i = 0; i < count; i++) {
    if (i) put(w, one_in(w, 2) ? " and " : " or ");
    bool negates = one_in(w, 6), has_name = !is_in_where && i > 0 && one_in(w, 2);
    if (negates) put(w, "not (");
    if (has_name)
      put(w, PICK(w, names));
    else if (one_in(w, 40))
      put(w, one_in(w, 2) ? "true" : "false");
    else
      write_test(w, is_in_where);
    if (negates) put(w, ")");
  }
  w->depth--;
  w->about_a_span = was_about_a_span;
}
