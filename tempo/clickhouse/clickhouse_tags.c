/* Names and values for completion. See clickhouse_tags.h. A row of an answer is one text, or the attributes of one
 * span, resource, scope, event or link, which are read as those of whole traces are. The newest part of the range is
 * asked for first: a table is sorted by service, so the rows that a bounded question sees of a long range are of few.
 */
#include "tempo/clickhouse/clickhouse_tags.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/clickhouse/clickhouse_filter.h"
#include "tempo/clickhouse/clickhouse_layout.h"
#include "tempo/clickhouse/clickhouse_schema.h"
#include "tempo/clickhouse/clickhouse_spans.h"
#include "tempo/clickhouse/row_attributes.h"
#include "tempo/wire/span_batch.h"
#include "tempo/wire/tags_trace.h"

enum {
  ROWS_OF_ATTRIBUTES = 2000000, /* looked at by one question */
  ROWS_OF_FIELDS = 50000000,    /* a name is much less to read */
  MOST_SETS = 2000,             /* rows of an answer that are attributes of events and the like */
  NEWEST_PART = 16
};
static const size_t batch_max_bytes = (size_t)64 << 20;

typedef struct asking {
  bt_clickhouse *clickhouse;
  bt_clickhouse_found server;
  const bt_tag_request *request; /* never of any scope: of one */
  bt_tag_list *list;
  bt_row_attributes read; /* NULL: a row is a text */
  bt_span_rows rows;
  bt_attribute_list attributes;
  int64_t left_ms;
} asking;

/* ---- the question ---- */

/* The column that a row of the answer is made of, and how it is read. False: the table does not keep it. */
static bool write_column(asking *a, bt_clickhouse_condition *condition, bt_buffer *sql) {
  const bt_clickhouse_layout *layout = a->server.layout;
  const bt_row_form *form = layout->form;
  bool wants_names = !a->request->key.ptr;
  switch (a->request->scope) {
  case BT_TAG_SPAN:
  case BT_TAG_RESOURCE: {
    bt_clickhouse_value value = a->request->scope == BT_TAG_SPAN ? BT_ROW_SPAN : BT_ROW_RESOURCE;
    a->read = wants_names ? NULL : a->request->scope == BT_TAG_SPAN ? form->span : form->resource;
    if (wants_names)
      bt_clickhouse_write_keys(layout, value, sql);
    else
      bt_clickhouse_write_values(layout, value, a->request->key, condition, sql);
    return true;
  }
  case BT_TAG_SCOPE:
    a->read = form->scope;
    if (a->read) bt_clickhouse_write_values(layout, BT_ROW_SCOPE, (bt_str){NULL, 0}, condition, sql);
    return a->read != NULL;
  case BT_TAG_EVENT:
    a->read = form->event;
    bt_buffer_printf(sql, "arrayJoin(%s)", layout->row[BT_ROW_EVENTS]);
    return true;
  case BT_TAG_LINK:
    a->read = form->link;
    if (a->read) bt_buffer_printf(sql, "arrayJoin(%s)", layout->row[BT_ROW_LINKS]);
    return a->read != NULL;
  case BT_TAG_SPAN_NAME: return bt_buffer_append(sql, bt_str_from(layout->row[BT_ROW_NAME])), true;
  case BT_TAG_SERVICE_NAME: return bt_buffer_append(sql, bt_str_from(layout->row[BT_ROW_SERVICE])), true;
  case BT_TAG_STATUS_MESSAGE: return bt_buffer_append(sql, bt_str_from(layout->row[BT_ROW_MESSAGE])), true;
  case BT_TAG_ANY:
  case BT_TAG_SCOPES: break;
  }
  return false;
}

/* Rows that have the key: an index may pass over the others. */
static void write_condition(const asking *a, bt_clickhouse_condition *condition) {
  bool is_of_span = a->request->scope == BT_TAG_SPAN;
  bt_filter there = {.kind = BT_FILTER_TEST,
                     .test = {.field = is_of_span ? BT_FILTER_SPAN : BT_FILTER_RESOURCE,
                              .key = a->request->key,
                              .op = BT_FILTER_PRESENT}};
  bool has_key = a->request->key.ptr && (is_of_span || a->request->scope == BT_TAG_RESOURCE);
  bt_query query = has_key ? (bt_query){.filter = &there, .manner = BT_CLICKHOUSE_OVER} : bt_query_all();
  bt_clickhouse_condition_write(a->server.layout, query, condition);
}

static int64_t most_rows_looked_at(const asking *a) {
  return a->request->scope >= BT_TAG_SPAN_NAME ? ROWS_OF_FIELDS : ROWS_OF_ATTRIBUTES;
}

static uint64_t most_rows(const asking *a) {
  return a->request->scope >= BT_TAG_EVENT && a->request->scope <= BT_TAG_SCOPE ? MOST_SETS : BT_TAGS_LIMIT_MAX;
}

/* Half of the time is ClickHouse's. */
static int64_t server_ms(const asking *a) {
  return a->left_ms / 2 ? a->left_ms / 2 : 1;
}

/* Reading that breaks off gives fewer rows, which is no verdict here. */
static void write_question(const asking *a, bt_str column, bt_str condition, bt_buffer *sql) {
  bt_buffer_append(sql, BT_STR("SELECT DISTINCT "));
  bt_buffer_append(sql, column);
  bt_buffer_printf(sql, " AS found FROM {database:Identifier}.{table:Identifier} WHERE %s AND ",
                   a->server.layout->near);
  bt_buffer_append(sql, condition);
  bt_buffer_printf(sql,
                   " LIMIT %" PRIu64 " SETTINGS max_rows_to_read = %" PRId64 ", read_overflow_mode = 'break', "
                   "max_execution_time = %.3f, timeout_overflow_mode = 'break' FORMAT RowBinary",
                   most_rows(a), most_rows_looked_at(a), (double)server_ms(a) / 1e3);
}

/* ---- the answer ---- */

/* An empty name or service is none. */
static bool take_text(asking *a, bt_row_reader *reader) {
  bt_str text;
  if (!bt_row_take_text(&a->rows, reader, &text)) return false;
  bool is_field = a->request->scope >= BT_TAG_SPAN_NAME;
  if (reader->failed || !text.len) return !reader->failed;
  if (bt_tag_list_add(a->list, a->request, text, is_field ? BT_VALUE_STRING : BT_VALUE_MISSING)) return true;
  return bt_row_stop(&a->rows, bt_error_no_memory(&a->rows.error));
}

static bool take_row(void *context, bt_row_reader *reader) {
  asking *a = context;
  if (!a->read) return take_text(a, reader);
  a->attributes.count = 0;
  if (!a->read(&a->rows, reader, &a->attributes)) return false;
  bt_attributes attributes = {.items = a->attributes.items, .count = (uint32_t)a->attributes.count};
  if (bt_tags_of_attributes(&attributes, a->request, a->list)) return true;
  return bt_row_stop(&a->rows, bt_error_no_memory(&a->rows.error));
}

static bool was_broken_off(const asking *a, const bt_remote_answer *answer) {
  uint64_t read = bt_clickhouse_summary(answer, "read_rows"), took_ns = bt_clickhouse_summary(answer, "elapsed_ns");
  return answer->row_count >= most_rows(a) || read >= (uint64_t)most_rows_looked_at(a) ||
         took_ns >= (uint64_t)server_ms(a) * 1000000;
}

static bt_status take_answer(asking *a, bt_remote_answer *answer, bt_error *error) {
  a->rows.form = a->server.layout->form;
  a->rows.status = BT_OK;
  bt_status status = bt_span_batch_new(batch_max_bytes, &a->rows.batch, error);
  if (status != BT_OK) return status;
  bt_clickhouse_take_rows(answer, take_row, a);
  bt_span_batch_free(a->rows.batch);
  if (a->rows.status == BT_NO_MEMORY) return bt_error_no_memory(error);
  /* What was read of too large an answer is true. */
  if (a->rows.status == BT_LIMIT) answer->outcome = BT_REMOTE_ANSWERED;
  a->list->is_cut = a->list->is_cut || a->rows.status == BT_LIMIT || was_broken_off(a, answer);
  return BT_OK;
}

static bt_status ask_for_range(asking *a, bt_clickhouse_question *question, bt_time_range range, bt_error *error) {
  bt_remote_answer answer = {0};
  question->numbers[0].name = "from", question->numbers[0].number = range.start_ns;
  question->numbers[1].name = "end", question->numbers[1].number = range.end_ns;
  question->number_count = 2;
  question->timeout_ms = a->left_ms;
  bt_status status = bt_clickhouse_ask(a->clickhouse, question, &a->server, &answer, error);
  a->left_ms -= answer.response.took_ms;
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED) status = take_answer(a, &answer, error);
  if (status == BT_OK && answer.outcome != BT_REMOTE_ANSWERED)
    status = bt_error_set(error, answer.code ? BT_REFUSED : BT_UNAVAILABLE, "%s", answer.reason);
  bt_remote_answer_dispose(&answer);
  return status;
}

/* ---- both together ---- */

/* What the newest part gave stays where the rest cannot be had in time. */
static bt_status ask_in_parts(asking *a, bt_clickhouse_question *question, bt_error *error) {
  bt_time_range range = a->request->range;
  bt_error why = {0};
  if (range.start_ns < 0) range.start_ns = 0;
  if (range.start_ns >= range.end_ns) return BT_OK;
  int64_t newest_ns = range.end_ns - (range.end_ns - range.start_ns) / NEWEST_PART;
  bt_status status = ask_for_range(a, question, (bt_time_range){newest_ns, range.end_ns}, error);
  if (status != BT_OK) return status;
  if (a->left_ms > 0) status = ask_for_range(a, question, (bt_time_range){range.start_ns, newest_ns}, &why);
  bool is_final = status == BT_CANCELLED || status == BT_NO_MEMORY;
  if (is_final && error) *error = why;
  if (status != BT_OK || a->left_ms <= 0) a->list->is_cut = true;
  return is_final ? status : BT_OK;
}

static bt_status ask_for_scope(asking *a, bt_error *error) {
  bt_clickhouse_condition condition;
  bt_buffer column = {0}, sql = {0};
  write_condition(a, &condition);
  bool is_kept = write_column(a, &condition, &column);
  write_question(a, bt_buffer_str(&column), bt_buffer_str(&condition.sql), &sql);
  bt_clickhouse_question question = {.sql = sql.ptr,
                                     .texts = condition.values,
                                     .text_count = condition.count,
                                     .kind = BT_HTTP_SEARCH,
                                     .cancel = a->request->cancel,
                                     .priority = BT_PRIORITY_PEOPLE};
  bt_status status = BT_OK;
  if (column.failed || sql.failed || condition.sql.failed || condition.lacks_memory)
    status = bt_error_no_memory(error);
  else if (is_kept)
    status = ask_in_parts(a, &question, error);
  bt_buffer_dispose(&column);
  bt_buffer_dispose(&sql);
  bt_clickhouse_condition_dispose(&condition);
  return status;
}

bt_status bt_clickhouse_tags(bt_clickhouse *clickhouse, const bt_tag_request *request, bt_tag_list *list,
                             bt_error *error) {
  bool is_any = request->scope == BT_TAG_ANY;
  bt_tag_request one = *request;
  asking a = {.clickhouse = clickhouse, .request = &one, .list = list, .left_ms = request->timeout_ms};
  bt_status status = bt_clickhouse_find_out(clickhouse, request->cancel, &a.server, error);
  if (is_any) one.scope = BT_TAG_RESOURCE;
  if (status == BT_OK) status = ask_for_scope(&a, error);
  if (is_any) one.scope = BT_TAG_SPAN;
  if (is_any && status == BT_OK && a.left_ms > 0)
    status = ask_for_scope(&a, error);
  else if (is_any)
    list->is_cut = true;
  free(a.attributes.items);
  return status;
}
