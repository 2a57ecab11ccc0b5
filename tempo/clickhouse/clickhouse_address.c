/* Taking an address apart. See clickhouse_address.h. */
#include "tempo/clickhouse/clickhouse_address.h"

#include <stdlib.h>
#include <string.h>

#include "tempo/wire/secret_header.h"
#include "tempo/wire/url.h"

#define EXAMPLE "clickhouse+http://host:8123/otel?table=otel_traces"

static bt_status refuse_url(bt_error *error, const char *problem) {
  return bt_error_set(error, BT_INVALID, "--store: %s; it should look like " EXAMPLE, problem);
}

/* Names of databases and tables as most are: then they need no decoding. */
static bool is_name(bt_str text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    bool fits =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    if (!fits) return false;
  }
  return text.len > 0;
}

static bt_status take_table(bt_clickhouse *clickhouse, const char *query, bt_error *error) {
  static const char key[] = "table=";
  bt_str table = BT_STR("otel_traces");
  if (query && strncmp(query, key, sizeof key - 1) == 0)
    table = bt_str_from(query + sizeof key - 1);
  else if (query)
    return refuse_url(error, "behind the ? of a ClickHouse there is table=NAME and nothing else");
  if (!is_name(table)) return refuse_url(error, "the name of the table has to be letters, digits, _ - and .");
  clickhouse->table = strndup(table.ptr, table.len);
  return clickhouse->table ? BT_OK : bt_error_no_memory(error);
}

/* The last part of the path is the database; what stands before it is a proxy's. */
static bt_status take_base(bt_clickhouse *clickhouse, const char *url, size_t length, bt_error *error) {
  while (length && url[length - 1] == '/') length--;
  const char *host = strstr(url, "://"), *slash = NULL;
  for (const char *at = host ? host + 3 : url; at < url + length; at++)
    if (*at == '/') slash = at;
  if (!host || !slash) return refuse_url(error, "the path has to name the database");
  bt_str database = {slash + 1, (size_t)(url + length - slash - 1)};
  if (!is_name(database)) return refuse_url(error, "the name of the database has to be letters, digits, _ - and .");
  clickhouse->store.base_url = strndup(url, (size_t)(slash - url));
  clickhouse->database = strndup(database.ptr, database.len);
  if (!clickhouse->store.base_url || !clickhouse->database) return bt_error_no_memory(error);
  if (!bt_url_is_base(clickhouse->store.base_url))
    return refuse_url(error, "an http or https address was expected, without a user or password (CLICKHOUSE_USER and "
                             "CLICKHOUSE_PASSWORD have them)");
  return BT_OK;
}

static bt_status make_header(const char *begin, const char *value, char **out, bt_error *error) {
  if (!value) return BT_OK;
  if (bt_header_has_controls(value))
    return bt_error_set(error, BT_INVALID, "the user or the password of ClickHouse holds control characters");
  return bt_header_make(begin, value, out, error);
}

bt_status bt_clickhouse_address_take(bt_clickhouse *clickhouse, const bt_clickhouse_options *options, bt_error *error) {
  const char *query = strchr(options->url, '?');
  size_t length = query ? (size_t)(query - options->url) : strlen(options->url);
  bt_status status = take_base(clickhouse, options->url, length, error);
  if (status == BT_OK) status = take_table(clickhouse, query ? query + 1 : NULL, error);
  if (status == BT_OK) status = make_header("X-ClickHouse-User: ", options->user, &clickhouse->store.headers[0], error);
  if (status == BT_OK)
    status = make_header("X-ClickHouse-Key: ", options->password, &clickhouse->store.headers[1], error);
  return status;
}
