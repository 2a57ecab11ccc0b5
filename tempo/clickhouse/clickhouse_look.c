/* Questions of doctor. See clickhouse_look.h. */
#include "tempo/clickhouse/clickhouse_look.h"

#include <string.h>

#include "tempo/clickhouse/clickhouse_query.h"
#include "tempo/clickhouse/clickhouse_schema.h"

/* Codes of exceptions. */
enum { UNKNOWN_FUNCTION = 46, UNKNOWN_IDENTIFIER = 47, UNKNOWN_TABLE = 60, SYNTAX_ERROR = 62, ACCESS_DENIED = 497 };

static bt_clickhouse_refusal refusal_of(int code) {
  switch (code) {
  case ACCESS_DENIED: return BT_CLICKHOUSE_NO_GRANT;
  case UNKNOWN_FUNCTION:
  case UNKNOWN_IDENTIFIER:
  case UNKNOWN_TABLE:
  case SYNTAX_ERROR: return BT_CLICKHOUSE_NO_SUCH_WORD;
  default: return bt_clickhouse_is_too_much(code) ? BT_CLICKHOUSE_NO_ROOM : BT_CLICKHOUSE_REFUSED;
  }
}

typedef struct asked {
  bt_clickhouse_said said;
  void *context;
  bool is_byte;
} asked;

static bool take_said(void *context, bt_row_reader *reader) {
  const asked *a = context;
  unsigned number = bt_row_byte(reader);
  bt_str first = {0}, second = {0};
  if (!a->is_byte) first = bt_row_text(reader);
  if (!a->is_byte) second = bt_row_text(reader);
  return !reader->failed && a->said(a->context, number, first, second);
}

bt_status bt_clickhouse_source_ask(bt_source *source, const char *sql, bool as_of_spans, const bt_cancel *cancel,
                                   bt_clickhouse_said said, void *context, bt_clickhouse_refusal *why,
                                   bt_error *error) {
  bt_clickhouse *clickhouse = (bt_clickhouse *)source;
  const bt_clickhouse_found found = bt_clickhouse_known(clickhouse);
  asked a = {.said = said, .context = context, .is_byte = !strstr(sql, " FORMAT ")};
  bt_clickhouse_question question = {
      .sql = sql, .kind = BT_HTTP_OTHER, .priority = BT_PRIORITY_PEOPLE, .cancel = cancel};
  int code = 0;
  bt_status status = bt_clickhouse_ask_rows(clickhouse, &question, as_of_spans && found.is_known ? &found : NULL,
                                            take_said, &a, &code, error);
  *why = status == BT_REFUSED ? refusal_of(code) : BT_CLICKHOUSE_ALLOWED;
  return status;
}

bt_status bt_clickhouse_source_check_settings(bt_source *source, const bt_cancel *cancel, bt_error *error) {
  return bt_clickhouse_check_settings((bt_clickhouse *)source, cancel, error);
}
