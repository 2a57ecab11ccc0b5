/* Violations in order. See listing.h. */
#include "server/query/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"

void bt_listed_array_dispose(bt_listed_array *array) {
  for (size_t i = 0; i < array->count; i++) bt_violation_free(array->items[i].violation);
  free(array->items);
  *array = (bt_listed_array){0};
}

static size_t bytes_of(const bt_violation *violation) {
  return bt_violation_bytes(violation) + sizeof(bt_listed);
}

size_t bt_listed_bytes(const bt_violation *violation) {
  return bytes_of(violation) + sizeof(bt_trace_id);
}

/* A trace that is not longer than margin begins in its window, so that all its violations lie from the window's start
 * to less than margin after its end. */
static int64_t listed_time(bt_time_range window, int64_t margin_ns, int64_t time_ns) {
  int64_t last_ns = bt_time_subtract(bt_time_add(window.end_ns, margin_ns), 1);
  if (time_ns < window.start_ns) return window.start_ns;
  return time_ns > last_ns ? last_ns : time_ns;
}

bt_status bt_listed_array_add(bt_listed_array *array, bt_time_range window, int64_t margin_ns, size_t rule,
                              bt_violation *violation, const char *problem, bt_error *error) {
  bt_listed *items = bt_grow_array(array->items, array->count, &array->capacity, sizeof *items);
  if (!items) {
    bt_violation_free(violation);
    return bt_error_no_memory(error);
  }
  bt_position position = {listed_time(window, margin_ns, violation->time_ns), violation->id};
  array->items = items;
  bt_listed *item = &items[array->count++];
  *item = (bt_listed){.position = position, .rule = rule, .violation = violation};
  snprintf(item->problem, sizeof item->problem, "%s", problem);
  array->bytes += bytes_of(violation);
  return BT_OK;
}

void bt_listing_dispose(bt_listing *listing) {
  for (size_t i = 0; i < listing->count; i++) bt_violation_free(listing->items[i].violation);
  free(listing->items);
  free(listing->ids);
  *listing = (bt_listing){.newest_first = listing->newest_first};
}

/* ---- each once ---- */

static int compare_ids(const void *a, const void *b) {
  return bt_trace_id_compare(&((const bt_listed *)a)->position.id, &((const bt_listed *)b)->position.id);
}

/* Merges the ids of the window, which is sorted by id, into those that are known. Violations that an earlier window had
 * are freed; the others move to the front of the window, and their number is returned. `ids` has room for all. */
static size_t merge_ids(bt_listing *listing, bt_listed_array *window, bt_trace_id *ids) {
  size_t known = 0, count = 0, kept = 0;
  for (size_t i = 0; i < window->count; i++) {
    bt_listed item = window->items[i];
    int order = -1;
    while (known < listing->id_count && (order = bt_trace_id_compare(&listing->ids[known], &item.position.id)) < 0)
      ids[count++] = listing->ids[known++];
    bool is_known = known < listing->id_count && order == 0;
    if (is_known) {
      bt_violation_free(item.violation);
    } else {
      ids[count++] = item.position.id;
      window->items[kept++] = item;
    }
  }
  while (known < listing->id_count) ids[count++] = listing->ids[known++];
  free(listing->ids);
  listing->ids = ids;
  listing->id_count = count;
  return kept;
}

/* ---- order ---- */

static int compare_oldest_first(const void *a, const void *b) {
  return bt_position_compare(&((const bt_listed *)a)->position, &((const bt_listed *)b)->position, false);
}

static int compare_newest_first(const void *a, const void *b) {
  return bt_position_compare(&((const bt_listed *)a)->position, &((const bt_listed *)b)->position, true);
}

/* Nothing of what is left can be listed before it. */
static bool is_certain(const bt_listing *listing, const bt_listed *item, bt_time_range rest, int64_t margin_ns) {
  if (rest.start_ns >= rest.end_ns) return true;
  if (!listing->newest_first) return item->position.time_ns < rest.start_ns;
  return item->position.time_ns >= bt_time_add(rest.end_ns, margin_ns);
}

/* Room for all of a window's violations and ids. */
static bool make_room(bt_listing *listing, const bt_listed_array *window, bt_trace_id **ids) {
  size_t count = listing->count + window->count;
  bt_listed *items =
      count > listing->capacity ? bt_realloc_array(listing->items, count, sizeof *items) : listing->items;
  if (!items) return false;
  listing->items = items;
  if (count > listing->capacity) listing->capacity = count;
  *ids = bt_realloc_array(NULL, listing->id_count + window->count, sizeof **ids);
  return *ids != NULL;
}

bt_status bt_listing_take(bt_listing *listing, bt_listed_array *window, bt_time_range rest, int64_t margin_ns,
                          bt_error *error) {
  bt_trace_id *ids = NULL;
  if (window->count) {
    if (!make_room(listing, window, &ids)) return bt_error_no_memory(error);
    qsort(window->items, window->count, sizeof *window->items, compare_ids);
    size_t count = merge_ids(listing, window, ids);
    for (size_t i = 0; i < count; i++) {
      listing->bytes += bytes_of(window->items[i].violation);
      listing->items[listing->count++] = window->items[i];
    }
    listing->total += count;
  }
  window->count = 0;
  bt_listed_array_dispose(window);
  if (listing->count > listing->certain)
    qsort(&listing->items[listing->certain], listing->count - listing->certain, sizeof *listing->items,
          listing->newest_first ? compare_newest_first : compare_oldest_first);
  while (listing->certain < listing->count && is_certain(listing, &listing->items[listing->certain], rest, margin_ns))
    listing->certain++;
  return BT_OK;
}

size_t bt_listing_bytes(const bt_listing *listing) {
  return listing->bytes + listing->id_count * sizeof *listing->ids;
}

size_t bt_listing_after(const bt_listing *listing, const bt_position *position) {
  size_t low = 0, high = listing->count;
  if (!position) return 0;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (bt_position_compare(&listing->items[middle].position, position, listing->newest_first) <= 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void bt_listing_drop(bt_listing *listing, const bt_position *position) {
  size_t count = bt_listing_after(listing, position);
  if (count > listing->certain) count = listing->certain;
  if (!count) return;
  listing->has_dropped = true;
  listing->dropped = listing->items[count - 1].position;
  for (size_t i = 0; i < count; i++) {
    listing->bytes -= bytes_of(listing->items[i].violation);
    bt_violation_free(listing->items[i].violation);
  }
  memmove(listing->items, &listing->items[count], (listing->count - count) * sizeof *listing->items);
  listing->count -= count;
  listing->certain -= count;
}
