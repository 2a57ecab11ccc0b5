/* The URL of a request, as handlers read it: the path against the table of routes and its parameters, and the query
 * against the names that it may have. Its values are filters of rules, times, durations, counts and words. A second
 * reader, written here by the rules of the header alone, says what has to come out: nothing more, nothing less, nothing
 * silently. The input is the URL's path and query, as in "/v1/rules?limit=1". */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/body_fields.h"
#include "server/http/router.h"
#include "server/http/routes.h"
#include "server/http/rule_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const listing[] = {BT_RULE_FILTER_PARAMETERS, "limit", "cursor", NULL};
static const char *const question[] = {"rule_id", "trace_id", "service", "start",   "end",
                                       "limit",   "cursor",   "order",   "timeout", NULL};

static void require(bool holds) {
  if (!holds) abort();
}

/* ---- the second reader ---- */

typedef struct parameter {
  bt_str name;
  char *value;
  size_t length;
} parameter;

typedef struct reading {
  parameter *items;
  size_t count;
} reading;

static unsigned hex_value(char c) {
  const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;
  return at ? (unsigned)(at - digits) : 16;
}

static parameter read_parameter(bt_str text) {
  const char *equals = text.len ? memchr(text.ptr, '=', text.len) : NULL;
  parameter out = {.name = {text.ptr, equals ? (size_t)(equals - text.ptr) : text.len}, .value = malloc(text.len + 1)};
  require(out.value != NULL);
  for (size_t i = equals ? out.name.len + 1 : text.len; i < text.len; i++) {
    char c = text.ptr[i];
    unsigned high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : 16;
    unsigned low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : 16;
    bool is_escape = c == '%' && high < 16 && low < 16;
    out.value[out.length++] = is_escape ? (char)(high * 16 + low) : c == '+' ? ' ' : c;
    if (is_escape) i += 2;
  }
  return out;
}

/* Every part between two & that has a name. */
static reading read_all(bt_str query) {
  reading all = {.items = calloc(query.len + 1, sizeof *all.items)};
  require(all.items != NULL);
  while (query.len) {
    const char *end = memchr(query.ptr, '&', query.len);
    size_t length = end ? (size_t)(end - query.ptr) : query.len, used = end ? length + 1 : length;
    parameter one = read_parameter((bt_str){query.ptr, length});
    if (one.name.len)
      all.items[all.count++] = one;
    else
      free(one.value);
    query = (bt_str){query.ptr + used, query.len - used};
  }
  return all;
}

static void drop(reading *all) {
  for (size_t i = 0; i < all->count; i++) free(all->items[i].value);
  free(all->items);
}

static size_t count_of(const reading *all, bt_str name) {
  size_t count = 0;
  for (size_t i = 0; i < all->count; i++) count += bt_str_equal(all->items[i].name, name);
  return count;
}

static bool is_allowed(const reading *all, const char *const *names) {
  bool allowed = all->count <= BT_CALL_MAX_PARAMETERS;
  for (size_t i = 0; i < all->count && allowed; i++) {
    bt_str name = all->items[i].name;
    bool is_list = bt_str_equal(name, BT_STR("label")) || bt_str_equal(name, BT_STR("rule_id"));
    allowed = false;
    for (size_t k = 0; names[k] && !allowed; k++) allowed = bt_str_equal(name, bt_str_from(names[k]));
    allowed = allowed && (is_list || count_of(all, name) == 1);
  }
  return allowed;
}

/* ---- ours against it ---- */

typedef struct visited {
  const reading *all;
  bt_str name;
  size_t at, met;
} visited;

static void meet(void *context, bt_str value) {
  visited *v = context;
  while (v->at < v->all->count && !bt_str_equal(v->all->items[v->at].name, v->name)) v->at++;
  require(v->at < v->all->count);
  const parameter *wanted = &v->all->items[v->at++];
  require(bt_str_equal(value, (bt_str){wanted->value, wanted->length}));
  v->met++;
}

static void check_values(bt_call *call, const reading *all, const char *const *names) {
  for (size_t i = 0; names[i]; i++) {
    visited v = {.all = all, .name = bt_str_from(names[i])};
    bt_str first = {0};
    bt_call_query_each(call, names[i], meet, &v);
    require(v.met == count_of(all, v.name));
    require(bt_call_query(call, names[i], &first) == (v.met > 0));
  }
}

/* A call that can take all of it, and one that cannot: it says so or gives all, never less. */
static bt_call *call_of(bt_str query, size_t cap) {
  bt_call *call = bt_call_new(cap);
  require(call != NULL);
  call->query = query;
  return call;
}

static void check_allowed(bt_str query, const reading *all, const char *const *names, size_t cap, bool has_room) {
  bt_call *call = call_of(query, cap);
  bool is_taken = bt_call_query_allows(call, names);
  require(!is_taken || is_allowed(all, names));
  require(is_taken || call->status == 503 || !is_allowed(all, names));
  require(is_taken || call->status == 400 || (call->status == 503 && !has_room));
  require(!has_room || is_taken == is_allowed(all, names));
  if (is_taken) check_values(call, all, names);
  bt_call_free(call);
}

static void check_filter(bt_str query, const reading *all, size_t cap) {
  bt_call *call = call_of(query, cap);
  bt_rule_filter filter;
  size_t limit = 0, labels = 0;
  if (bt_call_query_allows(call, listing) && bt_call_limit(call, 100, 1000, &limit) &&
      bt_rule_filter_read(call, &filter)) {
    for (const bt_label_filter *label = filter.labels; label; label = label->next, labels++)
      require(label->key.len > 0);
    require(labels == count_of(all, BT_STR("label")) && limit >= 1 && limit <= 1000);
  } else {
    require(call->status == 400);
    require(strstr(call->answer.ptr, "urn:betrace:problem:") != NULL); /* and is JSON, whatever came */
    json_t *problem = json_loadb(call->answer.ptr, call->answer.len, 0, NULL);
    require(json_is_object(problem));
    json_decref(problem);
  }
  bt_call_free(call);
}

static void check_body(bt_str query, const reading *all, size_t cap) {
  static const bt_range_names range = {"start", "end", INT64_C(3600000000000), INT64_C(2592000000000000)};
  static const char *const orders[] = {"newest", "oldest", NULL};
  static const bt_service service = {0};
  bt_call *call = call_of(query, cap);
  bt_field_errors errors = {0};
  bt_time_range out = {0};
  size_t limit = 7;
  int64_t timeout_ns = 1;
  json_t *body = bt_query_body(call, question, "rule_id", "rule_ids");
  if (body) {
    require(json_array_size(json_object_get(body, "rule_ids")) == count_of(all, BT_STR("rule_id")));
    bt_body_range(&service, body, &range, INT64_C(1767225600000000000), &out, &errors);
    bt_body_duration(body, "timeout", INT64_C(300000000000), &timeout_ns, &errors);
    bt_body_count(body, "limit", 1000, &limit, &errors);
    bool is_order = bt_body_word(body, "order", orders, 0, &errors) < 2;
    bool is_range =
        out.start_ns < out.end_ns && (uint64_t)out.end_ns - (uint64_t)out.start_ns <= (uint64_t)range.most_ns;
    if (!errors.items) require(is_range && is_order && limit >= 1 && limit <= 1000 && timeout_ns > 0);
  } else {
    require(call->status == 400);
  }
  json_decref(errors.items);
  json_decref(body);
  bt_call_free(call);
}

/* Parts of a path come out as they were meant: no slash that is not encoded gets into one. */
static void check_path(bt_str path) {
  const bt_route *route = NULL;
  bt_str params[BT_CALL_MAX_PARAMS];
  size_t count = 0;
  bt_buffer allowed = {0};
  bt_call *call = bt_call_new(path.len + 4096);
  require(call != NULL);
  bt_status status = bt_router_find(bt_routes, bt_route_count, BT_STR("GET"), path, &route, params, &count, &allowed);
  require(status == BT_OK || status == BT_REFUSED || status == BT_NOT_FOUND);
  for (size_t i = 0; status == BT_OK && i < count; i++) {
    require(params[i].len > 0 && !memchr(params[i].ptr, '/', params[i].len));
    require(bt_call_param_set(call, params[i]) && call->params[i].len <= params[i].len);
    require(call->params[i].ptr[call->params[i].len] == '\0');
  }
  require(status != BT_OK || strlen(bt_call_id(call)) <= path.len);
  bt_buffer_dispose(&allowed);
  bt_call_free(call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str url = {(const char *)data, size};
  const char *mark = size ? memchr(url.ptr, '?', size) : NULL;
  size_t length = mark ? (size_t)(mark - url.ptr) : size;
  bt_str query = mark ? (bt_str){mark + 1, size - length - 1} : (bt_str){0};
  reading all = read_all(query);
  size_t enough = 64 * size + 65536;
  check_path((bt_str){url.ptr, length});
  check_allowed(query, &all, listing, enough, true);
  check_allowed(query, &all, question, enough, true);
  check_allowed(query, &all, listing, size, false);
  check_filter(query, &all, enough);
  check_body(query, &all, enough);
  drop(&all);
  return 0;
}
