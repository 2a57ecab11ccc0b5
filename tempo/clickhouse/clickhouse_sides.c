/* Searches with sides. See clickhouse_sides.h. */
#include "tempo/clickhouse/clickhouse_sides.h"

#include <stdlib.h>

#include "tempo/clickhouse/clickhouse_far.h"
#include "tempo/clickhouse/clickhouse_filter.h"
#include "tempo/clickhouse/clickhouse_rows.h"

enum { TEXTS = 2 * BT_SIDES_MAX, IDS_AT_ONCE = 100000 };
/* What a row says of its trace. */
enum { SAYS_VIOLATING = 1, SAYS_EXERCISING = 2, RESTS_ON_UNSEEN = 4 };

bool bt_clickhouse_has_sides(const bt_clickhouse_found *server) {
  return server->has_times && !server->lacks[0] && !server->has_rare[BT_CLICKHOUSE_BROKEN];
}

/* ---- the statement ---- */

/* Conditions of one row, each once: a side's over and under are one where they say the same. */
typedef struct statement {
  const bt_clickhouse_found *server;
  const bt_side *sides;
  size_t side_count;
  bt_clickhouse_condition condition; /* its values are those of all */
  bt_buffer texts[TEXTS];
  size_t text_count;
  size_t over[BT_SIDES_MAX], under[BT_SIDES_MAX]; /* numbers of texts */
  bt_buffer sql;
} statement;

/* The number of its text; false: it is too long. */
static bool add_text(statement *s, bt_query query, size_t *number) {
  bool is_said = bt_clickhouse_condition_next(s->server->layout, query, &s->condition);
  bt_str text = bt_buffer_str(&s->condition.sql);
  size_t i = 0;
  while (i < s->text_count && !bt_str_equal(bt_buffer_str(&s->texts[i]), text)) i++;
  if (i == s->text_count) bt_buffer_append(&s->texts[s->text_count++], text);
  *number = i;
  return is_said;
}

static bool add_texts(statement *s) {
  bool all = true;
  for (size_t i = 0; all && i < s->side_count; i++)
    all = add_text(s, s->sides[i].over, &s->over[i]) && add_text(s, s->sides[i].under, &s->under[i]);
  return all;
}

static void write_there(statement *s, size_t side, size_t text) {
  uint32_t least = s->sides[side].least;
  if (least == 1)
    bt_buffer_printf(&s->sql, "max(c%zu) = 1", text);
  else
    bt_buffer_printf(&s->sql, "uniqExactIf(one, c%zu) >= %u", text, least);
}

/* Each of the sides surely holds; of those that exercise alone, or of all. */
static void write_holds(statement *s, bool exercising) {
  bool is_first = true;
  for (size_t i = 0; i < s->side_count; i++) {
    const bt_side *side = &s->sides[i];
    if (exercising && !side->exercises) continue;
    bt_buffer_append(&s->sql, is_first ? BT_STR("") : BT_STR(" AND "));
    if (side->is_absence) bt_buffer_append(&s->sql, BT_STR("NOT "));
    bt_buffer_append_char(&s->sql, '(');
    write_there(s, i, side->is_absence ? s->over[i] : s->under[i]);
    bt_buffer_append_char(&s->sql, ')');
    is_first = false;
  }
}

/* Some side surely does not hold, of one kind; 0: there is none of it. */
static void write_fails(statement *s, bool of_absence) {
  bool is_first = true;
  for (size_t i = 0; i < s->side_count; i++) {
    if (s->sides[i].is_absence != of_absence) continue;
    bt_buffer_append(&s->sql, is_first ? BT_STR("(") : BT_STR(" OR "));
    if (!of_absence) bt_buffer_append(&s->sql, BT_STR("NOT ("));
    write_there(s, i, of_absence ? s->under[i] : s->over[i]);
    if (!of_absence) bt_buffer_append_char(&s->sql, ')');
    is_first = false;
  }
  bt_buffer_append(&s->sql, is_first ? BT_STR("0") : BT_STR(")"));
}

/* Copies of a span that do not agree in the conditions leave the trace open. */
static void write_agree(statement *s) {
  if (s->text_count < 2) {
    bt_buffer_append(&s->sql, BT_STR("1"));
    return;
  }
  bt_buffer_append(&s->sql, BT_STR("uniqExact(one) = uniqExact((one"));
  for (size_t i = 0; i < s->text_count; i++) bt_buffer_printf(&s->sql, ", c%zu", i);
  bt_buffer_append(&s->sql, BT_STR("))"));
}

static bool has_absence(const statement *s) {
  for (size_t i = 0; i < s->side_count; i++)
    if (s->sides[i].is_absence) return true;
  return false;
}

/* What is there stays, wherever the rest of the trace lies. */
static void write_verdict(statement *s) {
  bt_buffer_append(&s->sql, BT_STR("toUInt8(multiIf(NOT ("));
  write_agree(s);
  bt_buffer_append(&s->sql, BT_STR("), 0, "));
  write_holds(s, false);
  bt_buffer_printf(&s->sql, ", %d, NOT (", SAYS_VIOLATING | (has_absence(s) ? RESTS_ON_UNSEEN : 0));
  write_holds(s, true);
  bt_buffer_append(&s->sql, BT_STR("), 0, "));
  write_fails(s, true);
  bt_buffer_printf(&s->sql, ", %d, ", SAYS_EXERCISING);
  write_fails(s, false);
  bt_buffer_printf(&s->sql, ", %d, 0))", SAYS_EXERCISING | RESTS_ON_UNSEEN);
}

static void write_columns(const statement *s, bt_buffer *out) {
  const char *const *row = s->server->layout->row;
  bt_buffer_printf(out, "%s AS TraceId, %s AS s, s + %s AS e, (%s, %s, %s) AS one", row[BT_ROW_TRACE_ID],
                   row[BT_ROW_START], row[BT_ROW_DURATION], row[BT_ROW_SPAN_ID], row[BT_ROW_KIND], row[BT_ROW_SERVICE]);
  for (size_t i = 0; i < s->text_count; i++) {
    bt_buffer_append(out, BT_STR(", toUInt8(ifNull("));
    bt_buffer_append(out, bt_buffer_str(&s->texts[i]));
    bt_buffer_printf(out, ", 0)) AS c%zu", i);
  }
}

/* What no side may mean is passed over. */
static void write_any(const statement *s, bt_buffer *out) {
  for (size_t i = 0; i < s->side_count; i++) {
    bt_buffer_append(out, i ? BT_STR(" OR ") : BT_STR("("));
    bt_buffer_append(out, bt_buffer_str(&s->texts[s->over[i]]));
  }
  bt_buffer_append_char(out, ')');
}

static void write_candidates(statement *s) {
  bool is_first = true;
  for (size_t i = 0; i < s->side_count; i++) {
    if (!s->sides[i].exercises || s->sides[i].is_absence) continue;
    bt_buffer_append(&s->sql, is_first ? BT_STR(" HAVING ") : BT_STR(" AND "));
    write_there(s, i, s->over[i]);
    is_first = false;
  }
}

static void write_statement(statement *s) {
  bt_buffer columns = {0}, any = {0};
  write_columns(s, &columns);
  write_any(s, &any);
  bt_buffer_append(&s->sql, BT_STR("SELECT TraceId, min(if(s = 0, e, s)), max(greatest(s, e)), "));
  write_verdict(s);
  bt_buffer_append(&s->sql, BT_STR(" FROM ("));
  bt_clickhouse_write_rows(s->server, bt_buffer_str(&columns), bt_buffer_str(&any), &s->sql);
  bt_buffer_append(&s->sql, BT_STR(") GROUP BY TraceId"));
  write_candidates(s);
  bt_buffer_append(&s->sql, BT_STR(" LIMIT {most:UInt64} FORMAT RowBinary"));
  s->sql.failed = s->sql.failed || columns.failed || any.failed || s->condition.lacks_memory;
  bt_buffer_dispose(&columns);
  bt_buffer_dispose(&any);
}

static void dispose_statement(statement *s) {
  for (size_t i = 0; i < s->text_count; i++) bt_buffer_dispose(&s->texts[i]);
  bt_clickhouse_condition_dispose(&s->condition);
  bt_buffer_dispose(&s->sql);
}

/* ---- its answer ---- */

typedef struct taken {
  bt_found_list *found;
  bt_trace_id *ids; /* new: those of which something rests on what was not seen */
  size_t count, capacity;
  bool lacks_memory;
} taken;

static bool note_unseen(taken *t, const bt_trace_id *id) {
  bt_trace_id *ids = bt_grow_array(t->ids, t->count, &t->capacity, sizeof *ids);
  if (!ids) return false;
  t->ids = ids;
  ids[t->count++] = *id;
  return true;
}

static bool take_row(void *context, bt_row_reader *reader) {
  taken *t = context;
  bt_trace_id id;
  bool is_id = bt_clickhouse_take_id(reader, &id);
  int64_t start_ns = bt_row_int64(reader), end_ns = bt_row_int64(reader);
  unsigned says = bt_row_byte(reader);
  if (reader->failed || !is_id) return false;
  if (bt_trace_id_is_zero(&id)) return true;
  bt_found found = bt_found_of_bounds(&id, start_ns, end_ns);
  if (says & SAYS_VIOLATING) found.as = BT_FOUND_VIOLATING;
  if (says & SAYS_EXERCISING) found.as = BT_FOUND_EXERCISING;
  t->lacks_memory = !bt_found_list_add(t->found, &found) || (says & RESTS_ON_UNSEEN && !note_unseen(t, &id));
  return !t->lacks_memory;
}

static bt_status status_of(const bt_clickhouse_answer *answer, bt_error *error) {
  if (answer->outcome == BT_CLICKHOUSE_ANSWERED) return BT_OK;
  return bt_error_set(error, answer->outcome == BT_CLICKHOUSE_TOO_MUCH ? BT_LIMIT : BT_REFUSED, "%s", answer->reason);
}

static void leave_open(bt_found_list *found, const bt_clickhouse_far *far, const bt_trace_id *ids, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const bt_found *one = bt_found_list_get(found, &ids[i]);
    if (one && bt_clickhouse_is_far(far, &ids[i], true)) found->items[one - found->items].as = BT_FOUND_OPEN;
  }
}

static bt_status look_far(bt_clickhouse *clickhouse, const bt_clickhouse_found *server, bt_clickhouse_question question,
                          bt_time_range range, const taken *t, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t at = 0; status == BT_OK && at < t->count; at += IDS_AT_ONCE) {
    bt_clickhouse_far far = {0};
    bt_clickhouse_answer answer = {0};
    question.ids = t->ids + at;
    question.id_count = t->count - at < IDS_AT_ONCE ? t->count - at : IDS_AT_ONCE;
    status = bt_clickhouse_find_far(clickhouse, server, question, range, &far, &answer, error);
    if (status == BT_OK) status = status_of(&answer, error);
    if (status == BT_OK) leave_open(t->found, &far, question.ids, question.id_count);
    bt_clickhouse_far_dispose(&far);
    bt_clickhouse_answer_dispose(&answer);
  }
  return status;
}

static bt_status ask_statement(bt_clickhouse *clickhouse, const statement *s, bt_clickhouse_question question,
                               const bt_search_request *request, taken *t, bt_error *error) {
  bt_clickhouse_answer answer = {0};
  question.sql = s->sql.ptr;
  question.texts = s->condition.values;
  question.text_count = s->condition.count;
  bt_clickhouse_set_range(&question, request->range);
  question.numbers[3].name = "most";
  question.numbers[3].number = request->max_found ? (int64_t)request->max_found + 1 : INT64_MAX;
  question.number_count = 4;
  bt_status status = bt_clickhouse_ask(clickhouse, &question, s->server, &answer, error);
  if (status == BT_OK && answer.outcome == BT_CLICKHOUSE_ANSWERED) bt_clickhouse_take_rows(&answer, take_row, t);
  if (status == BT_OK && t->lacks_memory) status = bt_error_no_memory(error);
  if (status == BT_OK) status = status_of(&answer, error);
  bt_clickhouse_answer_dispose(&answer);
  if (status != BT_OK) return status;
  bt_found_list_sort(t->found);
  if (!request->max_found || t->found->count <= request->max_found) return BT_OK;
  return bt_error_set(error, BT_LIMIT, "more than %zu traces were found", request->max_found);
}

bt_status bt_clickhouse_find_sides(bt_clickhouse *clickhouse, const bt_clickhouse_found *server,
                                   bt_clickhouse_question question, const bt_search_request *request,
                                   bt_found_list *found, bt_error *error) {
  statement s = {.server = server, .sides = request->sides, .side_count = request->side_count};
  taken t = {.found = found};
  if (!bt_clickhouse_has_sides(server) || request->side_count > BT_SIDES_MAX || !add_texts(&s)) {
    dispose_statement(&s);
    return bt_error_set(error, BT_REFUSED, "this table is not asked so");
  }
  write_statement(&s);
  bt_status status = s.sql.failed ? bt_error_no_memory(error) : BT_OK;
  if (status == BT_OK) status = ask_statement(clickhouse, &s, question, request, &t, error);
  if (status == BT_OK) status = look_far(clickhouse, server, question, request->range, &t, error);
  dispose_statement(&s);
  free(t.ids);
  return status;
}
