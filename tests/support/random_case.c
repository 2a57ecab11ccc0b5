/* Random rules and traces. See random_case.h. */
#include "tests/support/random_case.h"

typedef struct writer {
  random_source *source;
  bt_buffer *out;
  uint32_t binding_count; /* visible here */
} writer;

static const char *const names[] = {"x", "y", "z"};
static const char *const bindings[] = {"p", "q", "r"};
enum { NAME_COUNT = 3, CHOICE_BINDINGS = 2 };

void random_seed(random_source *source, uint64_t seed) {
  source->state = seed * 0x9E3779B97F4A7C15u + 1;
  random_below(source, 2);
}

uint32_t random_below(random_source *source, uint32_t below) {
  source->state = source->state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(source->state >> 33) % below;
}

static bool chance(writer *w, uint32_t one_in) {
  return random_below(w->source, one_in) == 0;
}

static void put(writer *w, const char *text) {
  bt_buffer_append(w->out, bt_str_from(text));
}

static void put_one_of(writer *w, const char *const *texts, uint32_t count) {
  put(w, texts[random_below(w->source, count)]);
}

/* A bound span or a name: what structural relations are about. */
static void put_reference(writer *w) {
  if (w->binding_count && chance(w, 2))
    put_one_of(w, bindings, w->binding_count);
  else
    put_one_of(w, names, NAME_COUNT);
}

/* The same, maybe filtered, maybe its end. */
static void put_point(writer *w) {
  static const char *const filters[] = {"", ".where(k == 1)", ".where(k != 1)"};
  if (chance(w, 2)) {
    put(w, "(");
    put_one_of(w, names, NAME_COUNT);
    put_one_of(w, filters, 3);
    put(w, chance(w, 2) ? ").end" : ")");
  } else if (w->binding_count && chance(w, 2)) {
    put_one_of(w, bindings, w->binding_count);
    if (chance(w, 3)) put(w, ".end");
  } else {
    put_one_of(w, names, NAME_COUNT);
  }
}

static void put_relation(writer *w) {
  static const char *const structural[] = {" under ",     " above ",      " child of ",
                                           " parent of ", " sibling of ", " under "};
  switch (random_below(w->source, 5)) {
  case 0:
    put(w, chance(w, 2) ? " before " : " after ");
    put_point(w);
    if (chance(w, 2)) put(w, " within 2ms");
    return;
  case 1:
    put(w, " within 2ms of ");
    put_point(w);
    return;
  case 2:
    put(w, " between ");
    put_point(w);
    put(w, " and ");
    put_point(w);
    return;
  default: put_one_of(w, structural, 6); put_reference(w);
  }
}

static void put_selection(writer *w) {
  static const char *const filters[] = {".where(k >= 2)", ".where(not (k == 1))", ".where(k in [1, \"1\"])",
                                        ".where(span.duration * 2 > trace.duration)", ".where(n == k)"};
  uint32_t relations = random_below(w->source, 3);
  if (w->binding_count && chance(w, 6))
    put_one_of(w, bindings, w->binding_count);
  else
    put_one_of(w, names, NAME_COUNT);
  if (chance(w, 3)) put_one_of(w, filters, 5);
  for (uint32_t i = 0; i < relations; i++) put_relation(w);
  if (relations == 0 || w->binding_count == 0 || !chance(w, 3)) return;
  put(w, chance(w, 2) ? " where(k == " : " where(k < ");
  put_one_of(w, bindings, w->binding_count);
  put(w, ".k)");
}

static void put_aggregate(writer *w) {
  static const char *const heads[] = {"count(", "sum(", "min(", "max(", "avg(", "count_distinct("};
  static const char *const values[] = {", k)", ", k)", ", n)", ", k * n)", ", span.duration / 1ms)"};
  static const char *const tails[] = {" > 1", " < 2", " == 1", " != 2", " in [1, 3]", " >= trace.span_count - 3"};
  uint32_t head = random_below(w->source, 6);
  put(w, heads[head]);
  put_selection(w);
  if (head)
    put_one_of(w, values, 5);
  else
    put(w, ")");
  put_one_of(w, tails, 6);
}

static void put_pair(writer *w, const char *head, const char *between) {
  put(w, head);
  put_selection(w);
  put(w, between);
  put_selection(w);
  put(w, ")");
}

/* A condition of its own, maybe with a binding that only it sees. */
static void put_nested_binding(writer *w) {
  uint32_t before = w->binding_count;
  put(w, chance(w, 2) ? "not (" : "(z or ");
  put_selection(w);
  put(w, " as r and ");
  w->binding_count = CHOICE_BINDINGS + 1;
  put(w, chance(w, 2) ? "r.k != 2 and " : "x after r and ");
  w->binding_count = before;
  put_selection(w);
  put(w, ")");
}

static void put_atom(writer *w) {
  switch (random_below(w->source, 9)) {
  case 0:
    put(w, "not (");
    put_selection(w);
    put(w, ")");
    return;
  case 1: put_aggregate(w); return;
  case 2: put_pair(w, chance(w, 2) ? "trace.has_before(" : "trace.has_after(", ", "); return;
  case 3:
    if (chance(w, 2))
      put_pair(w, "(", " or ");
    else
      put(w, "every("), put_selection(w), put(w, ", k > 1 or not exists(n))");
    return;
  case 4: put_nested_binding(w); return;
  case 5: put(w, "trace.duration > 4ms"); return;
  default: put_selection(w);
  }
}

static void put_conjunction(writer *w, bool may_bind) {
  uint32_t count = 1 + random_below(w->source, 3);
  for (uint32_t i = 0; i < count; i++) {
    if (i) put(w, " and ");
    if (may_bind && w->binding_count < CHOICE_BINDINGS && chance(w, 2)) {
      put_selection(w);
      put(w, " as ");
      put(w, bindings[w->binding_count++]);
    } else {
      put_atom(w);
    }
  }
}

static void put_clause(writer *w, const char *head, bool may_bind) {
  put(w, head);
  put_conjunction(w, may_bind);
  put(w, " } ");
}

void random_rule(random_source *source, bt_buffer *out) {
  writer w = {.source = source, .out = out};
  if (chance(&w, 3)) {
    put_conjunction(&w, true);
    return;
  }
  uint32_t clauses = 1 + random_below(source, 3);
  if (!chance(&w, 6)) put_clause(&w, "when { ", true);
  if (clauses & 1) put_clause(&w, "always { ", false);
  if (clauses & 2) put_clause(&w, "never { ", false);
}

static void put_span(writer *w, uint32_t number, uint32_t count, bool with_halves) {
  static const char *const services[] = {" service=s", " service=t", ""};
  static const char *const values[] = {" k=1",   " k=2",       " k=3",      " k=\"1\"", " k=[1,3]",
                                       " k=1.5", " k=\"2.0\"", " k=\"02\"", ""};
  bool is_half = with_halves && number > 0 && chance(w, 6);
  bt_buffer_printf(w->out, "%c ", 'a' + (int)(is_half ? number - 1 : number));
  put_one_of(w, names, NAME_COUNT);
  bt_buffer_printf(w->out, " at=%ums duration=%uus", random_below(w->source, 10), random_below(w->source, 5000));
  put_one_of(w, services, 3);
  put_one_of(w, values, 9);
  if (is_half) put(w, " kind=server");
  if (!chance(w, 3))
    bt_buffer_printf(w->out, " parent=%c", chance(w, 8) ? '?' : 'a' + (int)random_below(w->source, count));
  put(w, "\n");
}

void random_trace(random_source *source, bool with_halves, bt_buffer *out) {
  writer w = {.source = source, .out = out};
  uint32_t count = 1 + random_below(source, 8);
  for (uint32_t i = 0; i < count; i++) put_span(&w, i, count, with_halves);
}
