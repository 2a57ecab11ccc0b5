/* What is in the URL of a request: the parameters of its path and of its query. See call.h. */
#include <string.h>

#include "dsl/base/suggestion.h"
#include "server/http/call.h"

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Percent-decodes into the arena; what is not a valid escape stays as it is. `plus` reads + as a blank (query strings).
 */
static bool percent_decode(bt_arena *arena, bt_str in, bool plus, bt_str *out) {
  char *text = bt_arena_alloc(arena, in.len + 1);
  if (!text) return false;
  size_t length = 0;
  for (size_t i = 0; i < in.len; i++) {
    char c = in.ptr[i];
    if (c == '%' && i + 2 < in.len && hex_digit(in.ptr[i + 1]) >= 0 && hex_digit(in.ptr[i + 2]) >= 0) {
      c = (char)(hex_digit(in.ptr[i + 1]) * 16 + hex_digit(in.ptr[i + 2]));
      i += 2;
    } else if (c == '+' && plus) {
      c = ' ';
    }
    text[length++] = c;
  }
  *out = (bt_str){text, length};
  return true;
}

bool bt_call_param_set(bt_call *call, bt_str encoded) {
  if (call->param_count == BT_CALL_MAX_PARAMS) return false;
  return percent_decode(&call->arena, encoded, false, &call->params[call->param_count]) && ++call->param_count;
}

/* ---- the query ---- */

/* Cuts the next `name=value` off a query string. */
static bool next_parameter(bt_str *query, bt_str *name, bt_str *value) {
  if (query->len == 0) return false;
  size_t end = 0;
  while (end < query->len && query->ptr[end] != '&') end++;
  size_t equals = 0;
  while (equals < end && query->ptr[equals] != '=') equals++;
  *name = (bt_str){query->ptr, equals};
  *value = equals < end ? (bt_str){query->ptr + equals + 1, end - equals - 1} : BT_STR("");
  size_t skip = end < query->len ? end + 1 : end;
  *query = (bt_str){query->ptr + skip, query->len - skip};
  return true;
}

/* Parameters without a name, as in `?a=1&&`, are none. */
static size_t count_parameters(bt_str query) {
  bt_str name, value;
  size_t count = 0;
  while (next_parameter(&query, &name, &value)) count += name.len > 0;
  return count;
}

/* Reads all of it at once, so that nothing is missed for want of memory later, when a handler has begun to act. */
static void read_query(bt_call *call) {
  bt_str rest = call->query, name, value;
  if (call->is_query_read) return;
  call->is_query_read = true;
  bt_call_parameter *items = bt_arena_array(&call->arena, count_parameters(rest), sizeof *items);
  size_t count = 0;
  call->is_query_cut = !items;
  while (!call->is_query_cut && next_parameter(&rest, &name, &value)) {
    if (!name.len) continue;
    items[count].name = name;
    call->is_query_cut = !percent_decode(&call->arena, value, true, &items[count++].value);
  }
  call->parameters = items;
  call->parameter_count = call->is_query_cut ? 0 : count;
}

void bt_call_query_each(bt_call *call, const char *name, void (*visit)(void *context, bt_str value), void *context) {
  read_query(call);
  for (size_t i = 0; i < call->parameter_count; i++)
    if (bt_str_equal(call->parameters[i].name, bt_str_from(name))) visit(context, call->parameters[i].value);
}

bool bt_call_query(bt_call *call, const char *name, bt_str *out) {
  read_query(call);
  for (size_t i = 0; i < call->parameter_count; i++)
    if (bt_str_equal(call->parameters[i].name, bt_str_from(name))) return *out = call->parameters[i].value, true;
  return false;
}

bool bt_call_query_whole(bt_call *call) {
  if (call->is_query_cut) bt_call_problem(call, 503, "no-memory", "There is not enough memory for this request.");
  return !call->is_query_cut;
}

/* ---- what may stand in it ---- */

static bool is_one_of(bt_str name, const char *const *names) {
  for (size_t i = 0; names[i]; i++)
    if (bt_str_equal(name, bt_str_from(names[i]))) return true;
  return false;
}

static bool refuse_unknown(bt_call *call, bt_str name, const char *const *names) {
  const char *nearest = bt_suggest_nearest(name, names);
  bt_call_problem(call, 400, "unknown-parameter", "There is no query parameter \"%.*s\" here%s%s%s.", BT_FMT(name),
                  nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
  return false;
}

/* One of two would be passed over in silence, and nobody knows which one was meant. */
static bool stands_once(bt_call *call, size_t index) {
  static const char *const lists[] = {"rule_id", "label", NULL};
  bt_str name = call->parameters[index].name;
  if (is_one_of(name, lists)) return true;
  for (size_t i = 0; i < index; i++) {
    if (!bt_str_equal(call->parameters[i].name, name)) continue;
    bt_call_problem(call, 400, "invalid-parameter", "%.*s stands several times; it may stand once.", BT_FMT(name));
    return false;
  }
  return true;
}

bool bt_call_query_allows(bt_call *call, const char *const *names) {
  size_t count = count_parameters(call->query);
  if (count > BT_CALL_MAX_PARAMETERS) {
    bt_call_problem(call, 400, "invalid-parameter", "A query may have %d parameters; %zu came.", BT_CALL_MAX_PARAMETERS,
                    count);
    return false;
  }
  read_query(call);
  for (size_t i = 0; i < call->parameter_count; i++) {
    if (!is_one_of(call->parameters[i].name, names)) return refuse_unknown(call, call->parameters[i].name, names);
    if (!stands_once(call, i)) return false;
  }
  return bt_call_query_whole(call);
}

bool bt_call_limit(bt_call *call, size_t otherwise, size_t max, size_t *out) {
  bt_str text;
  *out = otherwise;
  if (!bt_call_query(call, "limit", &text)) return true;
  size_t number = 0;
  bool valid = text.len > 0 && text.len < 10;
  for (size_t i = 0; i < text.len && valid; i++) {
    valid = text.ptr[i] >= '0' && text.ptr[i] <= '9';
    number = number * 10 + (size_t)(text.ptr[i] - '0');
  }
  if (!valid || number < 1 || number > max) {
    bt_call_problem(call, 400, "invalid-parameter", "limit has to be a whole number from 1 to %zu; \"%.*s\" came.", max,
                    BT_FMT(text));
    return false;
  }
  *out = number;
  return true;
}
