/* Matching paths segment by segment. See router.h. */
#include "server/http/router.h"

#include "server/json/json_memory.h"

/* Cuts the next segment off; false when none is left. Segments are what stands between slashes. */
static bool next_segment(bt_str *path, bt_str *segment) {
  if (path->len == 0 || path->ptr[0] != '/') return false;
  const char *start = path->ptr + 1;
  size_t left = path->len - 1, length = 0;
  while (length < left && start[length] != '/') length++;
  *segment = (bt_str){start, length};
  *path = (bt_str){start + length, left - length};
  return true;
}

/* Up to its first parameter. Most routes end here: the table is looked through for each request. */
static bool begins_like(const char *pattern, bt_str path) {
  size_t i = 0;
  for (; pattern[i] && pattern[i] != '{'; i++)
    if (i == path.len || path.ptr[i] != pattern[i]) return false;
  return true;
}

static bool path_matches(const char *pattern, bt_str path, bt_str params[BT_CALL_MAX_PARAMS], size_t *param_count) {
  bt_str want = bt_str_from(pattern), want_segment, segment;
  *param_count = 0;
  while (next_segment(&want, &want_segment)) {
    if (!next_segment(&path, &segment)) return false;
    bool is_param = want_segment.len > 1 && want_segment.ptr[0] == '{';
    if (is_param ? segment.len == 0 : !bt_str_equal(want_segment, segment)) return false;
    if (is_param && *param_count < BT_CALL_MAX_PARAMS) params[(*param_count)++] = segment;
  }
  return path.len == 0;
}

static bool method_matches(const char *route_method, bt_str method) {
  bt_str wanted = bt_str_from(route_method);
  return bt_str_equal(wanted, method) || (bt_str_equal(method, BT_STR("HEAD")) && bt_str_equal(wanted, BT_STR("GET")));
}

/* Of one kind of pattern: those without parameters, or those with. */
static bt_status find_among(const bt_route *routes, size_t count, bool with_params, bt_str method, bt_str path,
                            const bt_route **out, bt_str params[BT_CALL_MAX_PARAMS], size_t *param_count,
                            bt_buffer *allowed) {
  for (size_t i = 0; i < count; i++) {
    if (!begins_like(routes[i].path, path)) continue;
    if (!path_matches(routes[i].path, path, params, param_count) || (*param_count > 0) != with_params) continue;
    if (method_matches(routes[i].method, method)) return *out = &routes[i], BT_OK;
    bt_buffer_printf(allowed, "%s%s", allowed->len ? ", " : "", routes[i].method);
  }
  return allowed->len ? BT_REFUSED : BT_NOT_FOUND;
}

bt_status bt_router_find(const bt_route *routes, size_t count, bt_str method, bt_str path, const bt_route **out,
                         bt_str params[BT_CALL_MAX_PARAMS], size_t *param_count, bt_buffer *allowed) {
  bt_status status = find_among(routes, count, false, method, path, out, params, param_count, allowed);
  if (status != BT_NOT_FOUND) return status;
  return find_among(routes, count, true, method, path, out, params, param_count, allowed);
}

void bt_route_handle(const bt_route *route, void *service, bt_call *call) {
  bt_json_memory_begin();
  route->handle(service, call);
  bt_call_end_turn(call);
}
