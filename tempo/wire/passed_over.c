/* What a decoder passed over. See passed_over.h. */
#include "tempo/wire/passed_over.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"

void bt_passed_over_dispose(bt_passed_over *passed) {
  free(passed->touched);
  *passed = (bt_passed_over){0};
}

bt_status bt_passed_over_touch(bt_passed_over *passed, const bt_trace_id *id, bt_error *error) {
  size_t count = passed->touched_count;
  if (bt_trace_id_is_zero(id)) return BT_OK;
  if (count && bt_trace_id_compare(&passed->touched[count - 1], id) == 0) return BT_OK;
  bt_trace_id *touched = bt_grow_array(passed->touched, count, &passed->touched_capacity, sizeof *touched);
  if (!touched) return bt_error_no_memory(error);
  passed->touched = touched;
  touched[passed->touched_count++] = *id;
  return BT_OK;
}

bt_status bt_passed_over_add(bt_passed_over *into, const bt_passed_over *from, bt_error *error) {
  bt_status status = BT_OK;
  into->other_signals += from->other_signals;
  into->without_id += from->without_id;
  into->fragments += from->fragments;
  for (size_t i = 0; status == BT_OK && i < from->touched_count; i++)
    status = bt_passed_over_touch(into, &from->touched[i], error);
  return status;
}

void bt_passed_over_sort(bt_passed_over *passed) {
  size_t kept = 0;
  if (!passed->touched_count) return;
  qsort(passed->touched, passed->touched_count, sizeof *passed->touched, bt_trace_id_order);
  for (size_t i = 1; i < passed->touched_count; i++)
    if (bt_trace_id_compare(&passed->touched[kept], &passed->touched[i]) != 0)
      passed->touched[++kept] = passed->touched[i];
  passed->touched_count = kept + 1;
}
