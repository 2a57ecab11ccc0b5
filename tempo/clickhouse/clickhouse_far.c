/* Finding traces that reach far. See clickhouse_far.h. */
#include "tempo/clickhouse/clickhouse_far.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/wall_clock.h"

#define SPANS "{database:Identifier}.{table:Identifier}"
#define TIMES "{database:Identifier}.{f0:Identifier}"

/* No trace is older than the table says, which is not empty unless that of the spans is. Nothing of it reads rows. */
static void write_trust(const bt_clickhouse_layout *layout, bt_buffer *sql) {
  bt_buffer_printf(sql,
                   "SELECT toUInt8(h.1 <= t.1 AND (h.2 > 0 OR t.2 = 0)) FROM (SELECT assumeNotNull((SELECT (min(%s), "
                   "count()) FROM " TIMES " WHERE toDate(%s) >= '2000-01-01')) AS h, assumeNotNull((SELECT (min(%s), "
                   "count()) FROM " SPANS " WHERE toDate(%s) >= '2000-01-01')) AS t) FORMAT RowBinary",
                   layout->times.start, layout->times.start, layout->start, layout->start);
}

static bool take_trust(void *context, bt_row_reader *reader) {
  bt_clickhouse_found *found = context;
  found->has_times = bt_row_byte(reader) != 0;
  return true;
}

bt_status bt_clickhouse_find_times(bt_clickhouse *clickhouse, bt_clickhouse_found *found, const bt_cancel *cancel,
                                   bt_error *error) {
  const bt_clickhouse_layout *layout = found->layout;
  bt_buffer sql = {0};
  bt_clickhouse_question question = {.kind = BT_HTTP_OTHER, .priority = BT_PRIORITY_PEOPLE, .cancel = cancel};
  const char *own = layout->times.name[0] == '_' ? clickhouse->table : "";
  snprintf(found->times, sizeof found->times, "%s%s", own, layout->times.name);
  bt_str name = bt_str_from(found->times);
  question.texts = &name;
  question.text_count = 1;
  write_trust(layout, &sql);
  question.sql = sql.ptr;
  bt_status status = sql.failed ? bt_error_no_memory(error)
                                : bt_clickhouse_ask_rows(clickhouse, &question, found, take_trust, found, NULL, error);
  bt_buffer_dispose(&sql);
  if (status == BT_REFUSED) status = BT_OK;
  size_t length = strlen(found->note);
  if (status == BT_OK && !found->has_times)
    snprintf(found->note + length, sizeof found->note - length,
             "%s%.60s is not there, not readable or younger than the spans: of a trace of days only spans near the "
             "range are seen",
             length ? "; " : "", found->times);
  return status;
}

/* ---- rare rows ---- */

static bool take_rare(void *context, bt_row_reader *reader) {
  bt_clickhouse_found *found = context;
  unsigned which = bt_row_byte(reader);
  if (which < BT_CLICKHOUSE_RARE) found->has_rare[which] = true;
  return true;
}

static bt_status ask_for_rare(bt_clickhouse *clickhouse, bt_clickhouse_found *found, const bt_cancel *cancel,
                              bt_error *error) {
  bt_clickhouse_question question = {.kind = BT_HTTP_OTHER, .priority = BT_PRIORITY_PEOPLE, .cancel = cancel};
  bt_buffer sql = {0};
  for (unsigned i = 0; i < BT_CLICKHOUSE_RARE; i++)
    bt_buffer_printf(&sql, "%sSELECT toUInt8(%u) FROM " SPANS " WHERE %s LIMIT 1", i ? " UNION ALL " : "", i,
                     found->layout->rare[i]);
  bt_buffer_append(&sql, BT_STR(" FORMAT RowBinary"));
  question.sql = sql.ptr;
  memset(found->has_rare, 0, sizeof found->has_rare);
  bt_status status = sql.failed ? bt_error_no_memory(error)
                                : bt_clickhouse_ask_rows(clickhouse, &question, found, take_rare, found, NULL, error);
  bt_buffer_dispose(&sql);
  return status;
}

bt_status bt_clickhouse_find_rare(bt_clickhouse *clickhouse, bt_clickhouse_found *found, int64_t since_ns,
                                  const bt_cancel *cancel, bt_error *error) {
  int64_t now_ns = bt_clock_steady_ns();
  bt_error why = {0};
  if (found->rare_asked_ns && found->rare_asked_ns >= since_ns) return BT_OK;
  bt_status status = ask_for_rare(clickhouse, found, cancel, &why);
  if ((status == BT_CANCELLED || status == BT_NO_MEMORY) && error) *error = why;
  if (status == BT_CANCELLED || status == BT_NO_MEMORY) return status;
  for (size_t i = 0; status != BT_OK && i < BT_CLICKHOUSE_RARE; i++) found->has_rare[i] = true;
  found->rare_asked_ns = now_ns;
  pthread_mutex_lock(&clickhouse->store.mutex);
  if (clickhouse->found.rare_asked_ns < now_ns) {
    memcpy(clickhouse->found.has_rare, found->has_rare, sizeof found->has_rare);
    clickhouse->found.rare_asked_ns = now_ns;
  }
  pthread_mutex_unlock(&clickhouse->store.mutex);
  return BT_OK;
}

/* ---- of some traces ---- */

/* Each row is a list of ids, and of how many ids the table of times knows something. */
static void write_far(const bt_clickhouse_found *found, bt_buffer *sql) {
  const bt_clickhouse_layout *layout = found->layout;
  bool has_broken = found->has_rare[BT_CLICKHOUSE_BROKEN];
  if (has_broken)
    bt_buffer_printf(
        sql, "SELECT groupUniqArray(%s), toUInt64(0) FROM " SPANS " WHERE %s GLOBAL IN (SELECT id FROM ids) AND %s%s",
        layout->row[BT_ROW_TRACE_ID], layout->key, layout->rare[BT_CLICKHOUSE_BROKEN],
        found->has_times ? " UNION ALL " : "");
  if (found->has_times)
    bt_buffer_printf(
        sql,
        "SELECT groupUniqArrayIf(%s AS of, %s < {from:Int64} OR %s >= {end:Int64}), uniqExact(of) FROM " TIMES
        " WHERE of GLOBAL IN (SELECT id FROM ids)",
        layout->times.id, layout->times.first, layout->times.last);
  bt_buffer_append(sql, BT_STR(" FORMAT RowBinary"));
}

/* Where it knows fewer than there are. */
static void write_unknown(const bt_clickhouse_layout *layout, bt_buffer *sql) {
  bt_buffer_printf(sql,
                   "SELECT groupArray(id), toUInt64(0) FROM ids WHERE id GLOBAL NOT IN (SELECT %s AS of FROM " TIMES
                   " WHERE of GLOBAL IN (SELECT id FROM ids)) FORMAT RowBinary",
                   layout->times.id);
}

typedef struct far_ids {
  bt_clickhouse_ids *list;
  uint64_t known;
  bool lacks_memory;
} far_ids;

static bool take_far(void *context, bt_row_reader *reader) {
  far_ids *taken = context;
  bt_clickhouse_ids *list = taken->list;
  bt_trace_id id;
  for (size_t left = bt_row_count(reader); left; left--) {
    if (!bt_trace_id_parse(bt_row_text(reader), &id)) return false;
    bt_trace_id *ids = bt_grow_array(list->ids, list->count, &list->capacity, sizeof *ids);
    taken->lacks_memory = !ids;
    if (!ids) return false;
    list->ids = ids;
    ids[list->count++] = id;
  }
  taken->known += (uint64_t)bt_row_int64(reader);
  return !reader->failed;
}

static void sort_ids(const bt_clickhouse_ids *list) {
  if (list->count) qsort(list->ids, list->count, sizeof *list->ids, bt_trace_id_order);
}

static bool has_id(const bt_clickhouse_ids *list, const bt_trace_id *id) {
  return list->count && bsearch(id, list->ids, list->count, sizeof *list->ids, bt_trace_id_order);
}

static bt_status ask_far(bt_clickhouse *clickhouse, const bt_clickhouse_found *found, bt_clickhouse_question *question,
                         bt_buffer *sql, far_ids *taken, bt_remote_answer *answer, bt_error *error) {
  question->sql = sql->ptr;
  bt_status status =
      sql->failed ? bt_error_no_memory(error) : bt_clickhouse_ask(clickhouse, question, found, answer, error);
  bt_buffer_dispose(sql);
  if (status == BT_OK && answer->outcome == BT_REMOTE_ANSWERED) bt_clickhouse_take_rows(answer, take_far, taken);
  if (taken->lacks_memory) return bt_error_no_memory(error);
  sort_ids(taken->list);
  return status;
}

bt_status bt_clickhouse_find_far(bt_clickhouse *clickhouse, const bt_clickhouse_found *found,
                                 bt_clickhouse_question question, bt_time_range range, bt_clickhouse_far *far,
                                 bt_remote_answer *answer, bt_error *error) {
  bt_buffer sql = {0}, of_unknown = {0};
  bt_str name = bt_str_from(found->times);
  far_ids taken = {.list = &far->far};
  answer->outcome = BT_REMOTE_ANSWERED;
  if (!found->has_rare[BT_CLICKHOUSE_BROKEN] && !found->has_times) return BT_OK;
  write_far(found, &sql);
  question.numbers[0].name = "from", question.numbers[0].number = range.start_ns;
  question.numbers[1].name = "end", question.numbers[1].number = range.end_ns;
  question.number_count = 2;
  question.texts = &name;
  question.text_count = 1;
  bt_status status = ask_far(clickhouse, found, &question, &sql, &taken, answer, error);
  bool knows_all = !found->has_times || taken.known >= question.id_count;
  if (status != BT_OK || answer->outcome != BT_REMOTE_ANSWERED || knows_all) return status;
  taken.list = &far->unknown;
  write_unknown(found->layout, &of_unknown);
  bt_remote_answer_dispose(answer);
  return ask_far(clickhouse, found, &question, &of_unknown, &taken, answer, error);
}

bool bt_clickhouse_is_far(const bt_clickhouse_far *far, const bt_trace_id *id, bool is_there) {
  return has_id(&far->far, id) || (is_there && has_id(&far->unknown, id));
}

void bt_clickhouse_far_dispose(bt_clickhouse_far *far) {
  free(far->far.ids);
  free(far->unknown.ids);
  *far = (bt_clickhouse_far){0};
}

/* ---- searching ---- */

static void write_where_broken(const bt_clickhouse_layout *layout, const char *what, bt_str condition, bt_buffer *sql) {
  bt_buffer_printf(sql, "(SELECT %s FROM " SPANS " WHERE %s AND ", what, layout->rare[BT_CLICKHOUSE_BROKEN]);
  bt_buffer_append(sql, condition);
  bt_buffer_append_char(sql, ')');
}

void bt_clickhouse_write_broken(const bt_clickhouse_found *found, bt_str columns, bt_str condition, bt_buffer *sql) {
  const bt_clickhouse_layout *layout = found->layout;
  if (!found->has_rare[BT_CLICKHOUSE_BROKEN]) return;
  bt_buffer_append(sql, BT_STR(" UNION ALL SELECT "));
  bt_buffer_append(sql, columns);
  bt_buffer_printf(sql, " FROM " SPANS " WHERE %s AND %s != '' AND ", layout->within, layout->row[BT_ROW_TRACE_ID]);
  write_where_broken(layout, "count() > 0", condition, sql);
  bt_buffer_printf(sql, " AND %s GLOBAL IN ", layout->key);
  write_where_broken(layout, layout->key, condition, sql);
}
