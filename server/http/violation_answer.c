/* Writing violations piece by piece. See violation_answer.h. A document is written in the same steps as lines and events, so that there is
 * one way through: items of a page, then the next page, then the end. */
#include "server/http/violation_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "server/report/replay_json.h"

enum {
  PIECE_BYTES = 48 * 1024,
  STREAM_PAGE = 200 /* violations that a stream holds at a time */
};
static const int64_t FIRST_WAIT_NS = INT64_C(200) * 1000000; /* for an answer without a stream */
static const int64_t NEXT_WAIT_NS = INT64_C(40) * 1000000;   /* on a worker that others need too */

typedef struct answer {
  bt_look *look;
  bt_violation_answer_options options;
  char *tenant, *unchecked; /* copies of what the options borrow */
  int64_t until_ns;         /* monotonic */
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
static answer *new_answer(bt_look *look, const bt_violation_answer_options *options) {
  answer *a = calloc(1, sizeof *a);
  if (!a) {
    bt_look_close(look);
    return NULL;
  }
  a->look = look;
  a->options = *options;
  a->until_ns = bt_clock_monotonic_ns() + options->timeout_ns;
  a->tenant = strdup(options->tenant ? options->tenant : "");
  a->unchecked = options->unchecked ? strdup(options->unchecked) : NULL;
  if (a->tenant && (a->unchecked || !options->unchecked)) return a;
  free_answer(a);
  return NULL;
}

/* ---- text ---- */

static int append(const char *text, size_t length, void *buffer) {
  bt_buffer_append(buffer, (bt_str){text, length});
  return ((bt_buffer *)buffer)->failed ? -1 : 0;
}

/* Takes the object. */
static void append_json(bt_buffer *out, json_t *object) {
  if (!object || json_dump_callback(object, append, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) != 0)
    out->failed = true;
  json_decref(object);
}

/* The cursor that goes on after this position. */
static bool write_cursor(const answer *a, const bt_cursor *cursor, char text[BT_CURSOR_TEXT]) {
  return bt_cursor_write(cursor, a->tenant, text, NULL) == BT_OK;
}

static void write_violation(answer *a, const bt_listed *item, bt_buffer *out) {
  json_t *violation = bt_violation_json(a->page.rules[item->rule], item->violation);
  bt_cursor cursor = a->page.cursor;
  char id[BT_CURSOR_TEXT];
  switch (a->options.form) {
  case BT_VIOLATIONS_DOCUMENT:
    if (a->given) bt_buffer_append_char(out, ',');
    append_json(out, violation);
    return;
  case BT_VIOLATIONS_LINES:
    append_json(out, json_pack("{s:o}", "violation", violation));
    bt_buffer_append_char(out, '\n');
    return;
  case BT_VIOLATIONS_EVENTS:
    cursor.has_position = true;
    cursor.after = item->position;
    if (!write_cursor(a, &cursor, id)) out->failed = true;
    bt_buffer_printf(out, "event: violation\nid: %s\ndata: ", id);
    append_json(out, violation);
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
  json_object_set_new(failed, "reason", json_string(a->unchecked));
  json_array_append_new(json_object_get(coverage, "windows_failed"), failed);
  json_object_set_new(coverage, "complete", json_false());
}

static json_t *summary(const answer *a) {
  const bt_page *page = &a->page;
  bool is_known = page->has_total && !a->unchecked;
  const char *reason = page->reason[0] ? page->reason : a->unchecked;
  char cursor[BT_CURSOR_TEXT];
  if (page->goes_on && !write_cursor(a, &page->cursor, cursor)) return NULL;
  json_t *coverage = bt_coverage_json(&page->coverage);
  name_unchecked(a, coverage);
  return json_pack("{s:o, s:I, s:o, s:o, s:o}", "total_count",
                   is_known ? json_integer((json_int_t)page->total) : json_null(), "inconclusive",
                   (json_int_t)page->inconclusive, "reason", reason ? json_string(reason) : json_null(), "coverage",
                   coverage, "cursor", page->goes_on ? json_string(cursor) : json_null());
}

/* `],"total_count":…}`: the summary is an object of its own, written without its first brace. */
static void end_document(json_t *end, bt_buffer *out) {
  bt_buffer text = {0};
  append_json(&text, end);
  bt_buffer_append(out, BT_STR("],"));
  if (text.failed || !text.len)
    out->failed = true;
  else
    bt_buffer_append(out, (bt_str){text.ptr + 1, text.len - 1});
  bt_buffer_append_char(out, '\n');
  bt_buffer_dispose(&text);
}

static void write_end(answer *a, bt_buffer *out) {
  json_t *end = summary(a);
  a->has_ended = true;
  switch (a->options.form) {
  case BT_VIOLATIONS_DOCUMENT: end_document(end, out); return;
  case BT_VIOLATIONS_LINES:
    append_json(out, json_pack("{s:o}", "done", end));
    bt_buffer_append_char(out, '\n');
    return;
  case BT_VIOLATIONS_EVENTS:
    bt_buffer_append(out, BT_STR("event: done\ndata: "));
    append_json(out, end);
    bt_buffer_append(out, BT_STR("\n\n"));
    return;
  }
}

/* ---- pages ---- */

static bool is_over(const answer *a) {
  return bt_clock_monotonic_ns() >= a->until_ns || atomic_load(&a->options.stopping->requested);
}

static size_t page_limit(const answer *a) {
  if (a->options.form == BT_VIOLATIONS_DOCUMENT) return a->options.limit;
  size_t left = a->options.limit ? a->options.limit - a->given : STREAM_PAGE;
  return left < STREAM_PAGE ? left : STREAM_PAGE;
}

/* False: there is no page yet. Streams give what there is; a document waits until it is full. */
static bool load_page(answer *a, int64_t wait_ns, bt_status *status, bt_error *error) {
  bool ready = false, is_last = is_over(a), is_stream = a->options.form != BT_VIOLATIONS_DOCUMENT;
  bt_page_dispose(&a->page);
  a->next = 0;
  *status = bt_look_page(a->look, page_limit(a), wait_ns, is_last || is_stream, &ready, &a->page, error);
  bool is_in_vain = is_stream && !is_last && !a->page.count && a->page.goes_on;
  a->has_page = *status == BT_OK && ready && !is_in_vain;
  return a->has_page;
}

/* Whether this page is the last one that this reader gets. */
static bool is_last_page(const answer *a) {
  if (a->options.form == BT_VIOLATIONS_DOCUMENT || !a->page.goes_on) return true;
  return is_over(a) || (a->options.limit && a->given >= a->options.limit);
}

static void begin(answer *a, bt_buffer *out) {
  if (!a->has_begun && a->options.form == BT_VIOLATIONS_DOCUMENT) bt_buffer_append(out, BT_STR("{\"violations\":["));
  a->has_begun = true;
}

/* Writes from the page that is there until the piece is large enough. True: the answer has ended. */
static bool write_piece(answer *a, bt_buffer *out) {
  begin(a, out);
  while (a->next < a->page.count && out->len < PIECE_BYTES && !out->failed) {
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

static bt_stream_step next_piece(void *context, bt_buffer *out) {
  answer *a = context;
  bt_status status = BT_OK;
  if (a->has_page || load_page(a, NEXT_WAIT_NS, &status, NULL))
    return write_piece(a, out) ? BT_STREAM_END : BT_STREAM_MORE;
  /* The evaluation could not be carried out: what was sent is not the whole answer, and must not look like it. */
  if (status != BT_OK) out->failed = true;
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

static bool accepts(const bt_call *call, const char *type) {
  return bt_str_contains(call->accept, bt_str_from(type));
}

bt_violation_form bt_violation_form_of(const bt_call *call) {
  if (accepts(call, "text/event-stream")) return BT_VIOLATIONS_EVENTS;
  return accepts(call, "application/x-ndjson") ? BT_VIOLATIONS_LINES : BT_VIOLATIONS_DOCUMENT;
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
  if (text.failed)
    bt_call_problem(call, 503, "no-memory", "There was not enough memory to answer.");
  else
    bt_call_text(call, 200, "application/json", bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  free_answer(a);
}

void bt_violation_answer(bt_call *call, bt_look *look, const bt_violation_answer_options *options) {
  answer *a = new_answer(look, options);
  bt_status status = BT_OK;
  bt_error error = {0};
  if (!a) {
    bt_call_problem(call, 503, "no-memory", "There is not enough memory for this request.");
    return;
  }
  bool is_document = options->form == BT_VIOLATIONS_DOCUMENT;
  bool has_page = load_page(a, is_document ? FIRST_WAIT_NS : 0, &status, &error);
  if (status != BT_OK) {
    free_answer(a);
    bt_call_error(call, status, &error);
  } else if (has_page && is_document)
    answer_whole(call, a);
  else
    bt_call_stream(call, 200, content_type_of(options->form), operations_of(options->form), a);
}

/* ---- nothing to evaluate ---- */

void bt_violation_answer_nothing(bt_call *call, bt_time_range range, const bt_violation_answer_options *options) {
  bt_failed_window window = {.range = range};
  snprintf(window.reason, sizeof window.reason, "no enabled rule is meant by this question, so nothing was evaluated");
  answer a = {.options = *options, .tenant = (char *)"", .unchecked = (char *)options->unchecked};
  a.page.coverage = (bt_coverage){
      .asked = range, .effective_end_ns = range.end_ns, .windows_failed = &window, .windows_failed_count = 1};
  snprintf(a.page.reason, sizeof a.page.reason, "no_rules: %s", window.reason);
  bt_buffer text = {0};
  begin(&a, &text);
  write_end(&a, &text);
  if (text.failed)
    bt_call_problem(call, 503, "no-memory", "There was not enough memory to answer.");
  else
    bt_call_text(call, 200, content_type_of(options->form), bt_buffer_str(&text));
  bt_buffer_dispose(&text);
}
