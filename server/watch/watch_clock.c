/* See watch_clock.h. */
#include "server/watch/watch_clock.h"

#define SECOND_NS INT64_C(1000000000)
/* Steps up to this are followed at once: what settles watch is far longer. */
static const int64_t SMALL_NS = 10 * SECOND_NS;
static const int64_t DOUBT_NS = 3600 * SECOND_NS;

static bool is_small(int64_t difference_ns) {
  return difference_ns >= -SMALL_NS && difference_ns <= SMALL_NS;
}

static int64_t follow_wall(bt_watch_clock *clock, int64_t wall_ns) {
  if (wall_ns > clock->now_ns) clock->now_ns = wall_ns;
  clock->offset_ns = 0;
  return clock->now_ns;
}

int64_t bt_watch_clock_read(bt_watch_clock *clock, int64_t wall_ns, int64_t steady_ns, bool *was_set) {
  *was_set = false;
  if (!clock->steady_ns) {
    *clock = (bt_watch_clock){.now_ns = wall_ns, .steady_ns = steady_ns};
    return wall_ns;
  }
  int64_t before_ns = clock->now_ns, passed_ns = steady_ns > clock->steady_ns ? steady_ns - clock->steady_ns : 0;
  clock->steady_ns = steady_ns;
  /* Where the wall clock is a little behind, it stands still until that has passed. */
  if (is_small(wall_ns - (before_ns + passed_ns))) return follow_wall(clock, wall_ns);
  clock->now_ns = before_ns + passed_ns;
  int64_t offset_ns = wall_ns - clock->now_ns;
  *was_set = !clock->offset_ns || !is_small(offset_ns - clock->offset_ns);
  if (*was_set) {
    clock->offset_ns = offset_ns;
    clock->set_at_ns = steady_ns;
  }
  return offset_ns > 0 && steady_ns - clock->set_at_ns >= DOUBT_NS ? follow_wall(clock, wall_ns) : clock->now_ns;
}
