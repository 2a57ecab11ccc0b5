/* Reading the two sides. See changed_sides.h. */
#include "server/query/changed_sides.h"

#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"

/* Times without seconds too, as people write them. */
static bool read_time(bt_str text, int64_t *out) {
  char whole[40];
  if (bt_time_parse(text, bt_clock_wall_ns(), out)) return true;
  int length = snprintf(whole, sizeof whole, "%.*s:00Z", (int)(text.len ? text.len - 1 : 0), text.ptr);
  return bt_str_ends_with(text, BT_STR("Z")) && length < (int)sizeof whole &&
         bt_time_parse((bt_str){whole, (size_t)length}, 0, out);
}

static bool read_side(const char *text, bt_changed_side *side) {
  const char *dots = strstr(text, ".."), *equals = strchr(text, '=');
  if (equals && equals > text && equals[1]) {
    side->key = (bt_str){text, (size_t)(equals - text)};
    side->value = bt_str_from(equals + 1);
    return true;
  }
  return dots && read_time((bt_str){text, (size_t)(dots - text)}, &side->range.start_ns) &&
         read_time(bt_str_from(dots + 2), &side->range.end_ns) && side->range.start_ns < side->range.end_ns;
}

bool bt_changed_sides_read(const bt_changed_texts *texts, bt_time_range whole, bt_changed_side sides[BT_MINE_GROUPS]) {
  bool is_right = true;
  for (int g = 0; g < BT_MINE_GROUPS; g++) {
    sides[g].range = whole;
    if (texts->sides[g]) is_right = is_right && read_side(texts->sides[g], &sides[g]);
  }
  if (!texts->around) return is_right;
  int64_t at = 0;
  is_right = read_time(bt_str_from(texts->around), &at) && at > whole.start_ns && at < whole.end_ns;
  sides[BT_MINE_BASELINE].range.end_ns = sides[BT_MINE_CANDIDATE].range.start_ns = at;
  return is_right;
}

void bt_changed_leave_unsettled(bt_changed *changed, bt_source *source, int64_t settle_ns) {
  int64_t settled_ns = bt_clock_wall_ns() - settle_ns;
  if (bt_source_known(source).is_static) return;
  for (int g = 0; g < BT_MINE_GROUPS; g++)
    if (changed->sides[g].range.end_ns > settled_ns) changed->sides[g].range.end_ns = settled_ns;
}
