/* Writing random rules. See random_rule.h. The functions follow the grammar of dsl.md; each appends one part. What
 * stands on the left of a comparison always begins with something that is no constant, types are kept apart, and
 * bindings are used only where they are visible. */
#include "tests/diff/random_rule.h"

#include "tests/diff/random_writer.h"

/* Some names come often, so that most selectors find something. */
static const char *const names[] = {"a",   "a",       "a", "b", "b", "b",         "c",
                                    "p.q", "\"x y\"", "s", "s", "t", "service:s", "name:a"};
static const char *const numbers[] = {"0", "1", "2", "3", "2.5", "-1", "9007199254740992", "9007199254740993", "1e308"};
static const char *const durations[] = {"1ms", "2ms", "3ms", "500us", "0ms", "2ms1ns", "5ms"};
static const char *const orders[] = {"==", "!=", "<", "<=", ">", ">=", "="};

static void write_condition(writer *w, bool keeps_bindings);
static void write_spans(writer *w);
static void write_predicate(writer *w);
static void write_pick(writer *w);
static bool can_pick(writer *w, unsigned n);

static void write_predicate(writer *w) {
  write_tests(w, true);
}

void write_operand(writer *w) {
  bool was_about_a_span = w->about_a_span;
  w->depth++;
  if (maybe(w, 4))
    write_tests(w, false);
  else {
    w->about_a_span = false;
    write_spans(w);
  }
  w->depth--;
  w->about_a_span = was_about_a_span;
}

static void write_reference(writer *w, bool is_point) {
  if (w->visible && !one_in(w, 3)) {
    put_binding(w);
    if (is_point && one_in(w, 3)) put(w, one_in(w, 2) ? ".start" : ".end");
  } else if (w->depth < MAX_DEPTH && maybe(w, 3)) {
    put(w, "("), write_spans(w), put(w, ")");
    if (is_point && one_in(w, 3)) put(w, one_in(w, 2) ? ".start" : ".end");
  } else if (can_pick(w, 6)) {
    write_pick(w);
    if (is_point && one_in(w, 3)) put(w, one_in(w, 2) ? ".start" : ".end");
  } else if (is_point && one_in(w, 6)) {
    put(w, "\"x y\".end");
  } else {
    put(w, PICK(w, names));
  }
}

static void write_linked(writer *w) {
  static const char *const relations[] = {"linked to", "linked from", "downstream of"};
  unsigned which = below(w, 3);
  bt_buffer_printf(w->out, " %s ", relations[which]);
  write_reference(w, false);
  bt_buffer_printf(w->out, " within %s", PICK(w, durations));
  if (which == 2 && one_in(w, 2)) bt_buffer_printf(w->out, " over %u links", 1 + below(w, 5));
}

static void write_relation(writer *w) {
  static const char *const structures[] = {"under", "above", "child of", "parent of", "sibling of"};
  if (!w->in_when && one_in(w, 16)) {
    write_linked(w);
    return;
  }
  switch (below(w, 8)) {
  case 0:
  case 1:
  case 2:
    put(w, one_in(w, 2) ? " before " : " after ");
    write_reference(w, true);
    if (one_in(w, 3)) bt_buffer_printf(w->out, " within %s", PICK(w, durations));
    return;
  case 3:
    bt_buffer_printf(w->out, " within %s of ", PICK(w, durations));
    write_reference(w, true);
    return;
  case 4:
    put(w, " between ");
    write_reference(w, true);
    put(w, " and ");
    write_reference(w, true);
    return;
  default: bt_buffer_printf(w->out, " %s ", PICK(w, structures)); write_reference(w, false);
  }
}

/* `k == p0.k`, either way round, or `k in [p0.k, p1.m]`: what spans are looked up by. */
static void write_equality(writer *w) {
  static const char *const others[] = {
      ".k",         ".m", ".span.id", ".span.parent_id", ".span.name", ".span.duration", ".span.trace_state[\"u\"]",
      ".span.flags"};
  static const char *const own[] = {"span.k",    "span.m",        "span.parent_id",          "span.id",
                                    "span.name", "span.duration", "span.trace_state[\"v\"]", "span.flags"};
  unsigned which = one_in(w, 2) ? 0 : below(w, 8); /* durations only with durations */
  bool is_swapped = one_in(w, 4);
  if (which < 2 && one_in(w, 4)) {
    bt_buffer_printf(w->out, "%s in [", own[which]), put_binding(w), put(w, others[which]);
    if (one_in(w, 2))
      put(w, ", 1]");
    else
      put(w, ", "), put_binding(w), put(w, others[below(w, 2)]), put(w, "]");
    return;
  }
  const char *field = which < 2 && !is_swapped && one_in(w, 2) ? own[which] + strlen("span.") : own[which];
  if (is_swapped) {
    put_binding(w);
    bt_buffer_printf(w->out, "%s == %s", others[which], field);
  } else {
    bt_buffer_printf(w->out, "%s == ", field);
    put_binding(w);
    put(w, others[which]);
  }
}

static void write_correlation(writer *w) {
  write_equality(w);
  if (one_in(w, 4)) put(w, one_in(w, 3) ? " and " : " or "), write_equality(w);
  if (maybe(w, 4)) put(w, one_in(w, 2) ? " and " : " or "), write_predicate(w);
}

static void write_filter(writer *w, bool has_dot) {
  put(w, has_dot ? ".where(" : " where(");
  if (w->visible && one_in(w, 3))
    write_correlation(w);
  else
    write_predicate(w);
  put(w, ")");
}

static bool can_pick(writer *w, unsigned n) {
  return w->depth <= MAX_DEPTH && w->picks < 2 && maybe(w, n);
}

/* One span of several. */
static void write_pick(writer *w) {
  w->picks++;
  if (one_in(w, 3)) {
    put(w, "next("), put(w, PICK(w, names));
    if (maybe(w, 4)) write_filter(w, true);
    put(w, " after "), write_reference(w, true);
    if (one_in(w, 4)) bt_buffer_printf(w->out, " within %s", PICK(w, durations));
  } else {
    put(w, one_in(w, 2) ? "first(" : "last(");
    write_operand(w);
  }
  put(w, ")");
}

/* A base with filters and relations. */
static void write_spans(writer *w) {
  bool was_about_a_span = w->about_a_span;
  w->about_a_span = false;
  w->depth++;
  if (w->visible && one_in(w, 4))
    put_binding(w);
  else if (w->depth <= MAX_DEPTH && maybe(w, 4)) {
    put(w, one_in(w, 2) ? "trace.has(" : "span(");
    write_operand(w);
    put(w, ")");
  } else if (can_pick(w, 5))
    write_pick(w);
  else
    put(w, PICK(w, names));
  if (maybe(w, 3)) write_filter(w, true);
  for (unsigned i = 0; i < 2 && w->depth <= MAX_DEPTH && maybe(w, 2); i++) {
    write_relation(w);
    if (maybe(w, 5)) write_filter(w, false);
  }
  w->depth--;
  w->about_a_span = was_about_a_span;
}

static void write_order(writer *w) {
  bool of_bindings = w->visible && one_in(w, 3);
  put(w, one_in(w, 2) ? "trace.has_before(" : "trace.has_after(");
  for (int i = 0; i < 2; i++) {
    if (of_bindings)
      put_binding(w);
    else
      write_operand(w);
    put(w, i ? ")" : ", ");
  }
}

static void write_direct_comparison(writer *w) {
  static const char *const paths[] = {"a.k",     "b.m",          "c.ok", "a.duration", "a.http.status_code",
                                      "b.plain", "c.http.method"};
  const char *path = PICK(w, paths);
  put(w, path);
  if (strcmp(path, "a.duration") == 0)
    bt_buffer_printf(w->out, " %s %s", PICK(w, orders), PICK(w, durations));
  else
    write_attribute_test(w);
  if (one_in(w, 3)) write_relation(w);
}

/* All of some spans. */
static void write_every(writer *w) {
  put(w, "every(");
  write_operand(w);
  put(w, ", ");
  if (w->visible && one_in(w, 3))
    write_correlation(w);
  else
    write_predicate(w);
  put(w, ")");
}

/* Attributes of other spans are there only where some are bound. */
static void write_root_test(writer *w) {
  write_root_attribute(w);
  if (w->visible)
    write_attribute_test(w);
  else if (one_in(w, 2))
    write_string_test(w);
  else
    bt_buffer_printf(w->out, " %s %s", PICK(w, orders), PICK(w, numbers));
}

static void write_condition_comparison(writer *w) {
  static const char *const root_fields[] = {"trace.root.name", "trace.root.service"};
  w->depth++;
  switch (below(w, 6)) {
  case 0:
    if (one_in(w, 4))
      write_trace_id_test(w);
    else if (one_in(w, 2))
      put(w, PICK(w, root_fields)), write_string_test(w);
    else
      write_root_test(w);
    break;
  case 1: write_time_comparison(w); break;
  case 2:
    if (w->visible) {
      put_binding(w), bt_buffer_printf(w->out, ".%s", a_key(w)), write_attribute_test(w);
      break;
    }
    write_number_comparison(w);
    break;
  default: write_number_comparison(w);
  }
  w->depth--;
}

static void write_binding(writer *w) {
  w->bindings++;
  bt_buffer_printf(w->out, " as p%u", w->visible++);
}

static bool can_bind(const writer *w) {
  return w->visible < MAX_VISIBLE && w->bindings < MAX_BINDINGS;
}

/* Two bound spans that are joined on what they have. */
static void write_join(writer *w) {
  static const char *const fields[] = {".k", ".m", ".span.name", ".span.id"};
  const char *field = PICK(w, fields);
  if (one_in(w, 3)) {
    put_binding(w), put(w, ".where("), write_correlation(w), put(w, ")");
    return;
  }
  put_binding(w), put(w, field), put(w, " == ");
  put_binding(w), put(w, one_in(w, 6) ? PICK(w, fields) : field);
}

/* A bound span in relation to another one, or not in it. */
static void write_pair(writer *w) {
  if (one_in(w, 4)) {
    write_join(w);
    return;
  }
  bool negates = one_in(w, 2);
  if (negates) put(w, "not (");
  put_binding(w);
  write_relation(w);
  if (negates) put(w, ")");
}

static void write_unary(writer *w, bool keeps_bindings) {
  unsigned outside = w->visible;
  w->about_a_span = false;
  if (w->binds_first && w->depth == 1 && w->visible < 2 && can_bind(w)) {
    write_spans(w);
    write_binding(w);
    return;
  }
  switch (below(w, 14)) {
  case 0: write_condition_comparison(w); return;
  case 1: write_condition_comparison(w); return;
  case 2:
    if (one_in(w, 2))
      write_order(w);
    else
      write_every(w);
    return;
  case 3: write_direct_comparison(w); return;
  case 4:
  case 5:
    if (maybe(w, 1)) {
      put(w, one_in(w, 2) ? "not (" : "!("), write_condition(w, false), put(w, ")");
      w->visible = outside;
      return;
    }
    break;
  case 8:
  case 9:
    if (w->visible > 0) {
      write_pair(w);
      return;
    }
    break;
  case 6:
    if (w->depth < MAX_DEPTH && maybe(w, 1)) {
      put(w, "("), write_condition(w, keeps_bindings), put(w, ")");
      return;
    }
    break;
  case 7:
    if (one_in(w, 6)) {
      put(w, one_in(w, 2) ? "true" : "false");
      return;
    }
    break;
  default: break;
  }
  write_spans(w);
  if (can_bind(w) && one_in(w, w->depth > 1 ? 4 : 2)) write_binding(w);
}

static void write_conjunction(writer *w, bool keeps_bindings) {
  unsigned outside = w->visible;
  unsigned least = w->binds_first && w->depth == 1 ? 2 : 1;
  for (unsigned i = 0; i < 4 && (i < least || maybe(w, 2)); i++) {
    if (i) put(w, one_in(w, 8) ? " && " : " and ");
    write_unary(w, true);
  }
  if (!keeps_bindings) w->visible = outside;
}

/* Bindings stay visible behind it only when it is one conjunction. */
static void write_condition(writer *w, bool keeps_bindings) {
  w->depth++;
  unsigned count = maybe(w, 5) ? 2 : 1;
  for (unsigned i = 0; i < count; i++) {
    if (i) put(w, one_in(w, 8) ? " || " : " or ");
    write_conjunction(w, keeps_bindings && count == 1);
  }
  w->depth--;
}

static void write_clause(writer *w, const char *name, bool keeps_bindings) {
  bt_buffer_printf(w->out, "%s { ", name);
  if (!keeps_bindings && w->visible > 1 && one_in(w, 2))
    write_pair(w);
  else
    write_condition(w, keeps_bindings);
  put(w, " } ");
}

void random_rule_write(test_random *random, bt_buffer *out) {
  writer w = {.random = random, .out = out};
  /* in a small rule each part decides the verdict, in a large one parts meet */
  static const unsigned rooms[] = {3, 3, 3, 8, 8, 16};
  w.room = below(&w, PICK(&w, rooms));
  w.binds_first = one_in(&w, 6);
  w.asks_unsaid = one_in(&w, 12);
  switch (below(&w, 8)) {
  case 0:
  case 1:
  case 2: write_condition(&w, true); return;
  case 3: write_clause(&w, one_in(&w, 2) ? "always" : "never", false); return;
  default: break;
  }
  unsigned clauses = 1 + below(&w, 3); /* 1: always, 2: never, 3: both */
  w.in_when = true;
  write_clause(&w, "when", true);
  w.in_when = false;
  if (clauses & 1) write_clause(&w, "always", false);
  if (clauses & 2) write_clause(&w, "never", false);
}
