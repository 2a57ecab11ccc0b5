/* Comparing the two evaluators' answers, and making a difference small. See verdict_pair.h. */
#include "tests/diff/verdict_pair.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"
#include "dsl/trace/cut_text.h"
#include "tests/support/trace_text.h"

enum { ARENA_BYTES = 64 * 1024 * 1024, MAX_REPORTED = 10 };

static const char *truth_name(bt_truth truth) {
  return truth == BT_TRUE ? "true" : truth == BT_FALSE ? "false" : "unknown";
}

static int choice_bindings(const bt_rule *rule, int *bindings) {
  int count = 0;
  for (int b = 0; b < rule->binding_count; b++)
    if (rule->bindings[b].in_choice) bindings[count++] = b;
  return count;
}

/* The span that a reported choice binds; BT_NO_SPAN: it does not say. */
static uint32_t bound_span(const bt_choice *choice, int binding) {
  for (uint32_t i = 0; i < choice->witness_count; i++)
    if (choice->witnesses[i].binding == binding) return choice->witnesses[i].span;
  return BT_NO_SPAN;
}

/* The i-th reported choice is the i-th of all. */
static bool choices_agree(const bt_rule *rule, const bt_rule_verdict *fast, const naive_verdict *naive) {
  int bindings[BT_MAX_BINDINGS];
  int count = choice_bindings(rule, bindings);
  for (uint32_t i = 0; i < fast->choice_count; i++)
    for (int b = 0; b < count; b++)
      if (bound_span(&fast->choices[i], bindings[b]) != naive->tuples[i * (uint32_t)count + (uint32_t)b]) return false;
  return true;
}

/* What one selector of a choice matched is shown in the order of time. */
static bool are_in_order(const bt_trace *trace, const bt_choice *choice) {
  for (uint32_t i = 1; i < choice->witness_count; i++) {
    const bt_witness *a = &choice->witnesses[i - 1], *b = &choice->witnesses[i];
    bool are_of_one = a->binding == BT_NO_BINDING && b->binding == BT_NO_BINDING && a->range.start == b->range.start &&
                      a->range.end == b->range.end && !a->trace && !b->trace;
    if (are_of_one && bt_span_compare(&trace->spans[a->span], &trace->spans[b->span]) > 0) return false;
  }
  return true;
}

static bool show_in_order(const bt_trace *trace, const bt_rule_verdict *verdict) {
  for (uint32_t i = 0; i < verdict->choice_count; i++)
    if (!are_in_order(trace, &verdict->choices[i])) return false;
  return true;
}

static void print_answer(const bt_trace *trace, const char *who, bt_verdict verdict, bt_reason reason,
                         bt_truth exercised, uint64_t total, bt_buffer *out) {
  bt_buffer_printf(out, "%-6s %s %s exercised=%s total=%llu spans=%u", who, bt_verdict_name(verdict),
                   bt_reason_name(reason), truth_name(exercised), (unsigned long long)total, trace->span_count);
}

static void print_span(const bt_trace *trace, uint32_t span, bt_buffer *out) {
  char name[BT_SPAN_ID_HEX + 1] = "?";
  if (span < trace->span_count) trace_text_id_name(&trace->spans[span].id, name);
  bt_buffer_printf(out, " %s#%u", name, span);
}

static void print_both(const bt_rule *rule, const bt_trace *trace, const bt_rule_verdict *fast,
                       const naive_verdict *naive, bt_buffer *out) {
  int bindings[BT_MAX_BINDINGS];
  int count = choice_bindings(rule, bindings);
  print_answer(trace, "fast", fast->verdict, fast->reason, fast->exercised, fast->choice_total, out);
  for (uint32_t i = 0; i < fast->choice_count; i++) {
    bt_buffer_append(out, BT_STR(" |"));
    for (int b = 0; b < count; b++) print_span(trace, bound_span(&fast->choices[i], bindings[b]), out);
  }
  bt_buffer_append_char(out, '\n');
  print_answer(trace, "naive", naive->verdict, naive->reason, naive->exercised, naive->choice_total, out);
  for (uint64_t i = 0; i < naive->choice_total && i < MAX_REPORTED; i++) {
    bt_buffer_append(out, BT_STR(" |"));
    for (uint32_t b = 0; b < naive->tuple_size; b++) print_span(trace, naive->tuples[i * naive->tuple_size + b], out);
  }
  bt_buffer_append_char(out, '\n');
}

static bool is_pruned_or_less(bt_reason reason) {
  return reason == BT_REASON_PRUNED || reason == BT_REASON_LINKED || reason == BT_REASON_SKEW;
}

static void look_for_unsaid(void *context, const bt_field *field) {
  if (bt_field_may_be_unsaid(field->kind)) *(bool *)context = true;
}

/* Whether the rule asks for what no span says that it is not known: flags, and members of the trace state. */
static bool reads_unsaid(const bt_rule *rule) {
  bool reads = false;
  const bt_rule_visitor visitor = {.on_field = look_for_unsaid, .context = &reads};
  bt_rule_walk(rule, &visitor);
  return reads;
}

/* Where something of a span is not known besides. */
static bool may_be_reason(const bt_trace *trace, bt_reason reason) {
  const unsigned times = BT_DOUBT_START | BT_DOUBT_END,
                 parts = BT_DOUBT_ATTRIBUTES | BT_DOUBT_EVENTS | BT_DOUBT_LINKS | BT_DOUBT_PARTS | BT_DOUBT_CUT;
  if (reason == BT_REASON_NONE || reason == BT_REASON_BUDGET) return false;
  if (reason == BT_REASON_TIME) return trace->doubts & times;
  return reason != BT_REASON_DROPPED || (trace->doubts & parts);
}

/* The naive evaluator does not keep apart why something is unknown: on a pruned trace it cannot tell that from linked
 * traces or skew for sure. */
static bool reasons_agree(const bt_rule *rule, const bt_trace *trace, bt_reason fast, bt_reason naive) {
  bool are_of_either = is_pruned_or_less(fast) && is_pruned_or_less(naive);
  /* Where both play a part it is what is missing, also where the verdict hangs on clocks alone. And without a skew a
   * child that starts with its parent is not behind it, so that another verdict may be certain than the one that links
   * leave open. */
  bool may_be_both = (fast == BT_REASON_INCOMPLETE && naive == BT_REASON_SKEW) ||
                     (fast == BT_REASON_SKEW && naive == BT_REASON_LINKED) ||
                     (fast == BT_REASON_LINKED && naive == BT_REASON_SKEW);
  bool are_reasons = fast != BT_REASON_NONE && fast != BT_REASON_BUDGET && naive != BT_REASON_NONE;
  /* Why one of the records leaves it open may be another reason, as above. */
  if (trace->differing_copies && naive != fast) return are_reasons;
  if (naive != fast && reads_unsaid(rule)) return are_reasons;
  /* Equal starts of coarse clocks, and something else. */
  if (naive != fast && (fast == BT_REASON_TIME || naive == BT_REASON_TIME)) return are_reasons;
  if (trace->doubts && naive != fast) return may_be_reason(trace, fast) && naive != BT_REASON_NONE;
  return fast == naive || may_be_both || (trace->pruned && are_of_either);
}

/* Where there are more than 64 possible traces, they need not be looked at. */
static bool is_left_open(const bt_rule_verdict *fast, const naive_verdict *naive) {
  bool is_open = fast->verdict == BT_INCONCLUSIVE && fast->reason == BT_REASON_COPIES && !fast->choice_total;
  return naive->worlds > NAIVE_WORLDS_MAX || (naive->worlds > 64 && is_open);
}

bool verdicts_agree(const bt_rule *rule, const bt_trace *trace, const bt_rule_verdict *fast, const naive_verdict *naive,
                    bt_buffer *out) {
  uint64_t reported = naive->choice_total < MAX_REPORTED ? naive->choice_total : MAX_REPORTED;
  bool agree = fast->verdict == naive->verdict && reasons_agree(rule, trace, fast->reason, naive->reason) &&
               fast->exercised == naive->exercised && fast->choice_total == naive->choice_total &&
               fast->choice_count == reported && choices_agree(rule, fast, naive) && show_in_order(trace, fast);
  if (agree || is_left_open(fast, naive)) return true;
  print_both(rule, trace, fast, naive, out);
  return false;
}

static bool answers_differ(const bt_rule *rule, const bt_trace *trace, const bt_eval_options *options, bt_buffer *out) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *fast = NULL;
  if (bt_ruleset_new(&rule, 1, &ruleset, NULL) != BT_OK) abort();
  if (bt_evaluator_new(ruleset, &evaluator, NULL) != BT_OK) abort();
  if (bt_evaluator_run(evaluator, trace, options, &fast, NULL) != BT_OK) abort();
  naive_verdict naive;
  naive_evaluate(rule, trace, options, &naive);
  bool differ = !verdicts_agree(rule, trace, fast, &naive, out);
  naive_verdict_dispose(&naive);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return differ;
}

bool texts_differ(bt_str rule_text, const char *trace_text, const bt_eval_options *options, bt_buffer *out) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_arena arena;
  char message[256];
  bool differ = false;
  bt_arena_init(&arena, ARENA_BYTES);
  bt_diagnostics_init(&diagnostics);
  const bt_trace *trace = trace_text_read(&arena, trace_text, message, sizeof message);
  /* a trace without spans does not exist */
  if (trace && trace->span_count > 0 && bt_rule_compile(rule_text, &rule, &diagnostics, NULL) == BT_OK)
    differ = answers_differ(rule, trace, options, out);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  bt_arena_dispose(&arena);
  return differ;
}

typedef struct difference { /* while it is made smaller */
  bt_buffer *rule_text, *trace_text;
  bt_eval_options *options;
} difference;

static bool still_differs(const difference *d) {
  bt_buffer ignored = {0};
  bool differs =
      texts_differ(bt_buffer_str(d->rule_text), d->trace_text->ptr ? d->trace_text->ptr : "", d->options, &ignored);
  bt_buffer_dispose(&ignored);
  return differs;
}

/* Cuts [start, end) out of the text; puts it back when the difference is gone without it. */
static bool try_cut(const difference *d, bt_buffer *text, size_t start, size_t end) {
  bt_buffer before = {0};
  bt_buffer_append(&before, bt_buffer_str(text));
  memmove(text->ptr + start, text->ptr + end, text->len - end + 1);
  text->len -= end - start;
  bool shorter = still_differs(d);
  if (!shorter) {
    bt_buffer_clear(text);
    bt_buffer_append(text, bt_buffer_str(&before));
  }
  bt_buffer_dispose(&before);
  return shorter;
}

static bool is_word(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Where the piece that begins at `at` ends: a line, a word of a trace, or a token of a rule. */
typedef size_t piece_end(const bt_buffer *text, size_t at);

static size_t line_end(const bt_buffer *text, size_t at) {
  while (at < text->len && text->ptr[at] != '\n') at++;
  return at < text->len ? at + 1 : at;
}

static size_t field_end(const bt_buffer *text, size_t at) {
  for (at++; at < text->len && text->ptr[at] != ' ' && text->ptr[at] != '\n'; at++) {
  }
  return at;
}

static size_t token_end(const bt_buffer *text, size_t at) {
  char first = text->ptr[at++];
  if (first == '"' || first == '`') {
    while (at < text->len && text->ptr[at] != first) at += text->ptr[at] == '\\' && first == '"' ? 2 : 1;
    return at < text->len ? at + 1 : text->len;
  }
  while (is_word(first) && at < text->len && is_word(text->ptr[at])) at++;
  return at;
}

/* Every run of at most `most` pieces, the long ones first. */
static bool cut_pieces(const difference *d, bt_buffer *text, piece_end *end_of, size_t most) {
  bool any = false;
  for (size_t length = most; length > 0; length--)
    for (size_t start = 0; start < text->len;) {
      size_t end = start;
      for (size_t i = 0; i < length && end < text->len; i++) end = end_of(text, end);
      if (try_cut(d, text, start, end))
        any = true;
      else
        start = end_of(text, start);
    }
  return any;
}

void minimise_difference(bt_buffer *rule_text, bt_buffer *trace_text, bt_eval_options *options) {
  difference d = {rule_text, trace_text, options};
  bt_eval_options full = *options;
  options->clock_skew_ns = 0;
  if (!still_differs(&d)) options->clock_skew_ns = full.clock_skew_ns;
  options->coarse_clocks_unknown = false;
  if (!still_differs(&d)) options->coarse_clocks_unknown = full.coarse_clocks_unknown;
  options->incomplete = false;
  if (!still_differs(&d)) options->incomplete = full.incomplete;
  for (int round = 0; round < 5; round++) {
    bool any = cut_pieces(&d, trace_text, line_end, 4);
    any |= cut_pieces(&d, rule_text, token_end, 24);
    any |= cut_pieces(&d, trace_text, field_end, 2);
    if (!any) break;
  }
}
