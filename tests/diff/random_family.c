/* See random_family.h. */
#include "tests/diff/random_family.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/trace_text.h"

enum { ARENA_BYTES = 64 * 1024 * 1024, MS_MAX = 9 };

static const char *const ids[FAMILY_MAX] = {"ab", "1cd",  "102030405060708090a0b0c0d0e0f",
                                            "9",  "feed", "0badcafe00000001"};

#define PICK(random, table) (table)[test_random_below(random, sizeof(table) / sizeof((table)[0]))]

static bool one_in(test_random *random, unsigned n) {
  return test_random_below(random, n) == 0;
}

static void stop(const char *what) {
  fprintf(stderr, "random_family: %s\n", what);
  exit(1);
}

/* ---- traces ---- */

static void write_links(test_random *random, unsigned traces, bt_buffer *out) {
  static const char *const spans[] = {"a", "a", "a", "b", "b", "c", "d", ""};
  unsigned count = one_in(random, 2) ? 0 : 1 + test_random_below(random, 3);
  if (one_in(random, 60)) count = 16; /* a batch */
  for (unsigned i = 0; i < count; i++) {
    const char *to = one_in(random, 16) ? "dead" : one_in(random, 30) ? "" : ids[test_random_below(random, traces)];
    bt_buffer_printf(out, " link=%s/%s", to, PICK(random, spans));
  }
}

static void write_trace(test_random *random, unsigned traces, bt_buffer *out) {
  static const char *const names[] = {"a", "a", "b", "c"};
  static const char *const doubts[] = {" at=?", " end=?", " dropped=1", " dropped_events=1", " resource_dropped=1"};
  unsigned count = 1 + test_random_below(random, 5);
  bool is_pruned = one_in(random, 20), is_doubtful = one_in(random, 3);
  for (unsigned i = 0; i < count; i++) {
    unsigned id = i && one_in(random, 12) ? test_random_below(random, i) : i;
    bt_buffer_printf(out, "%c %s at=%ums duration=%ums", 'a' + (char)id, PICK(random, names),
                     test_random_below(random, MS_MAX), test_random_below(random, 5));
    if (i && !one_in(random, 4))
      bt_buffer_printf(out, " parent=%c", 'a' + (char)test_random_below(random, one_in(random, 6) ? count : i));
    else if (one_in(random, 8))
      bt_buffer_append(out, BT_STR(" parent=z"));
    if (one_in(random, 3)) bt_buffer_printf(out, " service=%s", one_in(random, 2) ? "s" : "t");
    if (one_in(random, 4)) bt_buffer_append(out, BT_STR(" status=error"));
    if (one_in(random, 2)) bt_buffer_printf(out, " k=%u", test_random_below(random, 3));
    if (one_in(random, 3))
      bt_buffer_printf(out, one_in(random, 2) ? " m=%u" : " m=\"x\"", test_random_below(random, 3));
    if (is_doubtful && one_in(random, 4)) bt_buffer_append(out, bt_str_from(PICK(random, doubts)));
    if (is_pruned && one_in(random, 3)) bt_buffer_append(out, BT_STR(" aggregation.is_summary=true"));
    write_links(random, traces, out);
    bt_buffer_append_char(out, '\n');
  }
}

static const bt_trace *read_trace(random_family *f, unsigned number) {
  char message[256];
  bt_trace *own = bt_arena_alloc(&f->arena, sizeof *own);
  const bt_trace *trace = trace_text_read(&f->arena, f->texts[number].ptr, message, sizeof message);
  if (!trace || !own) stop(trace ? "no memory" : message);
  *own = *trace;
  if (!bt_trace_id_parse(bt_str_from(ids[number]), &own->id)) stop("no id");
  return own;
}

/* ---- gaps ---- */

static bool links_into(const bt_span *span, const bt_family_trace *to) {
  if (span->start_ns < to->asked_from_ns || span->start_ns > to->asked_until_ns) return false;
  for (uint32_t i = 0; i < span->link_count; i++)
    if (bt_trace_id_compare(&span->links[i].trace_id, &to->trace->id) == 0) return true;
  return false;
}

/* Nobody who asked would have found it. */
static bool may_be_missing(const random_family *f, uint32_t number) {
  const bt_trace *trace = f->gaps.traces[number].trace;
  for (uint32_t t = 0; t < f->gaps.trace_count; t++)
    for (uint32_t i = 0; t != number && i < trace->span_count; i++)
      if (links_into(&trace->spans[i], &f->gaps.traces[t])) return false;
  return true;
}

static const bt_trace *without_some_spans(test_random *random, bt_arena *arena, const bt_trace *trace) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &trace->id);
  if (!builder) stop("no memory");
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (!one_in(random, 3) && !bt_trace_builder_add(builder, &trace->spans[i])) stop("no memory");
  return bt_trace_builder_finish(builder);
}

static void choose_asked(test_random *random, const bt_trace *own, bt_family_trace *out) {
  int64_t start_ns = bt_trace_start_ns(own);
  out->asked_from_ns = INT64_MIN;
  out->asked_until_ns = INT64_MAX;
  switch (test_random_below(random, 8)) {
  case 0: out->asked_from_ns = 1, out->asked_until_ns = 0; return;
  case 1: out->asked_from_ns = start_ns + ((int64_t)test_random_below(random, MS_MAX) - 4) * 1000000; return;
  case 2: out->asked_until_ns = start_ns + (int64_t)test_random_below(random, MS_MAX + 4) * 1000000; return;
  default: return;
  }
}

static void make_gaps(test_random *random, random_family *f) {
  memcpy(f->partial, f->whole, sizeof f->partial);
  f->gaps = (bt_family){.traces = f->partial, .trace_count = f->family.trace_count};
  if (one_in(random, 4)) return;
  for (uint32_t t = 0; t < f->gaps.trace_count; t++) choose_asked(random, f->whole[0].trace, &f->partial[t]);
  for (uint32_t t = 1; t < f->gaps.trace_count; t++) {
    if (!may_be_missing(f, t) || one_in(random, 3)) continue;
    f->gaps.trace_count--;
    memmove(&f->partial[t], &f->partial[t + 1], (f->gaps.trace_count - t) * sizeof f->partial[0]);
    t--;
  }
  for (uint32_t t = 0; t < f->gaps.trace_count; t++) {
    if (!one_in(random, 6)) continue;
    f->partial[t].trace = without_some_spans(random, &f->arena, f->partial[t].trace);
    f->partial[t].is_incomplete = true;
    if (t == 0) f->is_own_incomplete = true;
  }
}

/* Of each span the last link, or none. */
static const bt_trace *without_some_links(test_random *random, bt_arena *arena, const bt_trace *trace) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &trace->id);
  if (!builder) stop("no memory");
  for (uint32_t i = 0; i < trace->span_count; i++) {
    bt_span span = trace->spans[i];
    if (span.link_count) span.links += span.link_count - 1;
    span.link_count = span.link_count && !one_in(random, 6);
    if (!bt_trace_builder_add(builder, &span)) stop("no memory");
  }
  return bt_trace_builder_finish(builder);
}

static void hide_links(test_random *random, random_family *f) {
  memcpy(f->shown, f->partial, sizeof f->shown);
  f->hidden = (bt_family){.traces = f->shown, .trace_count = f->gaps.trace_count};
  for (uint32_t t = 0; t < f->hidden.trace_count; t++) {
    if (one_in(random, 3)) continue;
    f->shown[t].trace = without_some_links(random, &f->arena, f->shown[t].trace);
    f->shown[t].hides_links = true;
  }
}

void random_family_make(test_random *random, random_family *out) {
  uint32_t count = 1 + test_random_below(random, FAMILY_MAX);
  *out = (random_family){0};
  bt_arena_init(&out->arena, ARENA_BYTES);
  for (uint32_t t = 0; t < count; t++) {
    write_trace(random, count, &out->texts[t]);
    out->whole[t] =
        (bt_family_trace){.trace = read_trace(out, t), .asked_from_ns = INT64_MIN, .asked_until_ns = INT64_MAX};
  }
  out->family = (bt_family){.traces = out->whole, .trace_count = count};
  make_gaps(random, out);
  hide_links(random, out);
}

void random_family_dispose(random_family *family) {
  for (int t = 0; t < FAMILY_MAX; t++) bt_buffer_dispose(&family->texts[t]);
  bt_arena_dispose(&family->arena);
}

/* ---- rules ---- */

static const char *a_bound(test_random *random) {
  static const char *const bounds[] = {"1ms", "2ms", "3ms", "5ms", "20ms"};
  return PICK(random, bounds);
}

static void write_spans(test_random *random, bt_buffer *out) {
  static const char *const spans[] = {
      "a", "b", "c", "span(span.status == error)", "a.where(k > 0)", "b.where(span.k == 1)", "span(exists(span.k))"};
  bt_buffer_append(out, bt_str_from(PICK(random, spans)));
}

static void write_linked(test_random *random, const char *to, bt_buffer *out) {
  static const char *const relations[] = {"linked to", "linked to", "linked from", "downstream of"};
  const char *relation = PICK(random, relations);
  bt_buffer_printf(out, " %s %s within %s", relation, to, a_bound(random));
  if (relation[0] == 'd' && one_in(random, 2))
    bt_buffer_printf(out, " over %u links", 1 + test_random_below(random, 4));
}

static void write_more(test_random *random, const char *to, bt_buffer *out) {
  static const char *const others[] = {" after p", " under p", " within 2ms of p", " before p", " child of p"};
  if (one_in(random, 5)) bt_buffer_append(out, bt_str_from(PICK(random, others)));
  if (one_in(random, 8)) write_linked(random, to, out);
  if (one_in(random, 8)) bt_buffer_append(out, BT_STR(" where(k == p.k)"));
}

static void write_selection(test_random *random, const char *to, bt_buffer *out) {
  write_spans(random, out);
  write_linked(random, to, out);
  write_more(random, to, out);
}

/* A second step from a span that was reached. */
static void write_chain(test_random *random, bt_buffer *out) {
  static const char *const structures[] = {"under", "child of", "sibling of", "above", "parent of"};
  write_selection(random, "p", out);
  bt_buffer_append(out, BT_STR(" as q and "));
  if (one_in(random, 8)) bt_buffer_append(out, BT_STR("not "));
  write_spans(random, out);
  if (one_in(random, 2))
    bt_buffer_printf(out, " %s q", PICK(random, structures));
  else
    write_linked(random, one_in(random, 4) ? "b" : "q", out);
  if (one_in(random, 4)) bt_buffer_append(out, BT_STR(" and q.k == 1"));
}

static void write_order(test_random *random, bt_buffer *out) {
  bt_buffer_append(out, one_in(random, 2) ? BT_STR("trace.has_before(") : BT_STR("trace.has_after("));
  write_selection(random, "p", out);
  bt_buffer_append(out, BT_STR(", "));
  write_selection(random, "p", out);
  bt_buffer_append(out, BT_STR(")"));
}

static void write_condition(test_random *random, bt_buffer *out) {
  static const char *const comparisons[] = {"== 1", "> 0", "<= 1", "!= 2", "== 0", ">= 2"};
  static const char *const aggregates[] = {"sum", "min", "max", "count_distinct"};
  switch (test_random_below(random, 8)) {
  case 0:
    bt_buffer_append(out, BT_STR("count("));
    write_selection(random, "p", out);
    bt_buffer_printf(out, ") %s", PICK(random, comparisons));
    return;
  case 1:
    bt_buffer_printf(out, "%s(", PICK(random, aggregates));
    write_selection(random, "p", out);
    bt_buffer_printf(out, ", span.k) %s", PICK(random, comparisons));
    return;
  case 2:
  case 3: write_chain(random, out); return;
  case 4: write_order(random, out); return;
  case 5:
    bt_buffer_append(out, BT_STR("not "));
    write_selection(random, "p", out);
    return;
  default: write_selection(random, one_in(random, 6) ? "b" : "p", out); return;
  }
}

/* What most rules over links ask for: something follows, elsewhere. */
static void write_need(test_random *random, bt_buffer *out) {
  static const char *const names[] = {"a", "b", "c"};
  const char *bound = one_in(random, 2) ? "20ms" : a_bound(random);
  bool is_count = one_in(random, 3);
  bt_buffer_printf(out, "when { %s as p } always { %s", PICK(random, names), is_count ? "count(" : "");
  bt_buffer_printf(out, "%s linked to p within %s%s", PICK(random, names), bound, is_count ? ") >= 1" : "");
  if (one_in(random, 4)) bt_buffer_append(out, BT_STR(" or c under p"));
  bt_buffer_append(out, BT_STR(" }"));
}

void random_family_rule(test_random *random, bt_buffer *out) {
  if (one_in(random, 4)) {
    write_need(random, out);
    return;
  }
  bt_buffer_append(out, BT_STR("when { "));
  write_spans(random, out);
  bt_buffer_append(out, one_in(random, 2) ? BT_STR(" as p } always { ") : BT_STR(" as p } never { "));
  write_condition(random, out);
  bt_buffer_append(out, BT_STR(" }"));
}
