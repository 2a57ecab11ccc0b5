/* Drawing a trace. See trace_drawing.h. Each line has a gutter with the numbers of the rules that the span is a witness
 * of. Then come the tree with the name, the service, the duration, and the place in the trace's time. */
#include "server/cli/trace_drawing.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dsl/example/example_text.h"
#include "dsl/trace/trace_pruned.h"
#include "server/base/shown_text.h"
#include "server/base/span_time.h"
#include "server/cli/cli.h"
#include "server/cli/terminal.h"
#include "server/replay/trace_link.h"

typedef struct glyphs {
  const char *branch, *last, *line, *gap, *bar, *point, *gap_mark;
} glyphs;

static const glyphs *glyphs_of_terminal(void) {
  static const glyphs unicode = {"├─ ", "└─ ", "│  ", "   ", "█", "▏", "…"},
                      ascii = {"|- ", "`- ", "|  ", "   ", "#", "|", ".."};
  return bt_terminal_is_utf8() ? &unicode : &ascii;
}

/* ---- making it ---- */

static bt_status keep_verdicts(bt_drawing *drawing, const bt_rule_definition *const *rules,
                               const bt_rule_verdict *verdicts, size_t count, bt_error *error) {
  bt_status status = BT_OK;
  if (!count) return BT_OK;
  drawing->verdicts = calloc(count, sizeof *drawing->verdicts);
  if (!drawing->verdicts) return bt_error_no_memory(error);
  for (size_t i = 0; i < count && !status; i++) {
    drawing->verdicts[drawing->verdict_count++] = (bt_drawn_verdict){rules[i], &verdicts[i], NULL};
    if (verdicts[i].verdict == BT_VIOLATED)
      status = bt_violation_new(rules[i], "", drawing->trace, &verdicts[i], &drawing->verdicts[i].violation, error);
  }
  return status;
}

static bt_status keep_linked(bt_drawing *drawing, const bt_family *family, bt_error *error) {
  bt_status status = BT_OK;
  if (!family || family->trace_count < 2) return BT_OK;
  drawing->linked = calloc(family->trace_count - 1, sizeof *drawing->linked);
  if (!drawing->linked) return bt_error_no_memory(error);
  for (uint32_t i = 1; i < family->trace_count && !status; i++) {
    bt_drawing *other = &drawing->linked[drawing->linked_count++];
    *other = (bt_drawing){.trace = family->traces[i].trace,
                          .verdicts = drawing->verdicts,
                          .verdict_count = drawing->verdict_count,
                          .member = i};
    status = bt_tree_new(other->trace, &other->tree, error);
  }
  return status;
}

bt_status bt_drawing_new(const bt_trace *trace, const bt_family *family, const bt_rule_definition *const *rules,
                         const bt_rule_verdict *verdicts, size_t rule_count, bt_drawing *out, bt_error *error) {
  *out = (bt_drawing){.trace = trace};
  bt_status status = bt_tree_new(trace, &out->tree, error);
  if (!status) status = keep_verdicts(out, rules, verdicts, rule_count, error);
  return status ? status : keep_linked(out, family, error);
}

void bt_drawing_dispose(bt_drawing *drawing) {
  for (uint32_t i = 0; i < drawing->linked_count; i++) bt_tree_dispose(&drawing->linked[i].tree);
  free(drawing->linked);
  for (size_t i = 0; i < drawing->verdict_count; i++) bt_violation_free(drawing->verdicts[i].violation);
  free(drawing->verdicts);
  bt_tree_dispose(&drawing->tree);
}

bool bt_drawing_is_witness(const bt_drawing *drawing, size_t rule, uint32_t span) {
  const bt_rule_verdict *verdict = drawing->verdicts[rule].verdict;
  for (uint32_t c = 0; verdict->verdict == BT_VIOLATED && c < verdict->choice_count; c++)
    for (uint32_t w = 0; w < verdict->choices[c].witness_count; w++) {
      const bt_witness *witness = &verdict->choices[c].witnesses[w];
      if (witness->trace == drawing->member && witness->span == span) return true;
    }
  return false;
}

/* ---- words ---- */

/* A part that could not be made must not look like one that is empty. */
static void dispose_part(bt_buffer *part, bt_buffer *out) {
  out->failed = out->failed || part->failed;
  bt_buffer_dispose(part);
}

static void append_text(bt_buffer *out, const char *text) {
  bt_buffer_append(out, bt_str_from(text));
}

static void pad_columns(size_t columns, bt_buffer *out) {
  while (columns-- > 0) bt_buffer_append_char(out, ' ');
}

/* Three digits and a unit. */
static void append_amount(int64_t ns, bt_buffer *out) {
  static const struct {
    double size;
    const char *unit;
  } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
  if (ns >= INT64_C(100) * 1000000000) {
    bt_buffer_printf(out, "%" PRId64 "m%02" PRId64 "s", ns / 60000000000, ns / 1000000000 % 60);
    return;
  }
  for (size_t i = 0; i < 3; i++) {
    double amount = (double)ns / units[i].size;
    if (amount < 1) continue;
    bt_buffer_printf(out, "%.*f%s", amount < 10 ? 2 : amount < 100 ? 1 : 0, amount, units[i].unit);
    return;
  }
  bt_buffer_printf(out, "%" PRId64 "ns", ns);
}

static void append_length(const bt_lasting *lasting, bt_buffer *out) {
  if (lasting->length == BT_LENGTH_KNOWN)
    append_amount(lasting->length_ns, out);
  else
    append_text(out, bt_length_words(lasting->length));
}

static uint32_t count_services(const bt_trace *trace) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    bool is_new = trace->spans[i].resource->service.len > 0;
    for (uint32_t j = 0; j < i && is_new; j++)
      is_new = !bt_str_equal(trace->spans[j].resource->service, trace->spans[i].resource->service);
    count += is_new;
  }
  return count;
}

static void print_head(const bt_drawing *drawing, bt_buffer *out) {
  char id[BT_TRACE_ID_HEX + 1], start[BT_SPAN_TIME_BYTES];
  const bt_trace *trace = drawing->trace;
  bt_lasting lasting = bt_lasting_of_trace(trace);
  uint32_t services = trace->span_count <= 10000 ? count_services(trace) : 0;
  bt_trace_id_format(&trace->id, id);
  bt_span_time_format(lasting.start_ns, 3, start);
  bt_buffer_printf(out, "%s%s%s  %s  ", bt_style_on(BT_STYLE_BOLD), id, bt_style_on(BT_STYLE_OFF), start);
  append_length(&lasting, out);
  bt_buffer_printf(out, "  %u span%s", trace->span_count, bt_cli_plural(trace->span_count));
  if (services) bt_buffer_printf(out, " of %u service%s", services, bt_cli_plural(services));
  append_text(out, "\n");
  const char *warn = bt_style_on(BT_STYLE_YELLOW), *off = bt_style_on(BT_STYLE_OFF);
  if (trace->partial) bt_buffer_printf(out, "%spartial: the source does not give the whole trace%s\n", warn, off);
  if (trace->pruned)
    bt_buffer_printf(out, "%spruned: summaries (marked \"N of\") stand for spans that are not there%s\n", warn, off);
  if (drawing->is_unsettled)
    bt_buffer_printf(out, "%snot settled: its last spans are so young that more may come%s\n", warn, off);
  if (trace->differing_copies)
    bt_buffer_printf(out, "%sthere are copies of a span that differ; each may be right%s\n", warn, off);
  if (drawing->tree.missing_parents)
    bt_buffer_printf(out, "%s%u span%s a parent that is not in this trace (marked ?)%s\n", warn,
                     drawing->tree.missing_parents, drawing->tree.missing_parents == 1 ? " names" : "s name", off);
}

/* ---- verdicts ---- */

static bt_style style_of(bt_verdict verdict) {
  switch (verdict) {
  case BT_VIOLATED: return BT_STYLE_RED;
  case BT_INCONCLUSIVE: return BT_STYLE_YELLOW;
  case BT_SATISFIED: return BT_STYLE_GREEN;
  case BT_NOT_APPLICABLE: return BT_STYLE_DIM;
  }
  return BT_STYLE_DIM;
}

/* What was missing, or there and must not be, in the words of the violation's sentence. */
static void print_failed(const bt_rule *rule, const bt_violation_choice *choice, bt_buffer *out) {
  bt_buffer said = {0};
  bt_violation_say_failure(rule, choice, &said);
  append_text(out, "    ");
  bt_shown_append(bt_buffer_str(&said), out);
  append_text(out, "\n");
  out->failed = out->failed || said.failed;
  bt_buffer_dispose(&said);
}

/* ", at +12ms for 3ms"; what the span does not say is named. */
static void append_place(const bt_drawing *drawing, const bt_violation_witness *witness, bt_buffer *out) {
  bt_lasting lasting = bt_lasting_between(witness->start_ns, witness->end_ns);
  int64_t after_ns = witness->start_ns - bt_lasting_of_trace(drawing->trace).start_ns;
  if (lasting.start_ns) {
    append_text(out, after_ns < 0 ? ", at -" : ", at +");
    append_amount(after_ns < 0 ? -after_ns : after_ns, out);
    append_text(out, lasting.length == BT_LENGTH_KNOWN ? " for " : ", ");
    append_length(&lasting, out);
  } else {
    append_text(out, lasting.end_ns ? ", no start" : ", no start, not ended");
  }
}

static void print_witness(const bt_drawing *drawing, const bt_violation_witness *witness, bt_buffer *out) {
  append_text(out, "      ");
  if (witness->binding) {
    bt_shown_append(bt_str_from(witness->binding), out);
    append_text(out, " = ");
  }
  bt_text_fit(bt_str_from(witness->name), 60, out);
  if (witness->service[0]) append_text(out, " of ");
  bt_text_fit(bt_str_from(witness->service), 40, out);
  if (bt_trace_id_compare(&witness->trace_id, &drawing->trace->id) != 0) append_text(out, " in a linked trace");
  append_place(drawing, witness, out);
  for (size_t i = 0; i < witness->attribute_count; i++) {
    append_text(out, i ? ", " : ": ");
    bt_text_fit(bt_str_from(witness->attributes[i].key), 60, out);
    append_text(out, " = ");
    bt_text_fit(bt_str_from(witness->attributes[i].value), 60, out);
  }
  append_text(out, "\n");
}

static void print_choices(const bt_drawing *drawing, const bt_drawn_verdict *drawn, bt_buffer *out) {
  enum { SHOWN = 3, MOST_LISTED = 3 };
  const bt_violation *violation = drawn->violation;
  for (size_t i = 0; i < violation->choice_count && i < SHOWN; i++) {
    print_failed(drawn->rule->rule, &violation->choices[i], out);
    size_t witnesses = violation->choices[i].witness_count,
           listed = witnesses > MOST_LISTED + 1 ? MOST_LISTED : witnesses;
    for (size_t w = 0; w < listed; w++) print_witness(drawing, &violation->choices[i].witnesses[w], out);
    if (listed < witnesses) bt_buffer_printf(out, "      and %zu more spans, numbered below\n", witnesses - listed);
  }
  if (violation->choice_total > SHOWN)
    bt_buffer_printf(out, "    and %" PRIu64 " more of the kind\n", violation->choice_total - SHOWN);
}

/* What the words of the rule mean that are names of its own. */
static void print_names(const bt_own_names *used, bt_buffer *out) {
  for (size_t i = 0; i < used->name_count; i++) {
    append_text(out, "    ");
    bt_shown_append(used->names[i].word, out);
    append_text(out, " stands for ");
    bt_text_fit(used->names[i].spans, 300, out);
    append_text(out, "\n");
  }
}

static void print_verdict(const bt_drawing *drawing, size_t number, bt_buffer *out) {
  const bt_drawn_verdict *drawn = &drawing->verdicts[number];
  bt_verdict verdict = drawn->verdict->verdict;
  bt_buffer_printf(out, "%s[%zu] %s: %s%s", bt_style_on(style_of(verdict)), number + 1, drawn->rule->fields.id,
                   bt_verdict_name(verdict), bt_style_on(BT_STYLE_OFF));
  if (verdict == BT_NOT_APPLICABLE) append_text(out, " (`when` does not hold)");
  if (verdict == BT_INCONCLUSIVE) bt_buffer_printf(out, " (%s)", bt_reason_in_words(drawn->verdict->reason));
  if (verdict == BT_VIOLATED) bt_buffer_printf(out, " (%s)", bt_severity_name(drawn->rule->fields.severity));
  append_text(out, "\n");
  if (!drawn->violation) return;
  print_choices(drawing, drawn, out);
  print_names(&drawn->rule->rule->used, out);
  bt_trace_link_append("    ", drawn->violation, "\n", out);
}

/* ---- the tree ---- */

typedef struct layout {
  const glyphs *glyphs;
  unsigned gutter, name, service, duration, bar; /* columns */
  bt_lasting of_trace;
  bool says_details;
} layout;

/* "1,2": the rules that the span is a witness of. */
static void write_marks(const bt_drawing *drawing, uint32_t span, bt_buffer *out) {
  bt_buffer_clear(out);
  for (size_t i = 0; i < drawing->verdict_count; i++)
    if (bt_drawing_is_witness(drawing, i, span)) bt_buffer_printf(out, "%s%zu", out->len ? "," : "", i + 1);
}

/* Wider where some span has words in place of a number. */
static unsigned duration_columns(const bt_trace *trace) {
  enum { AMOUNT = 7, WORDS = 9 };
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (bt_lasting_of_span(&trace->spans[i]).length != BT_LENGTH_KNOWN) return WORDS;
  return AMOUNT;
}

static layout layout_of(const bt_drawing *drawing, bt_buffer *out) {
  enum { WIDEST_GUTTER = 12 };
  unsigned width = bt_terminal_width();
  layout l = {.glyphs = glyphs_of_terminal(),
              .duration = duration_columns(drawing->trace),
              .of_trace = bt_lasting_of_trace(drawing->trace)};
  bt_buffer marks = {0};
  for (uint32_t i = 0; i < drawing->trace->span_count; i++) {
    write_marks(drawing, i, &marks);
    if (marks.len && marks.len + 1 > l.gutter) l.gutter = (unsigned)marks.len + 1;
  }
  dispose_part(&marks, out);
  if (l.gutter > WIDEST_GUTTER) l.gutter = WIDEST_GUTTER;
  unsigned rest = width - l.gutter - l.duration - 4;
  l.service = rest / 4 > 24 ? 24 : rest / 4;
  l.bar = rest / 5 > 30 ? 30 : rest / 5;
  l.name = rest - l.service - l.bar;
  return l;
}

static void print_gutter(const bt_drawing *drawing, const layout *l, uint32_t span, bt_buffer *out) {
  bt_buffer marks = {0};
  write_marks(drawing, span, &marks);
  unsigned room = l->gutter ? l->gutter - 1 : 0, used = marks.len < room ? (unsigned)marks.len : room;
  if (used) {
    append_text(out, bt_style_on(BT_STYLE_RED));
    bt_text_fit(bt_buffer_str(&marks), room, out);
    append_text(out, bt_style_on(BT_STYLE_OFF));
  }
  pad_columns(l->gutter - used, out);
  dispose_part(&marks, out);
}

/* The lines that lead from the root to the row; of very deep ones the last part. Returns the columns used. */
static unsigned print_branches(const bt_drawing *drawing, const layout *l, const bt_tree_row *row, bt_buffer *out) {
  enum { STEP = 3 };
  const char *pieces[64];
  uint32_t most = l->name / 2 / STEP, depth = row->depth;
  uint32_t shown = depth < most ? depth : most;
  const bt_tree_row *at = row;
  if (shown > 64) shown = 64;
  if (!depth) return 0;
  for (uint32_t i = shown; i-- > 0; at = &drawing->tree.rows[at->parent]) {
    bool is_own = i == shown - 1;
    pieces[i] = is_own        ? (at->is_last ? l->glyphs->last : l->glyphs->branch)
                : at->is_last ? l->glyphs->gap
                              : l->glyphs->line;
  }
  append_text(out, bt_style_on(BT_STYLE_DIM));
  for (uint32_t i = 0; i < shown; i++) append_text(out, pieces[i]);
  append_text(out, bt_style_on(BT_STYLE_OFF));
  return shown * STEP;
}

static void print_fitted(bt_str text, unsigned columns, bool is_right, bt_buffer *out) {
  unsigned used = bt_text_columns(text) < columns ? bt_text_columns(text) : columns;
  if (is_right) pad_columns(columns - used, out);
  bt_text_fit(text, columns, out);
  if (!is_right) pad_columns(columns - used, out);
}

static void print_bar(const layout *l, const bt_span *span, bt_buffer *out) {
  int64_t begin = l->of_trace.start_ns, whole = l->of_trace.length_ns > 0 ? l->of_trace.length_ns : 1;
  if (!span->start_ns) return;
  unsigned from = (unsigned)((double)(span->start_ns - begin) / (double)whole * l->bar);
  unsigned to = (unsigned)((double)(span->start_ns - begin + bt_span_duration_ns(span)) / (double)whole * l->bar + 0.5);
  if (from >= l->bar) from = l->bar - 1;
  pad_columns(from, out);
  if (to <= from) append_text(out, l->glyphs->point);
  for (unsigned i = from; i < to && i < l->bar; i++) append_text(out, l->glyphs->bar);
}

static void append_short_length(const bt_span *span, bt_buffer *out) {
  bt_lasting lasting = bt_lasting_of_span(span);
  if (lasting.length == BT_LENGTH_BACKWARDS)
    append_text(out, "backwards");
  else
    append_length(&lasting, out);
}

static void print_details(const bt_span *span, unsigned columns, bt_buffer *out) {
  bt_buffer said = {0};
  bt_example_say_span(span, &said);
  if (said.len) {
    pad_columns(columns, out);
    append_text(out, bt_style_on(BT_STYLE_DIM));
    bt_shown_append(bt_buffer_str(&said), out);
    append_text(out, bt_style_on(BT_STYLE_OFF));
    append_text(out, "\n");
  }
  dispose_part(&said, out);
}

static void print_row(const bt_drawing *drawing, const layout *l, const bt_tree_row *row, bool is_marked,
                      bt_buffer *out) {
  const bt_span *span = &drawing->trace->spans[row->span];
  bt_buffer name = {0}, duration = {0};
  bool is_error = span->status == BT_SPAN_STATUS_ERROR;
  print_gutter(drawing, l, row->span, out);
  unsigned used = print_branches(drawing, l, row, out);
  if (row->misses_parent) append_text(&name, "? ");
  if (row->is_in_cycle) append_text(&name, "(cycle) ");
  if (span->pruning == BT_PRUNING_SUMMARY) bt_buffer_printf(&name, "%" PRIu64 " of ", bt_pruning_span_count(span));
  bt_buffer_append(&name, span->name.len ? span->name : BT_STR("(no name)"));
  append_short_length(span, &duration);
  append_text(out, bt_style_on(is_marked ? BT_STYLE_BOLD : BT_STYLE_OFF));
  if (is_error) append_text(out, bt_style_on(BT_STYLE_RED));
  print_fitted(bt_buffer_str(&name), l->name - used - (is_error ? 2 : 0), false, out);
  if (is_error) append_text(out, " !");
  append_text(out, bt_style_on(BT_STYLE_OFF));
  pad_columns(1, out);
  print_fitted(span->resource->service, l->service, false, out);
  pad_columns(1, out);
  print_fitted(bt_buffer_str(&duration), l->duration, true, out);
  pad_columns(2, out);
  append_text(out, bt_style_on(is_marked ? BT_STYLE_RED : BT_STYLE_CYAN));
  print_bar(l, span, out);
  append_text(out, bt_style_on(BT_STYLE_OFF));
  append_text(out, "\n");
  if (l->says_details) print_details(span, l->gutter + used + 2, out);
  dispose_part(&name, out);
  dispose_part(&duration, out);
}

static bool is_witness_of_any(const bt_drawing *drawing, uint32_t span) {
  for (size_t i = 0; i < drawing->verdict_count; i++)
    if (bt_drawing_is_witness(drawing, i, span)) return true;
  return false;
}

/* How many rows from `at` on are siblings without children that look alike and are no witnesses. */
static uint32_t count_alike(const bt_drawing *drawing, uint32_t at) {
  const bt_tree_row *first = &drawing->tree.rows[at];
  const bt_span *like = &drawing->trace->spans[first->span];
  uint32_t end = at;
  for (; end < drawing->tree.count; end++) {
    const bt_tree_row *row = &drawing->tree.rows[end];
    const bt_span *span = &drawing->trace->spans[row->span];
    if (!row->depth || row->parent != first->parent || row->child_count || is_witness_of_any(drawing, row->span)) break;
    if (span->status != like->status || !bt_str_equal(span->name, like->name) ||
        !bt_str_equal(span->resource->service, like->resource->service))
      break;
  }
  return end - at;
}

static void print_fold(const bt_drawing *drawing, const layout *l, uint32_t from, uint32_t to, bt_buffer *out) {
  int64_t total = 0;
  for (uint32_t i = from; i < to; i++) total += bt_span_duration_ns(&drawing->trace->spans[drawing->tree.rows[i].span]);
  pad_columns(l->gutter, out);
  print_branches(drawing, l, &drawing->tree.rows[to - 1], out);
  bt_buffer_printf(out, "%s%s and %u more of these, ", bt_style_on(BT_STYLE_DIM), l->glyphs->gap_mark, to - from);
  append_amount(total, out);
  bt_buffer_printf(out, " together%s%s\n", l->says_details ? "" : " (--all draws them)", bt_style_on(BT_STYLE_OFF));
}

static void print_tree(const bt_drawing *drawing, bool shows_all, bool says_details, bt_buffer *out) {
  enum { LIKE_SHOWN = 2, FOLDED_FROM = 5 };
  layout l = layout_of(drawing, out);
  l.says_details = says_details;
  for (uint32_t at = 0; at < drawing->tree.count;) {
    uint32_t alike = shows_all ? 1 : count_alike(drawing, at), shown = alike >= FOLDED_FROM ? LIKE_SHOWN : 1;
    for (uint32_t i = 0; i < shown; i++) {
      const bt_tree_row *row = &drawing->tree.rows[at + i];
      print_row(drawing, &l, row, is_witness_of_any(drawing, row->span), out);
    }
    if (alike >= FOLDED_FROM) print_fold(drawing, &l, at + LIKE_SHOWN, at + alike, out);
    at += alike >= FOLDED_FROM ? alike : 1;
  }
}

/* ---- linked traces ---- */

static bool has_witness(const bt_drawing *drawing) {
  for (uint32_t i = 0; i < drawing->trace->span_count; i++)
    if (is_witness_of_any(drawing, i)) return true;
  return false;
}

static void print_name(const bt_trace *trace, bt_buffer *out) {
  char id[BT_TRACE_ID_HEX + 1], start[BT_SPAN_TIME_BYTES];
  uint32_t root = bt_trace_root(trace);
  bt_trace_id_format(&trace->id, id);
  bt_span_time_format(bt_lasting_of_trace(trace).start_ns, 3, start);
  bt_buffer_printf(out, "%s  %s  ", id, start);
  if (root != BT_NO_SPAN) {
    bt_text_fit(trace->spans[root].name, 60, out);
    append_text(out, " of ");
    bt_text_fit(trace->spans[root].resource->service, 40, out);
  }
  append_text(out, "\n");
}

/* Those that show something are drawn, the first ones of the others named. */
static void print_linked(const bt_drawing *drawing, bool shows_all, bt_buffer *out) {
  enum { DRAWN = 10, NAMED = 10 };
  uint32_t drawn = 0, named = 0, left = 0;
  for (uint32_t i = 0; i < drawing->linked_count; i++) {
    const bt_drawing *other = &drawing->linked[i];
    bool is_drawn = shows_all || (has_witness(other) && drawn < DRAWN);
    if (!is_drawn && named == NAMED) {
      left++;
      continue;
    }
    append_text(out, is_drawn || !named ? "\nlinked: " : "linked: ");
    if (is_drawn) {
      print_head(other, out);
      print_tree(other, shows_all, false, out);
    } else {
      print_name(other->trace, out);
    }
    drawn += is_drawn;
    named += !is_drawn;
  }
  if (left) bt_buffer_printf(out, "and %u more linked traces (--all draws them)\n", left);
}

void bt_drawing_print(const bt_drawing *drawing, bool shows_all, bt_buffer *out) {
  print_head(drawing, out);
  if (drawing->verdict_count) append_text(out, "\n");
  for (size_t i = 0; i < drawing->verdict_count; i++) print_verdict(drawing, i, out);
  append_text(out, "\n");
  print_tree(drawing, shows_all, false, out);
  print_linked(drawing, shows_all, out);
}

void bt_drawing_print_made_up(const bt_drawing *drawing, bt_buffer *out) {
  for (size_t i = 0; i < drawing->verdict_count; i++) print_verdict(drawing, i, out);
  print_tree(drawing, false, true, out);
}
