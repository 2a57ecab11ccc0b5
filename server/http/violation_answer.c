/* Writing violations piece by piece. See violation_answer.h. A document is written in the same steps as lines and
 * events, so that there is one way through: items of a page, then the next page, then the end. */
#include "server/http/violation_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/answer_parts.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/replay/sampled_text.h"

enum { STREAM_PAGE = 200 /* violations that a stream holds at a time */, EXERCISED_NAMED = 50 };

typedef struct answer {
  bt_call *call; /* which it is part of */
  bt_look *look;
  bt_violation_answer_options options;
  char *tenant, *unchecked; /* copies of what the options borrow */
  bt_patience patience;
  size_t given;
  bool has_begun, has_page, has_ended;
  bt_page page;
  size_t next; /* item of the page */
} answer;

static void free_answer(void *context) {
  answer *a = context;
  bt_page_dispose(&a->page);
  bt_look_close(a->look);
  free(a->tenant);
  free(a->unchecked);
  free(a);
}

/* Takes the look in every case. */
static answer *new_answer(bt_call *call, bt_look *look, const bt_violation_answer_options *options) {
  answer *a = calloc(1, sizeof *a);
  if (!a) {
    bt_look_close(look);
    return NULL;
  }
  a->call = call;
  a->look = look;
  a->options = *options;
  a->patience = bt_patience_begin(options->timeout_ns, options->cancel);
  a->tenant = strdup(options->tenant ? options->tenant : "");
  a->unchecked = options->unchecked ? strdup(options->unchecked) : NULL;
  if (a->tenant && (a->unchecked || !options->unchecked)) return a;
  free_answer(a);
  return NULL;
}

/* ---- text ---- */

/* The cursor that goes on after this position. */
static bool write_cursor(const answer *a, const bt_cursor *cursor, char text[BT_CURSOR_TEXT]) {
  return bt_cursor_write(cursor, a->tenant, text, NULL) == BT_OK;
}

static void write_violation(answer *a, const bt_listed *item, bt_buffer *out) {
  json_t *violation = bt_violation_json(a->page.rules[item->rule], item->violation);
  bt_json_set(violation, "problem", json_string(item->problem));
  bt_cursor cursor = a->page.cursor;
  char id[BT_CURSOR_TEXT];
  switch (a->options.form) {
  case BT_VIOLATIONS_DOCUMENT:
    if (a->given) bt_buffer_append_char(out, ',');
    bt_answer_append(out, violation);
    return;
  case BT_VIOLATIONS_LINES:
    bt_answer_append(out, json_pack("{s:o}", "violation", violation));
    bt_buffer_append_char(out, '\n');
    return;
  case BT_VIOLATIONS_EVENTS:
    cursor.has_position = true;
    cursor.after = item->position;
    if (!write_cursor(a, &cursor, id)) out->failed = true;
    bt_buffer_printf(out, "event: violation\nid: %s\ndata: ", id);
    bt_answer_append(out, violation);
    bt_buffer_append(out, BT_STR("\n\n"));
    return;
  }
}

/* ---- the end ---- */

/* Enabled rules that belong to the question and cannot be evaluated: the answer is not complete without them. */
static void name_unchecked(const answer *a, json_t *coverage) {
  if (!a->unchecked) return;
  const json_t *asked = json_object_get(coverage, "asked");
  json_t *failed = json_copy((json_t *)asked);
  bt_json_set(failed, "reason", bt_text_json(bt_str_from(a->unchecked)));
  bt_json_append(json_object_get(coverage, "windows_failed"), failed);
  bt_json_set(coverage, "complete", json_false());
}

/* What the total stands for where traces were sampled. It counts a trace once for each rule that it violates, so that
 * of several rules no number of traces follows from it. */
static json_t *estimated_json(const bt_page *page) {
  const bt_sampled_traces *range = &page->coverage.sampling;
  if (page->rule_count > 1)
    return json_pack("{s:s}", "text",
                     "a trace counts once for each rule that it violates, so no number of traces follows from several: "
                     "ask for one rule");
  bt_buffer said = {0};
  bt_sampled_say_count(range, &page->kept, page->total, &said);
  json_t *object = said.failed ? NULL : json_pack("{s:o}", "text", bt_text_json(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
  json_t *violations = bt_estimate_json(range, &page->kept, page->total);
  if (!json_is_null(violations)) bt_json_set(object, "violations", violations);
  return object;
}

/* How many traces exercised each rule: a total of 0 says nothing where none did. Of many rules those that none is known
 * to have exercised. */
static json_t *exercised_json(const bt_page *page) {
  json_t *array = json_array();
  for (size_t i = 0; i < page->rule_count; i++) {
    const bt_exercised *of = &page->exercised[i];
    if (page->rule_count > EXERCISED_NAMED && (of->traces || json_array_size(array) == EXERCISED_NAMED)) continue;
    bt_json_append(array, json_pack("{s:s, s:I, s:s}", "rule_id", page->rules[i]->fields.id, "traces",
                                    (json_int_t)of->traces, "traces_kind", of->is_at_least ? "at_least" : "exact"));
  }
  return array;
}

static json_t *summary_json(const answer *a) {
  const bt_page *page = &a->page;
  bool is_known = page->has_total && !a->unchecked;
  const char *reason = page->reason[0] ? page->reason : a->unchecked;
  char cursor[BT_CURSOR_TEXT];
  if (page->goes_on && !write_cursor(a, &page->cursor, cursor)) return NULL;
  json_t *coverage = bt_coverage_json(&page->coverage);
  name_unchecked(a, coverage);
  json_t *summary = json_pack("{s:o, s:I, s:I, s:s, s:o, s:o, s:o, s:o}", "total_count",
                              is_known ? json_integer((json_int_t)page->total) : json_null(), "inconclusive",
                              (json_int_t)page->inconclusive, "traces_evaluated", (json_int_t)page->traces_evaluated,
                              "traces_evaluated_kind", page->evaluated_is_exact ? "exact" : "at_least", "exercised",
                              exercised_json(page), "reason", reason ? json_string(reason) : json_null(), "coverage",
                              coverage, "cursor", page->goes_on ? json_string(cursor) : json_null());
  if (summary && is_known && !page->is_of_part && bt_sampled_traces_lack(&page->coverage.sampling))
    bt_json_set(summary, "estimated", estimated_json(page));
  return summary;
}

static void write_end(answer *a, bt_buffer *out) {
  json_t *end = summary_json(a);
  a->has_ended = true;
  switch (a->options.form) {
  case BT_VIOLATIONS_DOCUMENT: bt_answer_end_list(out, end); return;
  case BT_VIOLATIONS_LINES:
    bt_answer_append(out, json_pack("{s:o}", "done", end));
    bt_buffer_append_char(out, '\n');
    return;
  case BT_VIOLATIONS_EVENTS:
    bt_buffer_append(out, BT_STR("event: done\ndata: "));
    bt_answer_append(out, end);
    bt_buffer_append(out, BT_STR("\n\n"));
    return;
  }
}

/* ---- pages ---- */

static size_t page_limit(const answer *a) {
  if (a->options.form == BT_VIOLATIONS_DOCUMENT) return a->options.limit;
  size_t left = a->options.limit ? a->options.limit - a->given : STREAM_PAGE;
  return left < STREAM_PAGE ? left : STREAM_PAGE;
}

/* False: there is no page yet, and the call hears of it when there is. Streams give what there is; a document waits
 * until it is full. */
static bool load_page(answer *a, bt_status *status, bt_error *error) {
  bool ready = false, is_document = a->options.form == BT_VIOLATIONS_DOCUMENT;
  bt_page_wish wish = {.limit = page_limit(a),
                       .least = is_document ? page_limit(a) : 1,
                       .at_once = bt_patience_is_over(&a->patience),
                       .wait = bt_call_wait(a->call)};
  bt_page_dispose(&a->page);
  a->next = 0;
  *status = bt_look_page(a->look, &wish, &ready, &a->page, error);
  a->has_page = *status == BT_OK && ready;
  return a->has_page;
}

/* Whether this page is the last one that this reader gets. */
static bool is_last_page(const answer *a) {
  if (a->options.form == BT_VIOLATIONS_DOCUMENT || !a->page.goes_on) return true;
  return bt_patience_is_over(&a->patience) || (a->options.limit && a->given >= a->options.limit);
}

static void begin_answer(answer *a, bt_buffer *out) {
  if (!a->has_begun && a->options.form == BT_VIOLATIONS_DOCUMENT) bt_buffer_append(out, BT_STR("{\"violations\":["));
  a->has_begun = true;
}

/* Writes from the page that is there until the piece is large enough. True: the answer has ended. */
static bool write_piece(answer *a, bt_buffer *out) {
  begin_answer(a, out);
  while (a->next < a->page.count && out->len < BT_ANSWER_PIECE && !out->failed) {
    write_violation(a, &a->page.items[a->next++], out);
    a->given++;
  }
  if (a->next < a->page.count || out->failed) return false;
  if (is_last_page(a))
    write_end(a, out);
  else
    a->has_page = false;
  return a->has_ended;
}

/* A page for him would count as one after which he asks for the next, and the evaluation would go on for that. */
static bool has_left(const bt_call *call) {
  return call->scope && bt_work_scope_why(call->scope) == BT_SCOPE_READER_GONE;
}

static bt_stream_step next_piece(void *context, bt_buffer *out) {
  answer *a = context;
  bt_status status = BT_OK;
  if (has_left(a->call)) {
    out->failed = true;
    return BT_STREAM_END;
  }
  if (a->has_page || load_page(a, &status, NULL)) return write_piece(a, out) ? BT_STREAM_END : BT_STREAM_MORE;
  /* The evaluation could not be carried out: what was sent is not the whole answer, and must not look like it. */
  if (status != BT_OK)
    out->failed = true;
  else if (bt_call_wait(a->call))
    bt_call_leave(a->call, a->patience.until_ns, NULL, NULL);
  return BT_STREAM_WAIT;
}

/* ---- answering ---- */

static const char *content_type_of(bt_violation_form form) {
  switch (form) {
  case BT_VIOLATIONS_DOCUMENT: return "application/json";
  case BT_VIOLATIONS_LINES: return "application/x-ndjson";
  case BT_VIOLATIONS_EVENTS: return "text/event-stream";
  }
  return "application/json";
}

static const bt_stream_operations *operations_of(bt_violation_form form) {
  static const bt_stream_operations blank = {next_piece, "\n", free_answer},
                                    comment = {next_piece, ": \n\n", free_answer};
  return form == BT_VIOLATIONS_EVENTS ? &comment : &blank;
}

static bool accepts_type(const bt_call *call, const char *type) {
  return bt_str_contains(call->accept, bt_str_from(type));
}

bt_violation_form bt_violation_form_of(const bt_call *call) {
  if (accepts_type(call, "text/event-stream")) return BT_VIOLATIONS_EVENTS;
  return accepts_type(call, "application/x-ndjson") ? BT_VIOLATIONS_LINES : BT_VIOLATIONS_DOCUMENT;
}

static void answer_whole(bt_call *call, answer *a) {
  bt_buffer text = {0};
  while (!a->has_ended && !text.failed) {
    bt_buffer piece = {0};
    (void)write_piece(a, &piece);
    bt_buffer_append(&text, bt_buffer_str(&piece));
    if (piece.failed) text.failed = true;
    bt_buffer_dispose(&piece);
  }
  bt_answer_text(call, "application/json", &text);
  bt_buffer_dispose(&text);
  free_answer(a);
}

/* A document that comes soon is answered as a whole; what takes longer, and lines and events, is a stream. */
static void answer_or_wait(void *context, bt_call *call) {
  answer *a = context;
  bt_status status = BT_OK;
  bt_error error = {0};
  if (has_left(call)) {
    free_answer(a);
    bt_call_cut(call);
    return;
  }
  bool is_document = a->options.form == BT_VIOLATIONS_DOCUMENT, has_page = load_page(a, &status, &error);
  if (status != BT_OK) {
    free_answer(a);
    bt_call_error(call, status, &error);
  } else if (has_page && is_document)
    answer_whole(call, a);
  else if (is_document && bt_call_wait(call) && !bt_patience_wants_stream(&a->patience))
    bt_call_leave(call, a->patience.first_until_ns, answer_or_wait, a);
  else
    bt_call_stream(call, 200, content_type_of(a->options.form), operations_of(a->options.form), a);
}

void bt_violation_answer(bt_call *call, bt_look *look, const bt_violation_answer_options *options) {
  answer *a = new_answer(call, look, options);
  if (a)
    answer_or_wait(a, call);
  else
    bt_answer_no_room(call);
}

/* ---- nothing to evaluate ---- */

void bt_violation_answer_nothing(bt_call *call, bt_time_range range, const char *word, const char *why,
                                 const bt_violation_answer_options *options) {
  bt_failed_window window = {.range = range};
  snprintf(window.reason, sizeof window.reason, "%s", why);
  answer a = {.options = *options, .tenant = (char *)"", .unchecked = (char *)options->unchecked};
  a.page.coverage = (bt_coverage){
      .asked = range, .effective_end_ns = range.end_ns, .windows_failed = &window, .windows_failed_count = 1};
  snprintf(a.page.reason, sizeof a.page.reason, "%s: %s", word, window.reason);
  bt_buffer text = {0};
  begin_answer(&a, &text);
  write_end(&a, &text);
  bt_answer_text(call, content_type_of(options->form), &text);
  bt_buffer_dispose(&text);
}
