/* Rows of a range. See clickhouse_rows.h. */
#include "tempo/clickhouse/clickhouse_rows.h"

static void write_rows_of(const bt_clickhouse_layout *layout, const char *range, bt_str columns, bt_str condition,
                          bt_buffer *sql) {
  bt_buffer_append(sql, BT_STR("SELECT "));
  bt_buffer_append(sql, columns);
  bt_buffer_printf(sql,
                   " FROM {database:Identifier}.{table:Identifier} WHERE "
                   "%s AND %s != '' AND ",
                   range, layout->row[BT_ROW_TRACE_ID]);
  bt_buffer_append(sql, condition);
}

/* `columns` of the rows of the range that meet the condition. The server plans each part, also one without rows. */
void bt_clickhouse_write_rows(const bt_clickhouse_found *server, bt_str columns, bt_str condition, bt_buffer *sql) {
  write_rows_of(server->layout, server->layout->within, columns, condition, sql);
  for (size_t i = 0; i < BT_CLICKHOUSE_BROKEN; i++) {
    if (!server->has_rare[i]) continue;
    bt_buffer_append(sql, BT_STR(" UNION ALL "));
    write_rows_of(server->layout, server->layout->within_rare[i], columns, condition, sql);
  }
}

static int64_t not_before(int64_t least, int64_t at) {
  return at < least ? least : at;
}

void bt_clickhouse_set_range(bt_clickhouse_question *question, bt_time_range range) {
  int64_t start_ns = not_before(0, range.start_ns), end_ns = not_before(0, range.end_ns);
  question->numbers[0].name = "start", question->numbers[0].number = start_ns;
  question->numbers[1].name = "end", question->numbers[1].number = end_ns;
  question->numbers[2].name = "from", question->numbers[2].number = not_before(1, start_ns - BT_CLICKHOUSE_LONG_NS);
  question->number_count = 3;
}

bool bt_clickhouse_take_id(bt_row_reader *reader, bt_trace_id *id) {
  bt_str text = bt_row_text(reader);
  char again[BT_TRACE_ID_HEX + 1];
  if (reader->failed || !bt_trace_id_parse(text, id)) return false;
  bt_trace_id_format(id, again);
  return bt_str_equal(text, (bt_str){again, BT_TRACE_ID_HEX});
}
