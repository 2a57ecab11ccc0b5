/* The source: searches and reads. See clickhouse_source.h. */
#include "tempo/clickhouse/clickhouse_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/clickhouse/clickhouse_address.h"
#include "tempo/clickhouse/clickhouse_dialect.h"
#include "tempo/clickhouse/clickhouse_far.h"
#include "tempo/clickhouse/clickhouse_filter.h"
#include "tempo/clickhouse/clickhouse_layout.h"
#include "tempo/clickhouse/clickhouse_query.h"
#include "tempo/clickhouse/clickhouse_schema.h"
#include "tempo/clickhouse/clickhouse_spans.h"
#include "tempo/clickhouse/clickhouse_tags.h"
#include "tempo/clickhouse/span_rows.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/span_batch.h"
#include "tempo/wire/wall_clock.h"

enum { MOST_REFUSALS = 16 /* one after another */ };
/* An answer, and what is decoded of it, are held until they are given: so many traces are asked for at once: whole, in
 * some columns, and in some columns of some spans. Each question looks at the same rows, however many it asks for. */
enum { WHOLE_PER_READ = 4000, IDS_PER_READ = 20000, TRACES_PER_PART = 100000 };
enum { FIRST_MOST = 1000 }; /* max_found above which as much is asked for as there is */
static const int64_t second_ns = 1000000000, day_ns = 86400000000000;
static const int64_t hidden_tail_ns = 10000000000; /* asynchronous inserts, and replicas that are being filled */
static const size_t batch_max_bytes = (size_t)1 << 30;

static bt_clickhouse *clickhouse_of(bt_source *source) {
  return (bt_clickhouse *)source;
}

static bt_status check_asker(const bt_clickhouse *clickhouse, const char *tenant, const bt_cancel *cancel,
                             bt_error *error) {
  return bt_source_check_asker(&clickhouse->store.head, "a table of ClickHouse keeps", tenant, cancel, error);
}

/* ---- searching ---- */

#define ROWS_FROM " FROM {database:Identifier}.{table:Identifier} WHERE "

static void write_rows_of(const bt_clickhouse_layout *layout, const char *range, bt_str columns, bt_str condition,
                          bt_buffer *sql) {
  bt_buffer_append(sql, BT_STR("SELECT "));
  bt_buffer_append(sql, columns);
  bt_buffer_printf(sql, ROWS_FROM "%s AND %s != '' AND ", range, layout->row[BT_ROW_TRACE_ID]);
  bt_buffer_append(sql, condition);
}

/* `columns` of the rows of the range that meet the condition. The server plans each part, also one without rows. */
static void write_rows(const bt_clickhouse_found *server, bt_str columns, bt_str condition, bt_buffer *sql) {
  write_rows_of(server->layout, server->layout->within, columns, condition, sql);
  for (size_t i = 0; i < BT_CLICKHOUSE_BROKEN; i++) {
    if (!server->has_rare[i]) continue;
    bt_buffer_append(sql, BT_STR(" UNION ALL "));
    write_rows_of(server->layout, server->layout->within_rare[i], columns, condition, sql);
  }
}

/* is_first: of some rows of each trace, as soon as there are enough traces. */
static void write_search(const bt_clickhouse_found *server, bool is_over, bt_str condition, bool is_first,
                         bt_buffer *sql) {
  const bt_clickhouse_layout *layout = server->layout;
  bt_buffer columns = {0};
  bt_buffer_printf(&columns, "%s AS TraceId, %s AS s, s + %s AS e", layout->row[BT_ROW_TRACE_ID],
                   layout->row[BT_ROW_START], layout->row[BT_ROW_DURATION]);
  bt_buffer_append(sql, is_first ? BT_STR("SELECT TraceId, if(s = 0, e, s), greatest(s, e) FROM (")
                                 : BT_STR("SELECT TraceId, min(if(s = 0, e, s)), max(greatest(s, e)) FROM ("));
  write_rows(server, bt_buffer_str(&columns), condition, sql);
  if (is_over) bt_clickhouse_write_broken(server, bt_buffer_str(&columns), condition, sql);
  bt_buffer_append(sql, is_first ? BT_STR(") LIMIT 1 BY TraceId") : BT_STR(") GROUP BY TraceId"));
  bt_buffer_append(sql, BT_STR(" LIMIT {most:UInt64} FORMAT RowBinary"));
  sql->failed = sql->failed || columns.failed;
  bt_buffer_dispose(&columns);
}

typedef struct search {
  bt_clickhouse *clickhouse;
  bt_clickhouse_found server;
  bt_clickhouse_question question; /* all but the statement and the numbers */
  const bt_query *query;           /* NULL: what links to the ids */
  size_t max_found;                /* 0: none */
  bt_found_list *found;
  bt_source_account *account;
  int refusals; /* of what was too much, since the last answer */
  bool lacks_memory;
} search;

/* An id that is written in another way would not be found again by reads. */
static bool take_found(void *context, bt_row_reader *reader) {
  search *s = context;
  bt_trace_id id;
  bt_str text = bt_row_text(reader);
  int64_t start_ns = bt_row_int64(reader), end_ns = bt_row_int64(reader);
  char again[BT_TRACE_ID_HEX + 1];
  if (reader->failed || !bt_trace_id_parse(text, &id)) return false;
  bt_trace_id_format(&id, again);
  if (!bt_str_equal(text, (bt_str){again, BT_TRACE_ID_HEX})) return false;
  if (bt_trace_id_is_zero(&id)) return true;
  bt_found found = bt_found_of_bounds(&id, start_ns, end_ns);
  s->lacks_memory = !bt_found_list_add(s->found, &found);
  return !s->lacks_memory;
}

static int64_t not_before(int64_t least, int64_t at) {
  return at < least ? least : at;
}

static void set_range(bt_clickhouse_question *question, bt_time_range range) {
  int64_t start_ns = not_before(0, range.start_ns), end_ns = not_before(0, range.end_ns);
  question->numbers[0].name = "start", question->numbers[0].number = start_ns;
  question->numbers[1].name = "end", question->numbers[1].number = end_ns;
  question->numbers[2].name = "from", question->numbers[2].number = not_before(1, start_ns - BT_CLICKHOUSE_LONG_NS);
  question->number_count = 3;
}

static bt_status ask_range(search *s, bt_time_range range, bt_remote_answer *answer, bt_error *error) {
  bt_clickhouse_question question = s->question;
  set_range(&question, range);
  question.numbers[3].name = "most", question.numbers[3].number = s->max_found ? (int64_t)s->max_found + 1 : INT64_MAX;
  question.number_count = 4;
  bt_status status = bt_clickhouse_ask(s->clickhouse, &question, &s->server, answer, error);
  if (status != BT_OK || answer->outcome != BT_REMOTE_ANSWERED) return status;
  bt_clickhouse_take_rows(answer, take_found, s);
  return s->lacks_memory ? bt_error_no_memory(error) : BT_OK;
}

/* Whether there are more than that, or none, shows before all of them are put together. Else nothing came of it. */
static bt_status look_first(search *s, const char *sql, bt_time_range range, bool *is_done, bt_error *error) {
  bt_remote_answer answer = {0};
  const char *all = s->question.sql;
  s->question.sql = sql;
  bt_status status = ask_range(s, range, &answer, error);
  s->question.sql = all;
  *is_done = status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED && !answer.row_count;
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED)
    status = bt_found_list_check(s->found, s->max_found, error);
  if (status != BT_LIMIT) s->found->count = 0;
  bt_remote_answer_dispose(&answer);
  return status;
}

/* In halves where it is too much at once, down to a second, while any help. What cannot be had is in the account. */
static bt_status search_range(search *s, bt_time_range range, bt_error *error) {
  bt_time_range stack[64]; /* each half is half as long, so they are fewer than bits of a time */
  size_t depth = 0;
  stack[depth++] = range;
  bt_status status = BT_OK;
  while (status == BT_OK && depth) {
    bt_time_range next = stack[--depth];
    bt_remote_answer answer = {0};
    status = ask_range(s, next, &answer, error);
    int64_t middle_ns = next.start_ns / 2 + next.end_ns / 2;
    bool is_long = middle_ns - next.start_ns >= second_ns && next.end_ns - middle_ns >= second_ns;
    s->refusals = answer.outcome == BT_REMOTE_TOO_MUCH ? s->refusals + 1 : 0;
    if (status == BT_OK && s->refusals && s->refusals < MOST_REFUSALS && is_long) {
      stack[depth++] = (bt_time_range){middle_ns, next.end_ns};
      stack[depth++] = (bt_time_range){next.start_ns, middle_ns};
    } else if (status == BT_OK && answer.outcome != BT_REMOTE_ANSWERED) {
      status = bt_source_account_fail(s->account, next, answer.reason) ? BT_OK : bt_error_no_memory(error);
    }
    bt_remote_answer_dispose(&answer);
    if (status == BT_OK) status = bt_found_list_check(s->found, s->max_found, error);
  }
  bt_found_list_sort(s->found);
  return status;
}

/* What the condition is depends on the layout. */
static bt_status search_known(search *s, bt_time_range range, bt_error *error) {
  const bt_clickhouse_layout *layout = s->server.layout;
  bt_clickhouse_condition condition = {0};
  bt_buffer sql = {0}, first = {0};
  bool looks_first = s->max_found && s->max_found <= FIRST_MOST, is_done = false;
  if (s->query)
    bt_clickhouse_condition_write(layout, *s->query, &condition);
  else
    bt_buffer_printf(&condition.sql, "hasAny(%s, (SELECT groupArray(id) FROM ids))", layout->row[BT_ROW_LINK_TRACES]);
  bool is_over = !s->query || s->query->manner != BT_CLICKHOUSE_UNDER;
  write_search(&s->server, is_over, bt_buffer_str(&condition.sql), false, &sql);
  if (looks_first) write_search(&s->server, is_over, bt_buffer_str(&condition.sql), true, &first);
  s->question.sql = sql.ptr;
  s->question.texts = condition.values;
  s->question.text_count = condition.count;
  bool lacks_memory = sql.failed || first.failed || condition.sql.failed || condition.lacks_memory;
  bt_status status = lacks_memory ? bt_error_no_memory(error) : BT_OK;
  if (status == BT_OK && looks_first) status = look_first(s, first.ptr, range, &is_done, error);
  if (status == BT_OK && !is_done) status = search_range(s, range, error);
  bt_buffer_dispose(&sql);
  bt_buffer_dispose(&first);
  bt_clickhouse_condition_dispose(&condition);
  return status;
}

/* What stands behind the address has to be known first. */
static bt_status run_search(search *s, const char *tenant, bt_time_range range, bt_error *error) {
  bt_error why = {0};
  bt_status status = check_asker(s->clickhouse, tenant, s->question.cancel, error);
  if (status != BT_OK || range.start_ns >= range.end_ns || range.end_ns <= 0) return status;
  status = bt_clickhouse_find_out(s->clickhouse, s->question.cancel, &s->server, &why);
  if (status == BT_OK) return search_known(s, range, error);
  return bt_source_pass_over(s->account, range, status, &why, error);
}

static bt_status search_clickhouse(bt_source *source, const bt_search_request *request, bt_found_list *found,
                                   bt_source_account *account, bt_error *error) {
  search s = {.clickhouse = clickhouse_of(source),
              .max_found = request->max_found,
              .found = found,
              .account = account,
              .query = &request->query,
              .question = {.kind = BT_HTTP_SEARCH,
                           .cancel = request->cancel,
                           .rule_id = request->rule_id,
                           .priority = request->priority,
                           .account = account}};
  return run_search(&s, request->tenant, request->range, error);
}

static bt_status find_linking_in_clickhouse(bt_source *source, const bt_links_request *request, bt_found_list *found,
                                            bt_source_account *account, bt_error *error) {
  search s = {.clickhouse = clickhouse_of(source),
              .found = found,
              .account = account,
              .question = {.ids = request->ids,
                           .id_count = request->count,
                           .kind = BT_HTTP_SEARCH,
                           .cancel = request->cancel,
                           .rule_id = request->rule_id,
                           .priority = request->priority,
                           .account = account}};
  if (!request->count) return BT_OK;
  return run_search(&s, request->tenant, request->range, error);
}

/* ---- reading ---- */

typedef struct reading {
  bt_clickhouse *clickhouse;
  bt_clickhouse_found server;
  const bt_read_request *request;
  bt_buffer sql;
  bt_clickhouse_condition condition; /* of its spans; its values are those of the SQL */
  bool is_projected;                 /* columns were left out */
  bt_read_sink sink;
  void *context;
  bt_source_account *account;
  int refusals;          /* as in search */
  bool unseen_are_there; /* traces of which the batch shows no span; else some of them may be gone */
  size_t unread;         /* ids that could not be read */
  char reason[200];      /* of the last of them */
} reading;

/* Each id with its trace, if there is one. BeTrace's own are left out. */
static bt_status give_batch(const reading *r, size_t first, size_t count, const bt_span_batch *batch,
                            const bt_clickhouse_far *far, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = first; status == BT_OK && i < first + count; i++) {
    bt_read_trace read = {.index = i, .trace = bt_span_batch_find(batch, &r->request->ids[i])};
    if (read.trace && !r->request->with_own && bt_trace_is_own(read.trace, BT_STR(""))) read.trace = NULL;
    read.needs_by_id = read.trace && r->is_projected && !r->request->with_own && bt_trace_may_be_own(read.trace);
    bool is_of_some = r->request->spans.asked.filter != NULL; /* then others may be there */
    read.needs_by_id = read.needs_by_id || bt_clickhouse_is_far(far, &r->request->ids[i], read.trace || is_of_some);
    if (is_of_some && !read.trace && !r->unseen_are_there) read.needs_by_id = true;
    if (is_of_some) bt_read_trace_set_bounds(&read);
    if (bt_is_cancelled(r->request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
    status = r->sink(r->context, &read, error);
  }
  return status;
}

/* A batch looks a day farther. */
static bt_time_range near_range(const bt_read_request *request) {
  int64_t end_ns = not_before(0, request->range.end_ns);
  return (bt_time_range){not_before(0, not_before(day_ns, request->range.start_ns) - day_ns),
                         end_ns > INT64_MAX - day_ns ? INT64_MAX : end_ns + day_ns};
}

static void set_near(const bt_read_request *request, bt_clickhouse_question *question) {
  bt_time_range near = near_range(request);
  question->numbers[0].name = "from", question->numbers[0].number = near.start_ns;
  question->numbers[1].name = "end", question->numbers[1].number = near.end_ns;
  question->number_count = 2;
}

static bt_clickhouse_question question_of(const reading *r, size_t first, size_t count) {
  const bt_read_request *request = r->request;
  return (bt_clickhouse_question){.ids = request->ids + first,
                                  .id_count = count,
                                  .kind = request->by_id ? BT_HTTP_BY_ID : BT_HTTP_READ,
                                  .cancel = request->cancel,
                                  .rule_id = request->rule_id,
                                  .priority = request->priority,
                                  .account = r->account};
}

static bt_status ask_batch(const reading *r, size_t first, size_t count, bt_remote_answer *answer, bt_error *error) {
  bt_clickhouse_question question = question_of(r, first, count);
  question.sql = r->sql.ptr;
  question.texts = r->condition.values;
  question.text_count = r->condition.count;
  if (!r->request->by_id) set_near(r->request, &question);
  return bt_clickhouse_ask(r->clickhouse, &question, &r->server, answer, error);
}

/* Into `batch`, which is new and then complete. What the rows do not allow makes the answer's outcome. */
static bt_status decode_batch(const bt_clickhouse_found *server, bt_remote_answer *answer, bt_span_batch **batch,
                              bt_error *error) {
  bt_span_rows rows = {.form = server->layout->form};
  bt_status status = bt_span_batch_new(batch_max_bytes, batch, error);
  if (status == BT_OK) status = bt_span_batch_open(*batch, error);
  if (status != BT_OK) return status;
  rows.batch = *batch;
  bt_clickhouse_take_rows(answer, bt_span_rows_take, &rows);
  if (server->lacks[0]) bt_span_batch_mark_partial(*batch);
  if (rows.status == BT_OK && answer->outcome == BT_REMOTE_ANSWERED)
    rows.status = bt_span_batch_finish(*batch, &rows.error);
  if (rows.status == BT_NO_MEMORY) return bt_error_no_memory(error);
  if (rows.status == BT_OK) return BT_OK;
  /* Of several traces one may be at fault, or too large: in smaller parts the others are read. */
  answer->outcome = BT_REMOTE_TOO_MUCH;
  snprintf(answer->reason, sizeof answer->reason, "%.190s", rows.error.message);
  return BT_OK;
}

/* Which of them have spans outside of what was looked through. What is not known makes the answer's outcome. */
static bt_status find_far(bt_clickhouse *clickhouse, const bt_clickhouse_found *server,
                          const bt_clickhouse_question *question, bt_time_range range, bt_clickhouse_far *far,
                          bt_remote_answer *of, bt_error *error) {
  bt_remote_answer answer = {0};
  bt_status status = bt_clickhouse_find_far(clickhouse, server, *question, range, far, &answer, error);
  bt_remote_answer_follow(of, &answer);
  bt_remote_answer_dispose(&answer);
  return status;
}

static bool take_count(void *context, bt_row_reader *reader) {
  *(uint64_t *)context = (uint64_t)bt_row_int64(reader);
  return !reader->failed;
}

static bt_status ask_count(reading *r, const bt_trace_id *ids, size_t count, bt_remote_answer *of, bt_error *error) {
  bt_clickhouse_question question = question_of(r, 0, count);
  bt_remote_answer answer = {0};
  bt_buffer sql = {0};
  uint64_t there = 0;
  bt_buffer_printf(
      &sql, "SELECT uniqExact(cityHash64(%s))" ROWS_FROM "%s GLOBAL IN (SELECT id FROM ids) AND %s FORMAT RowBinary",
      r->server.layout->key, r->server.layout->key, r->server.layout->near);
  question.ids = ids;
  question.sql = sql.ptr;
  set_near(r->request, &question);
  bt_status status =
      sql.failed ? bt_error_no_memory(error) : bt_clickhouse_ask(r->clickhouse, &question, &r->server, &answer, error);
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED) bt_clickhouse_take_rows(&answer, take_count, &there);
  r->unseen_are_there = there == count;
  bt_remote_answer_follow(of, &answer);
  bt_remote_answer_dispose(&answer);
  bt_buffer_dispose(&sql);
  return status;
}

/* A part of the table may have expired since they were found: that no span is shown says nothing of what is gone. */
static bt_status look_for_unseen(reading *r, size_t first, size_t count, const bt_span_batch *batch,
                                 bt_remote_answer *answer, bt_error *error) {
  if (r->request->by_id || !r->request->spans.asked.filter) return BT_OK;
  bt_trace_id *ids = bt_realloc_array(NULL, count, sizeof *ids);
  size_t unseen = 0;
  if (!ids) return bt_error_no_memory(error);
  for (size_t i = first; i < first + count; i++)
    if (!bt_span_batch_find(batch, &r->request->ids[i])) ids[unseen++] = r->request->ids[i];
  bt_status status = unseen ? ask_count(r, ids, unseen, answer, error) : BT_OK;
  free(ids);
  return status;
}

static bt_status find_far_of_batch(const reading *r, size_t first, size_t count, bt_clickhouse_far *far,
                                   bt_remote_answer *answer, bt_error *error) {
  bt_clickhouse_question question = question_of(r, first, count);
  if (r->request->by_id) return BT_OK;
  return find_far(r->clickhouse, &r->server, &question, near_range(r->request), far, answer, error);
}

static bt_status read_batch(reading *r, size_t first, size_t count, bool *is_too_much, bt_error *error) {
  bt_remote_answer answer = {0};
  bt_clickhouse_far far = {0};
  bt_span_batch *batch = NULL;
  bt_status status = ask_batch(r, first, count, &answer, error);
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED)
    status = decode_batch(&r->server, &answer, &batch, error);
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED)
    status = find_far_of_batch(r, first, count, &far, &answer, error);
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED)
    status = look_for_unseen(r, first, count, batch, &answer, error);
  r->refusals = answer.outcome == BT_REMOTE_TOO_MUCH ? r->refusals + 1 : 0;
  *is_too_much = status == BT_OK && r->refusals && r->refusals < MOST_REFUSALS && count > 1;
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED) {
    status = give_batch(r, first, count, batch, &far, error);
  } else if (status == BT_OK && !*is_too_much) {
    r->unread += count;
    snprintf(r->reason, sizeof r->reason, "%s", answer.reason);
  }
  bt_clickhouse_far_dispose(&far);
  bt_span_batch_free(batch);
  bt_remote_answer_dispose(&answer);
  return status;
}

/* In halves where it is too much at once, down to one trace, while any help. What fits lets the next be larger. */
static bt_status read_part(reading *r, size_t first, size_t end, bt_error *error) {
  size_t size = end - first;
  bt_status status = BT_OK;
  while (status == BT_OK && first < end && r->refusals < MOST_REFUSALS) {
    bool is_too_much;
    size_t count = size < end - first ? size : end - first;
    status = read_batch(r, first, count, &is_too_much, error);
    size = is_too_much ? (count + 1) / 2 : count * 2;
    if (!is_too_much) first += count;
  }
  if (status == BT_OK) r->unread += end - first;
  return status;
}

static bt_status prepare_read(reading *r, bt_error *error) {
  const bt_clickhouse_layout *layout = r->server.layout;
  const bt_projection *projection = r->request->by_id ? NULL : r->request->projection;
  bt_clickhouse_condition_write(layout, r->request->spans.asked, &r->condition);
  bt_buffer_append(&r->sql, BT_STR("SELECT "));
  bt_clickhouse_write_columns(layout, projection, !r->request->spans.asked.filter, &r->condition, &r->sql);
  bt_buffer_printf(&r->sql, ROWS_FROM "%s GLOBAL IN (SELECT id FROM ids) AND ", layout->key);
  bt_buffer_append(&r->sql, bt_buffer_str(&r->condition.sql));
  if (!r->request->by_id) bt_buffer_printf(&r->sql, " AND %s", layout->near);
  bt_buffer_append(&r->sql, BT_STR(" FORMAT RowBinary"));
  r->is_projected = bt_clickhouse_projects(projection);
  return r->sql.failed || r->condition.lacks_memory ? bt_error_no_memory(error) : BT_OK;
}

static bt_status read_ids(reading *r, bt_error *error) {
  const bt_read_request *request = r->request;
  size_t most = r->clickhouse->ids_per_read;
  bt_status status = check_asker(r->clickhouse, request->tenant, request->cancel, error);
  if (status == BT_OK) status = bt_clickhouse_find_out(r->clickhouse, request->cancel, &r->server, error);
  if (status == BT_OK) status = prepare_read(r, error);
  size_t fitting = !r->is_projected ? WHOLE_PER_READ : request->spans.asked.filter ? TRACES_PER_PART : IDS_PER_READ;
  if (fitting < most) most = fitting;
  for (size_t at = 0; status == BT_OK && at < request->count; at += most) {
    size_t left = request->count - at;
    status = read_part(r, at, at + (left < most ? left : most), error);
  }
  if (status != BT_OK || !r->unread) return status;
  return bt_error_set(error, BT_UNAVAILABLE, "%zu of %zu traces could not be read: %s", r->unread, request->count,
                      r->reason);
}

static bt_status read_clickhouse(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                                 bt_source_account *account, bt_error *error) {
  reading r = {
      .clickhouse = clickhouse_of(source), .request = request, .sink = sink, .context = context, .account = account};
  bt_status status = read_ids(&r, error);
  bt_buffer_dispose(&r.sql);
  bt_clickhouse_condition_dispose(&r.condition);
  return status;
}

/* ---- some spans of traces that nobody has looked for ---- */

typedef struct span_search {
  bt_clickhouse *clickhouse;
  bt_clickhouse_found server;
  bt_clickhouse_question question; /* all but the number of the part */
  bt_time_range range;
  bt_spans_sink sink;
  void *context;
} span_search;

static bt_status find_far_of_part(const span_search *s, const bt_span_batch *batch, bt_clickhouse_far *far,
                                  bt_remote_answer *answer, bt_error *error) {
  size_t count = bt_span_batch_trace_count(batch);
  bt_trace_id *ids = bt_realloc_array(NULL, count + 1, sizeof *ids);
  if (!ids) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) ids[i] = bt_span_batch_trace(batch, i)->id;
  bt_clickhouse_question question = s->question;
  question.ids = ids;
  question.id_count = count;
  bt_status status = count ? find_far(s->clickhouse, &s->server, &question, s->range, far, answer, error) : BT_OK;
  free(ids);
  return status;
}

static bt_status give_spans(const span_search *s, const bt_span_batch *batch, const bt_clickhouse_far *far,
                            bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < bt_span_batch_trace_count(batch); i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    bool needs_by_id = bt_trace_may_be_own(trace) || bt_clickhouse_is_far(far, &trace->id, true);
    bt_found_spans given = {.found = bt_found_of_trace(trace), .trace = trace, .needs_by_id = needs_by_id};
    if (bt_is_cancelled(s->question.cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
    status = s->sink(s->context, &given, error);
  }
  return status;
}

static bt_status find_spans_of_part(span_search *s, bt_error *error) {
  bt_remote_answer answer = {0};
  bt_clickhouse_far far = {0};
  bt_span_batch *batch = NULL;
  bt_status status = bt_clickhouse_ask(s->clickhouse, &s->question, &s->server, &answer, error);
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED)
    status = decode_batch(&s->server, &answer, &batch, error);
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED)
    status = find_far_of_part(s, batch, &far, &answer, error);
  bool is_too_much = answer.outcome == BT_REMOTE_TOO_MUCH;
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED)
    status = give_spans(s, batch, &far, error);
  else if (status == BT_OK)
    status = bt_error_set(error, is_too_much ? BT_LIMIT : BT_UNAVAILABLE, "the spans could not be searched: %s",
                          answer.reason);
  bt_clickhouse_far_dispose(&far);
  bt_span_batch_free(batch);
  bt_remote_answer_dispose(&answer);
  return status;
}

/* No trace lies in two parts. */
static bt_status find_spans_of_range(span_search *s, const bt_spans_request *request, bt_error *error) {
  uint64_t expected = request->expected ? request->expected : 1;
  int64_t parts = (int64_t)((expected + TRACES_PER_PART - 1) / TRACES_PER_PART);
  bt_status status = BT_OK;
  s->range = request->range;
  set_range(&s->question, request->range);
  s->question.numbers[3].name = "parts", s->question.numbers[3].number = parts;
  s->question.numbers[4].name = "part";
  s->question.number_count = 5;
  for (int64_t part = 0; status == BT_OK && part < parts; part++) {
    s->question.numbers[4].number = part;
    status = find_spans_of_part(s, error);
  }
  return status;
}

static void write_span_search(const bt_clickhouse_found *server, const bt_spans_request *request,
                              bt_clickhouse_condition *condition, bt_buffer *sql) {
  const bt_clickhouse_layout *layout = server->layout;
  bt_buffer columns = {0};
  bt_clickhouse_condition_write(layout, request->spans.asked, condition);
  condition->sql.maximum = 0;
  bt_buffer_printf(&condition->sql, " AND cityHash64(%s) %% {parts:UInt64} = {part:UInt64}",
                   layout->row[BT_ROW_TRACE_ID]);
  bt_clickhouse_write_columns(layout, request->projection, false, condition, &columns);
  write_rows(server, bt_buffer_str(&columns), bt_buffer_str(&condition->sql), sql);
  bt_clickhouse_write_broken(server, bt_buffer_str(&columns), bt_buffer_str(&condition->sql), sql);
  bt_buffer_append(sql, BT_STR(" FORMAT RowBinary"));
  sql->failed = sql->failed || columns.failed || condition->sql.failed;
  bt_buffer_dispose(&columns);
}

static bt_status find_spans_known(span_search *s, const bt_spans_request *request, bt_error *error) {
  bt_clickhouse_condition condition;
  bt_buffer sql = {0};
  write_span_search(&s->server, request, &condition, &sql);
  s->question.sql = sql.ptr;
  s->question.texts = condition.values;
  s->question.text_count = condition.count;
  bool lacks_memory = sql.failed || condition.lacks_memory;
  bt_status status = lacks_memory ? bt_error_no_memory(error) : find_spans_of_range(s, request, error);
  bt_buffer_dispose(&sql);
  bt_clickhouse_condition_dispose(&condition);
  return status;
}

static bt_status find_spans_in_clickhouse(bt_source *source, const bt_spans_request *request, bt_spans_sink sink,
                                          void *context, bt_source_account *account, bt_error *error) {
  span_search s = {.clickhouse = clickhouse_of(source),
                   .sink = sink,
                   .context = context,
                   .question = {.kind = BT_HTTP_READ,
                                .cancel = request->cancel,
                                .rule_id = request->rule_id,
                                .priority = request->priority,
                                .account = account}};
  bt_status status = check_asker(s.clickhouse, request->tenant, request->cancel, error);
  bool is_empty = request->range.start_ns >= request->range.end_ns || request->range.end_ns <= 0;
  if (status != BT_OK || is_empty) return status;
  status = bt_clickhouse_find_out(s.clickhouse, request->cancel, &s.server, error);
  return status == BT_OK ? find_spans_known(&s, request, error) : status;
}

/* ---- the rest ---- */

static bt_status check_clickhouse(bt_source *source, const bt_cancel *cancel, bt_error *error) {
  bt_clickhouse_found found;
  return bt_clickhouse_find_out(clickhouse_of(source), cancel, &found, error);
}

static bt_status tags_of_clickhouse(bt_source *source, const bt_tag_request *request, bt_tag_list *list,
                                    bt_error *error) {
  bt_status status = check_asker(clickhouse_of(source), request->tenant, request->cancel, error);
  return status == BT_OK ? bt_clickhouse_tags(clickhouse_of(source), request, list, error) : status;
}

/* In units of a trace of some ten spans that is read with 2,000 others: a read looks at some granules of each id, so
 * that one id costs much more (docs/BENCHMARKS.md). */
static const bt_source_costs costs = {.request = 100,
                                      .found = 0.02,
                                      .projected = 0.03,
                                      .by_id = 30,
                                      .found_bytes = 49,
                                      .projected_bytes = 200,
                                      .read_bytes = 6700,
                                      .reads_at_once = IDS_PER_READ,
                                      .projected_at_once = TRACES_PER_PART};

/* Once the layout is known, it stays. */
static const bt_dialect *dialect_of_clickhouse(bt_source *source) {
  const bt_clickhouse_layout *layout = atomic_load(&clickhouse_of(source)->layout);
  return layout ? bt_clickhouse_dialect(layout) : bt_dialect_none();
}

/* What was inserted is in the next answer. */
static void promise_clickhouse(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel,
                               bt_promises *out) {
  bt_clickhouse *clickhouse = clickhouse_of(source);
  int64_t now_ns = bt_clock_steady_ns();
  bt_clickhouse_found found = bt_clickhouse_known(clickhouse);
  if (cancel && !found.is_known && bt_clickhouse_find_out(clickhouse, cancel, &found, NULL) != BT_OK)
    found = (bt_clickhouse_found){0};
  bool looks = cancel && found.is_known && wanted == BT_PROMISES_ALL; /* a replay begins */
  if (looks && bt_clickhouse_find_rare(clickhouse, &found, now_ns, cancel, NULL) != BT_OK)
    found = (bt_clickhouse_found){0};
  out->about = (bt_source_about){.kind = "clickhouse", .is_checked = found.is_checked};
  snprintf(out->about.version, sizeof out->about.version, "%s", found.version);
  snprintf(out->about.note, sizeof out->about.note, "%s", found.note);
  out->filters = out->projects = atomic_load(&clickhouse->layout) != NULL;
  out->generation = out->filters ? 1 : 0;
  out->costs = costs;
  out->reads_agree = out->batches_show_kept = true;
  out->hidden_tail_ns = hidden_tail_ns;
  if (found.lacks[0]) out->lacks = clickhouse->found.lacks; /* once it is known, it stays */
}

static void free_clickhouse(bt_source *source) {
  bt_clickhouse *clickhouse = clickhouse_of(source);
  bt_remote_dispose(&clickhouse->store);
  free(clickhouse->database);
  free(clickhouse->table);
  free(clickhouse);
}

bt_status bt_clickhouse_source_new(bt_http_client *client, const bt_clickhouse_options *options, bt_source **out,
                                   bt_error *error) {
  static const bt_source_operations operations = {.search = search_clickhouse,
                                                  .read = read_clickhouse,
                                                  .find_spans = find_spans_in_clickhouse,
                                                  .find_linking = find_linking_in_clickhouse,
                                                  .tags = tags_of_clickhouse,
                                                  .check = check_clickhouse,
                                                  .dialect = dialect_of_clickhouse,
                                                  .promise = promise_clickhouse,
                                                  .free = free_clickhouse};
  const bt_remote_options of_store = {"clickhouse", options->ca_file, options->timeout_ms, options->pause_ms};
  bt_status status = bt_remote_new(sizeof(bt_clickhouse), &operations, client, &of_store, out, error);
  if (status != BT_OK) return status;
  bt_clickhouse *clickhouse = clickhouse_of(*out);
  clickhouse->ids_per_read = options->ids_per_read ? options->ids_per_read : TRACES_PER_PART;
  status = bt_clickhouse_address_take(clickhouse, options, error);
  if (status == BT_OK) return BT_OK;
  free_clickhouse(*out);
  *out = NULL;
  return status;
}
