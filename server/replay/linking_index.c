/* Asking for all that link, and reading them. See linking_index.h. */
#include "server/replay/linking_index.h"

#include <stdlib.h>

#include "dsl/base/arena.h"

enum { SHARE_OF_COPIES = 8 }; /* of the memory of a replay */

/* ---- filling ---- */

static bt_status search_linkers(bt_linking_index *index, bt_questions *questions, bt_query search, size_t most,
                                bt_error *error) {
  bt_found_list found = {0};
  bt_status status = bt_questions_try(questions, search, index->range, most, &found, error);
  for (size_t i = 0; status == BT_OK && i < found.count; i++)
    if (!bt_found_list_add(&index->found, &found.items[i])) status = bt_error_no_memory(error);
  bt_found_list_dispose(&found);
  return status;
}

static bt_status search_linking(bt_linking_index *index, bt_questions *questions, size_t most, bt_error *error) {
  const bt_replay_plan *plan = questions->plan;
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < plan->linking_search_count; i++)
    status = search_linkers(index, questions, plan->linking_searches[i], most, error);
  bt_found_list_sort(&index->found);
  return status;
}

typedef struct reading {
  bt_linking_index *index;
  const bt_questions *questions;
  size_t came;
  bool is_full;
} reading;

static size_t place_of(const bt_linking_index *index, const bt_trace_id *id) {
  const bt_found *found = bt_found_list_get(&index->found, id);
  return found ? (size_t)(found - index->found.items) : SIZE_MAX;
}

static bt_status take_read(void *context, const bt_read_trace *read, bt_error *error) {
  reading *r = context;
  bt_linker_table *linkers = &r->index->linkers;
  if (bt_replay_plan_is_cancelled(r->questions->plan)) return bt_replay_plan_cancelled(error);
  if (!read->trace || !read->trace->span_count || read->needs_by_id || r->is_full) return BT_OK;
  size_t place = place_of(r->index, &read->trace->id);
  if (place == SIZE_MAX || r->index->numbers[place] != UINT32_MAX) return BT_OK; /* given twice */
  r->index->numbers[place] = (uint32_t)linkers->count;
  r->came++;
  bt_status status = bt_linker_table_add(linkers, read->trace, error);
  r->is_full = status == BT_LIMIT;
  return r->is_full ? BT_OK : status;
}

static bt_status read_found(bt_linking_index *index, bt_questions *questions, const bt_trace_id *ids, bool *all,
                            bt_error *error) {
  const bt_replay_plan *plan = questions->plan;
  bt_read_request read = bt_replay_plan_read(plan, ids, index->found.count, plan->search_range);
  reading r = {.index = index, .questions = questions};
  bt_answer answer = {0};
  read.by_id = true;
  read.with_own = true;
  bt_status status = bt_questions_read(questions, &read, take_read, &r, false, &answer, error);
  if (status != BT_OK) return status;
  *all = answer.status == BT_OK && answer.is_whole && !r.is_full && r.came == index->found.count;
  if (answer.status == BT_OK) return BT_OK;
  if (error) *error = answer.why;
  return answer.status;
}

static bt_status read_all(bt_linking_index *index, bt_questions *questions, bt_error *error) {
  size_t count = index->found.count;
  bt_trace_id *ids = bt_realloc_array(NULL, count + 1, sizeof *ids);
  index->numbers = bt_realloc_array(NULL, count + 1, sizeof *index->numbers);
  bt_status status = ids && index->numbers ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; status == BT_OK && i < count; i++) {
    ids[i] = index->found.items[i].id;
    index->numbers[i] = UINT32_MAX;
  }
  index->is_whole = status == BT_OK && !count;
  if (status == BT_OK && count) status = read_found(index, questions, ids, &index->is_whole, error);
  bt_linker_table_sort(&index->linkers);
  free(ids);
  return status;
}

bt_status bt_linking_index_fill(bt_linking_index *index, bt_questions *questions, bt_time_range range, size_t most,
                                bt_error *error) {
  bt_error why = {0};
  index->range = range;
  index->linkers.most_bytes = questions->plan->request.memory_limit_bytes / SHARE_OF_COPIES;
  bt_status status = search_linking(index, questions, most, &why);
  if (status == BT_OK && index->found.count <= most) status = read_all(index, questions, &why);
  if (!index->is_whole) bt_linking_index_dispose(index);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
}

/* ---- asking ---- */

bool bt_linking_index_covers(const bt_linking_index *index, bt_time_range range) {
  return index && index->is_whole && index->range.start_ns <= range.start_ns && range.end_ns <= index->range.end_ns;
}

bt_status bt_linking_index_find(const bt_linking_index *index, const bt_trace_id *ids, size_t count,
                                bt_found_list *found, bt_error *error) {
  const bt_linker_table *linkers = &index->linkers;
  for (size_t i = 0; i < count; i++)
    for (size_t t = bt_linker_table_find(linkers, &ids[i]); bt_linker_table_ties(linkers, t, &ids[i]); t++) {
      const bt_found linker = {.id = linkers->linkers[linkers->ties[t].linker].trace.id};
      if (!bt_found_list_add(found, &linker)) return bt_error_no_memory(error);
    }
  return BT_OK;
}

const bt_trace *bt_linking_index_get(const bt_linking_index *index, const bt_trace_id *id) {
  size_t place = place_of(index, id);
  return place == SIZE_MAX ? NULL : &index->linkers.linkers[index->numbers[place]].trace;
}

size_t bt_linking_index_bytes(const bt_linking_index *index) {
  return bt_linker_table_bytes(&index->linkers) + index->found.capacity * sizeof *index->found.items +
         index->found.count * sizeof *index->numbers;
}

void bt_linking_index_dispose(bt_linking_index *index) {
  bt_found_list_dispose(&index->found);
  bt_linker_table_dispose(&index->linkers);
  free(index->numbers);
  *index = (bt_linking_index){.is_whole = false};
}
