/* Members of a document that somebody gave. See member.h. */
#include "server/cli/merge/member.h"

#include <stdio.h>

#include "server/base/time_text.h"

void bt_member_refuse(bt_member_of of, const char *name, const char *expected) {
  if (of.members->status) return;
  of.members->status = bt_error_set(&of.members->error, BT_INVALID, "%s%s%s: expected %s", of.where,
                                    of.where[0] && name[0] ? "." : "", name, expected);
}

static const json_t *get_member(bt_member_of of, const char *name) {
  return json_object_get(of.object, name);
}

static bt_member_of enter_object(bt_member_of of, const char *name, const json_t *object) {
  bt_member_of out = {.members = of.members, .object = object};
  snprintf(out.where, sizeof out.where, "%.40s%s%.20s", of.where, of.where[0] ? "." : "", name);
  return out;
}

bt_member_of bt_member_object(bt_member_of of, const char *name) {
  const json_t *object = get_member(of, name);
  if (!json_is_object(object)) bt_member_refuse(of, name, "an object");
  return enter_object(of, name, json_is_object(object) ? object : NULL);
}

size_t bt_member_count(bt_member_of of, const char *name) {
  const json_t *list = get_member(of, name);
  if (!json_is_array(list)) bt_member_refuse(of, name, "a list");
  return of.members->status ? 0 : json_array_size(list);
}

bt_member_of bt_member_at(bt_member_of of, const char *name, size_t index) {
  char place[40];
  const json_t *object = json_array_get(get_member(of, name), index);
  snprintf(place, sizeof place, "%.20s[%zu]", name, index);
  if (!json_is_object(object)) bt_member_refuse(of, place, "an object");
  return enter_object(of, place, json_is_object(object) ? object : NULL);
}

uint64_t bt_member_number(bt_member_of of, const char *name) {
  const json_t *number = get_member(of, name);
  bool is_number = json_is_integer(number) && json_integer_value(number) >= 0;
  if (!is_number) bt_member_refuse(of, name, "a whole number that is not negative");
  return is_number ? (uint64_t)json_integer_value(number) : 0;
}

double bt_member_share(bt_member_of of, const char *name) {
  const json_t *number = get_member(of, name);
  bool is_share = json_is_number(number) && json_number_value(number) >= 0 && json_number_value(number) <= 1;
  if (!is_share) bt_member_refuse(of, name, "a share from 0 to 1");
  return is_share ? json_number_value(number) : 0;
}

double bt_member_real(bt_member_of of, const char *name) {
  const json_t *number = get_member(of, name);
  bool is_number = json_is_number(number) && json_number_value(number) >= 0 && json_number_value(number) < 1e9;
  if (!is_number) bt_member_refuse(of, name, "seconds");
  return is_number ? json_number_value(number) : 0;
}

bool bt_member_flag(bt_member_of of, const char *name) {
  const json_t *flag = get_member(of, name);
  if (!json_is_boolean(flag)) bt_member_refuse(of, name, "true or false");
  return json_is_true(flag);
}

const char *bt_member_text_or(bt_member_of of, const char *name) {
  const json_t *text = get_member(of, name);
  if (text && !json_is_null(text) && !json_is_string(text)) bt_member_refuse(of, name, "a text");
  return json_string_value(text);
}

const char *bt_member_text(bt_member_of of, const char *name) {
  const char *text = bt_member_text_or(of, name);
  if (!text) bt_member_refuse(of, name, "a text");
  return text ? text : "";
}

/* As this program writes them, and not "now". */
bool bt_member_time_or(bt_member_of of, const char *name, int64_t *out) {
  const char *text = bt_member_text_or(of, name);
  *out = 0;
  if (!text) return false;
  bool is_time = text[0] >= '0' && text[0] <= '9' && bt_time_parse(bt_str_from(text), 0, out);
  if (!is_time) bt_member_refuse(of, name, "a time, as in 2026-01-11T14:23:17Z");
  return is_time;
}

int64_t bt_member_time(bt_member_of of, const char *name) {
  int64_t time_ns;
  if (!bt_member_time_or(of, name, &time_ns)) bt_member_refuse(of, name, "a time, as in 2026-01-11T14:23:17Z");
  return time_ns;
}

bt_time_range bt_range_of_member(bt_member_of of) {
  return (bt_time_range){bt_member_time(of, "start"), bt_member_time(of, "end")};
}

bt_time_range bt_member_range(bt_member_of of, const char *name) {
  return bt_range_of_member(bt_member_object(of, name));
}

int64_t bt_member_duration(bt_member_of of, const char *name) {
  int64_t duration_ns = 0;
  if (!bt_duration_parse(bt_str_from(bt_member_text(of, name)), &duration_ns))
    bt_member_refuse(of, name, "a duration, as in 15m");
  return duration_ns;
}

bt_trace_id bt_member_trace_id(bt_member_of of, const char *name) {
  bt_trace_id id = {{0}};
  if (!bt_trace_id_parse(bt_str_from(bt_member_text(of, name)), &id))
    bt_member_refuse(of, name, "a trace id, 32 hexadecimal digits");
  return id;
}

bt_moment bt_member_moment(bt_member_of of, const char *name) {
  bt_moment moment = {.is_set = !json_is_null(get_member(of, name))};
  if (!moment.is_set) return moment;
  bt_member_of inside = bt_member_object(of, name);
  moment.trace_id = bt_member_trace_id(inside, "trace_id");
  moment.time_ns = bt_member_time(inside, "time");
  return moment;
}

bool bt_member_trace_id_at(bt_member_of of, const char *name, size_t index, bt_trace_id *out) {
  const char *text = json_string_value(json_array_get(get_member(of, name), index));
  bool is_id = text && bt_trace_id_parse(bt_str_from(text), out);
  if (!is_id) bt_member_refuse(of, name, "trace ids, 32 hexadecimal digits each");
  return is_id;
}
