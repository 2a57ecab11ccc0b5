/* Members that come and go. See crew.h. */
#include "server/work/crew.h"

#include <stddef.h>
#include <stdlib.h>

#include "server/base/condition.h"
#include "tempo/wire/wait_guard.h"

/* The mutex is held, as in all below but where said. A pool that ends takes nobody. */
static bool send_member(bt_crew_member *member) {
  const bt_crew_options *options = &member->crew->options;
  return !member->crew->is_ending && bt_pool_submit(options->work->pool, options->lane, &member->task);
}

static void leave_crew(bt_crew_member *member) {
  bt_crew *crew = member->crew;
  member->is_at_work = false;
  if (--crew->at_work == 0) pthread_cond_broadcast(&crew->left);
}

static void run_member(bt_task *task) { /* the mutex is not held */
  bt_crew_member *member = (bt_crew_member *)task;
  bt_crew *crew = member->crew;
  int64_t again_ns = 0;
  pthread_mutex_lock(crew->options.mutex);
  bool has_worked = !crew->is_ending && crew->options.do_piece(crew->options.context, &again_ns);
  if (again_ns && !crew->is_ending) bt_timer_set_earlier(crew->options.work->timer, &crew->again, again_ns);
  if (!has_worked || !send_member(member)) leave_crew(member);
  pthread_mutex_unlock(crew->options.mutex);
}

void bt_crew_wake(bt_crew *crew, uint32_t members) {
  for (uint32_t i = 0; i < crew->options.size && members; i++) {
    bt_crew_member *member = &crew->members[i];
    if (member->is_at_work) continue;
    members--;
    member->is_at_work = send_member(member);
    crew->at_work += member->is_at_work;
  }
}

void bt_crew_wake_all(bt_crew *crew) {
  bt_crew_wake(crew, crew->options.size);
}

static void look_again(bt_timer_entry *entry) { /* on the timer's thread; the mutex is not held */
  bt_crew *crew = (bt_crew *)((char *)entry - offsetof(bt_crew, again));
  pthread_mutex_lock(crew->options.mutex);
  bt_crew_wake_all(crew);
  pthread_mutex_unlock(crew->options.mutex);
}

bt_status bt_crew_init(bt_crew *crew, const bt_crew_options *options, bt_error *error) {
  *crew = (bt_crew){.options = *options, .again.fire = look_again};
  crew->members = calloc(options->size, sizeof *crew->members);
  if (!crew->members) return bt_error_no_memory(error);
  bt_condition_init(&crew->left);
  for (uint32_t i = 0; i < options->size; i++)
    crew->members[i] = (bt_crew_member){.task.run = run_member, .crew = crew};
  return BT_OK;
}

void bt_crew_dismiss(bt_crew *crew) {
  crew->is_ending = true;
}

/* Who has not begun is not waited for: a lane that is full of what hangs would hold up who needs nothing of it. */
static void call_back_members(bt_crew *crew) {
  for (uint32_t i = 0; i < crew->options.size; i++) {
    bt_crew_member *member = &crew->members[i];
    bool is_sent = member->is_at_work;
    if (is_sent && bt_pool_take_back(crew->options.work->pool, crew->options.lane, &member->task)) leave_crew(member);
  }
}

void bt_crew_end(bt_crew *crew) {
  if (!crew->members) return;
  bt_thread_assert_may_wait();
  pthread_mutex_lock(crew->options.mutex);
  crew->is_ending = true;
  call_back_members(crew);
  while (crew->at_work) pthread_cond_wait(&crew->left, crew->options.mutex);
  pthread_mutex_unlock(crew->options.mutex);
  bt_timer_clear(crew->options.work->timer, &crew->again);
  pthread_cond_destroy(&crew->left);
  free(crew->members);
  crew->members = NULL;
}
