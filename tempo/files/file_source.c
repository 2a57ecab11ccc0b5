/* OTLP files as a trace source. See file_source.h. Opening walks over the units of each file (file_units.h) and notes
 * in the index which traces each holds; reading goes back to them (file_reader.h). */
#include "tempo/files/file_source.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "tempo/files/file_reader.h"
#include "tempo/files/ordered_work.h"
#include "tempo/files/torn_end.h"
#include "tempo/files/unit_notes.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/pause.h"
#include "tempo/wire/tags_trace.h"

static const uint64_t largest_answer_bytes = (uint64_t)1 << 30; /* of a trace by id in a file */

typedef struct file_source {
  bt_source source; /* first: a bt_source is one of these */
  bt_file_set set;
  int64_t earliest_ns, latest_ns; /* starts of spans */
  bt_held_trace held;
  bt_file_account account;
  bt_thresholds thresholds; /* of all spans */
  uint64_t apart_threshold; /* bt_promises */
} file_source;

static file_source *file_source_of(bt_source *source) {
  return (file_source *)source;
}

static const file_source *of_const(const bt_source *source) {
  return (const file_source *)source;
}

/* ---- opening ---- */

typedef struct loader {
  file_source *files;
  const bt_file_opening *how;
  uint32_t file;
  size_t file_count;
  uint64_t span_count;   /* of the file that is being read */
  uint64_t units;        /* of it */
  bt_passed_over passed; /* counts of it */
  bt_trace_id *suspects; /* traces whose first unit has spans of BeTrace's own service alone */
  size_t suspect_count, suspect_capacity;
} loader;

static bt_status note_suspect(loader *l, const bt_trace_id *id, bt_error *error) {
  bt_trace_id *suspects = bt_grow_array(l->suspects, l->suspect_count, &l->suspect_capacity, sizeof *suspects);
  if (!suspects) return bt_error_no_memory(error);
  l->suspects = suspects;
  suspects[l->suspect_count++] = *id;
  return BT_OK;
}

/* Of what has a time. */
static void extend_range(file_source *files, int64_t start_ns, int64_t latest_start_ns) {
  if (!start_ns) return;
  if (start_ns < files->earliest_ns) files->earliest_ns = start_ns;
  if (latest_start_ns > files->latest_ns) files->latest_ns = latest_start_ns;
}

static bt_status index_trace(loader *l, const bt_noted_trace *noted, bt_error *error) {
  bool is_new;
  bt_status status = bt_file_index_add_trace(&l->files->set.index, &noted->bounds, &is_new, error);
  if (status == BT_OK && is_new && noted->may_be_own) return note_suspect(l, &noted->bounds.id, error);
  extend_range(l->files, noted->bounds.start_ns, bt_time_later(noted->bounds.start_ns, noted->latest_start_ns));
  return status;
}

static bt_status count_passed(loader *l, const bt_passed_over *passed, bt_error *error) {
  l->units++;
  l->passed.other_signals += passed->other_signals;
  l->passed.without_id += passed->without_id;
  l->passed.fragments += passed->fragments;
  return bt_passed_over_add(&l->files->set.passed, passed, error);
}

/* One without spans needs no place in the index. */
static bt_status index_unit(loader *l, const bt_file_unit *unit, const bt_unit_notes *notes, size_t number,
                            bt_error *error) {
  const bt_noted_unit none = {0}, *before = number ? &notes->units[number - 1] : &none, *noted = &notes->units[number];
  bt_status status = count_passed(l, &noted->passed, error);
  bt_thresholds_join(&l->files->thresholds, &noted->thresholds);
  if (status != BT_OK || noted->trace_end == before->trace_end) return status;
  bt_file_index *index = &l->files->set.index;
  bt_indexed_unit indexed = {.offset = unit->offset, .length = (uint32_t)unit->length, .file = l->file};
  status = bt_file_index_add_unit(index, &indexed, error);
  if (status == BT_OK)
    status = bt_file_index_add_trace_links(index, notes->links + before->link_end, noted->link_end - before->link_end,
                                           error);
  for (size_t i = before->trace_end; status == BT_OK && i < noted->trace_end; i++)
    status = index_trace(l, &notes->traces[i], error);
  l->span_count += noted->span_count;
  return status;
}

/* The notes borrow nothing of the bytes. */
static bt_status note_unit(const loader *l, bt_file_format format, const bt_file_unit *unit, bt_str bytes,
                           bt_unit_notes *notes, bt_error *error) {
  bt_span_batch *batch = NULL;
  bt_passed_over passed = {0};
  bt_status status = bt_span_batch_new(bt_file_decode_cap(bytes.len), &batch, error);
  if (status == BT_OK && l->how->leaves_out) bt_span_batch_leave_out(batch, &passed);
  if (status == BT_OK) status = bt_file_unit_decode(format, &unit->place, bytes, batch, error);
  if (status == BT_OK) status = bt_span_batch_finish(batch, error);
  if (status == BT_OK) status = bt_unit_notes_add(notes, batch, &passed, error);
  bt_passed_over_dispose(&passed);
  bt_span_batch_free(batch);
  return status;
}

static bt_status load_unit(loader *l, bt_file_format format, const bt_file_unit *unit, bt_str bytes, bt_error *error) {
  bt_unit_notes notes = {0};
  bt_status status = note_unit(l, format, unit, bytes, &notes, error);
  if (status == BT_OK) status = index_unit(l, unit, &notes, 0, error);
  bt_unit_notes_dispose(&notes);
  return status;
}

/* ---- many units: they are decoded on all threads, and come into the index in their order ---- */

enum { PART_UNITS = 64, PART_BYTES = 256 << 10, UNDER_WAY_BYTES = 8 << 20 };

typedef struct unit_part {
  bt_file_unit units[PART_UNITS];
  size_t count;
  uint64_t bytes;
  bt_unit_notes notes; /* of the units before one that cannot be decoded */
  char *room;          /* what is decoded */
  uint64_t room_capacity;
} unit_part;

typedef struct unit_reading {
  loader *loader;
  const bt_trace_file *file;
  bt_file_units *units;
  unit_part *parts; /* of each place */
  bool has_ended;
  bt_status ended; /* why no unit follows; units before it come first */
  bt_error why;
  const bt_file_unit *failed; /* the first that cannot be decoded; in its part */
  bt_file_unit last;          /* the one that failed last */
} unit_reading;

static bt_status cut_units(void *context, size_t place, bool *found, uint64_t *weight, bt_error *error) {
  unit_reading *all = context;
  unit_part *part = &all->parts[place];
  part->count = 0;
  part->bytes = 0;
  while (!all->has_ended && part->count < PART_UNITS && part->bytes < PART_BYTES) {
    bt_file_unit *unit = &part->units[part->count];
    bt_str bytes;
    bool is_there = false;
    all->ended = bt_file_units_next(all->units, unit, &bytes, &is_there, &all->why);
    all->has_ended = all->ended != BT_OK || !is_there;
    if (all->has_ended) break;
    part->bytes += unit->length;
    part->count++;
  }
  *found = part->count > 0;
  *weight = part->bytes;
  if (*found || all->ended == BT_OK) return BT_OK;
  if (error) *error = all->why;
  return all->ended;
}

static bt_status make_room(unit_part *part, bt_error *error) {
  if (part->room && part->bytes <= part->room_capacity) return BT_OK;
  free(part->room);
  part->room = malloc(part->bytes ? part->bytes : 1);
  part->room_capacity = part->room ? part->bytes : 0;
  return part->room ? BT_OK : bt_error_no_memory(error);
}

static bt_status decode_units(void *context, size_t place, bt_error *error) {
  const unit_reading *all = context;
  unit_part *part = &all->parts[place];
  size_t at = 0;
  bt_unit_notes_clear(&part->notes);
  bt_status status = make_room(part, error);
  for (size_t i = 0; status == BT_OK && i < part->count; i++) {
    const bt_file_unit *unit = &part->units[i];
    status = bt_file_content_read(all->file->content, unit->offset, part->room + at, unit->length, error);
    if (status == BT_OK)
      status = note_unit(all->loader, unit->is_line ? BT_FILE_JSON_LINE : all->file->format, unit,
                         (bt_str){part->room + at, unit->length}, &part->notes, error);
    at += unit->length;
  }
  return status;
}

/* Files count alike, whatever their size: what comes through a pipe has none before its end. */
static void show_part(const unit_reading *all, const unit_part *part) {
  const loader *l = all->loader;
  uint64_t size = bt_file_content_size(all->file->content);
  if (!l->how->show || !part->count || !size) return;
  const bt_file_unit *last = &part->units[part->count - 1];
  double of_file = (double)(last->offset + last->length) / (double)size;
  l->how->show(l->how->context, ((double)l->file + of_file) / (double)l->file_count);
}

static bt_status index_part(void *context, size_t place, bt_error *error) {
  unit_reading *all = context;
  const unit_part *part = &all->parts[place];
  if (part->notes.unit_count < part->count) all->failed = &part->units[part->notes.unit_count];
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < part->notes.unit_count; i++)
    status = index_unit(all->loader, &part->units[i], &part->notes, i, error);
  show_part(all, part);
  return status;
}

/* What was cut where its line ends, and cannot be decoded, may be the front of a longer document: it and all behind it
 * are cut anew. Once for each file at most. */
static bool go_back(unit_reading *all, bt_status status) {
  const bt_file_unit *failed = all->failed;
  bool is_wrong = status == BT_INVALID || status == BT_LIMIT;
  if (failed) all->last = *failed;
  all->failed = NULL;
  if (!is_wrong || !failed || !failed->is_line) return false;
  bt_file_units_go_back(all->units, failed);
  all->has_ended = false;
  all->ended = BT_OK;
  return true;
}

/* What is cut off at the end of the file, behind what is whole, is noted. Everything else that is wrong stays an error:
 * *error has it. */
static bt_status leave_out_end(unit_reading *all, bt_error *error) {
  loader *l = all->loader;
  bt_error why = error ? *error : (bt_error){0};
  bool is_message = all->ended == BT_INVALID;
  bt_file_unit end = is_message ? (bt_file_unit){.offset = all->units->at} : all->last;
  bool is_torn = false;
  end.length = bt_file_content_size(all->file->content) - end.offset;
  bool is_whole = !is_message && all->file->format == BT_FILE_PREFIXED; /* all bytes of its length are there */
  bt_status status = is_whole ? BT_OK : bt_torn_end_look(all->file, &end, &l->files->set.passed, &is_torn, error);
  if (status != BT_OK) return status;
  if (!is_torn || (!is_message && all->last.offset + all->last.length != end.offset + end.length)) {
    if (error) *error = why;
    return BT_INVALID;
  }
  const bt_file_note note = {all->file->name, BT_LEFT_TORN, end.length, is_message ? 0 : end.place.line + 1};
  return bt_file_account_note(&l->files->account, &note, error);
}

static bt_status load_all_units(loader *l, const bt_trace_file *file, bt_file_units *units, bt_error *error) {
  unit_reading all = {.loader = l, .file = file, .units = units};
  const bt_ordered_work work = {.jobs = l->files->set.jobs,
                                .most_weight = UNDER_WAY_BYTES,
                                .cut = cut_units,
                                .work = decode_units,
                                .take = index_part,
                                .context = &all};
  size_t places = bt_ordered_work_places(work.jobs);
  all.parts = calloc(places, sizeof *all.parts);
  if (!all.parts) return bt_error_no_memory(error);
  bt_status status = bt_ordered_work_run(&work, error);
  if (go_back(&all, status)) {
    status = bt_ordered_work_run(&work, error);
    if (all.failed) all.last = *all.failed;
  }
  if (status == BT_INVALID && l->how->leaves_out && l->units) status = leave_out_end(&all, error);
  for (size_t i = 0; i < places; i++) {
    bt_unit_notes_dispose(&all.parts[i].notes);
    free(all.parts[i].room);
  }
  free(all.parts);
  return status;
}

/* A file without any span is taken for neither TracesData nor an answer. */
static bt_status load_answer(loader *l, bt_trace_file *file, bt_error *error) {
  uint64_t size = bt_file_content_size(file->content);
  bt_file_unit unit = {.length = size};
  char *bytes = size <= largest_answer_bytes ? malloc(size ? size : 1) : NULL;
  bt_status status = bytes ? bt_file_content_read(file->content, 0, bytes, size, error) : bt_error_no_memory(error);
  file->format = BT_FILE_ANSWER;
  if (status == BT_OK) status = load_unit(l, file->format, &unit, (bt_str){bytes, size}, error);
  free(bytes);
  if (status == BT_OK && !l->span_count)
    return bt_error_set(error, BT_INVALID, "no span is in it; expected OTLP JSON or protobuf (TracesData)");
  return status;
}

/* Tempo's answer to a trace by id nests one level deeper than TracesData: read as the one the other has no spans, and
 * may have fields of other types. Where it is no answer either, the first error counts. */
static bt_status try_answer(loader *l, bt_trace_file *file, bt_status as_spans, bt_error *error) {
  bt_error first = *error;
  bool is_small = bt_file_content_size(file->content) <= largest_answer_bytes;
  bt_status status = is_small || as_spans == BT_OK ? load_answer(l, file, error) : as_spans;
  if (as_spans == BT_OK || status != BT_INVALID) return status;
  *error = first;
  return as_spans;
}

static bt_status note_passed(loader *l, bt_file_left what, uint64_t count, bt_error *error) {
  const bt_file_note note = {l->files->set.files[l->file].name, what, count, 0};
  return count ? bt_file_account_note(&l->files->account, &note, error) : BT_OK;
}

static bt_status load_units(loader *l, bt_trace_file *file, bt_file_units *units, bt_error *error) {
  bt_status status = bt_file_units_start(units, file->content, error);
  bt_file_unit unit = {0};
  file->format = units->format;
  bool is_nothing = units->format == BT_FILE_EMPTY || units->format == BT_FILE_OTHER;
  if (status == BT_OK && is_nothing && l->how->is_found && l->how->is_found[l->file])
    return note_passed(l, BT_LEFT_FILE, units->format == BT_FILE_OTHER, error);
  if (status == BT_OK && is_nothing)
    return load_unit(l, units->format, &unit, bt_file_units_seen(units), error); /* which says what was expected */
  return status == BT_OK ? load_all_units(l, file, units, error) : status;
}

/* Of the file that was read. */
static bt_status close_account(loader *l, bt_error *error) {
  l->files->account.files++;
  l->files->account.documents += l->units;
  bt_status status = note_passed(l, BT_LEFT_SIGNALS, l->passed.other_signals, error);
  if (status == BT_OK) status = note_passed(l, BT_LEFT_WITHOUT_ID, l->passed.without_id, error);
  return status == BT_OK ? note_passed(l, BT_LEFT_FRAGMENTS, l->passed.fragments, error) : status;
}

/* *left: bytes that may still be read, over all files; UINT64_MAX: no maximum. */
static bt_status load_file(loader *l, const char *path, uint64_t *left, bt_error *error) {
  bt_trace_file *file = &l->files->set.files[l->files->set.count];
  bt_file_units units = {0};
  l->file = (uint32_t)l->files->set.count++;
  l->span_count = l->units = 0;
  l->passed = (bt_passed_over){0};
  file->name = strdup(path);
  if (!file->name) return bt_error_no_memory(error);
  if (!*left) return bt_error_set(error, BT_LIMIT, "the files before it are as large as allowed");
  bt_status status = bt_file_content_open(path, *left == UINT64_MAX ? 0 : *left, &file->content, error);
  if (status != BT_OK) return status;
  if (*left != UINT64_MAX) *left -= bt_file_content_size(file->content);
  status = load_units(l, file, &units, error);
  bt_file_units_dispose(&units);
  bool is_told = l->span_count || l->passed.without_id || l->passed.other_signals;
  bool may_be_answer = file->format == BT_FILE_PROTOBUF && !is_told && (status == BT_OK || status == BT_INVALID);
  if (may_be_answer) status = try_answer(l, file, status, error);
  return status == BT_OK ? close_account(l, error) : status;
}

typedef struct own_finder {
  file_source *files;
  bt_trace_id *own; /* at the front of the suspects */
  size_t count;
} own_finder;

static bt_status find_own(void *context, const bt_read_trace *read, bt_error *error) {
  own_finder *finder = context;
  (void)error;
  if (bt_trace_is_own(read->trace, BT_STR("")))
    finder->own[finder->count++] = read->trace->id;
  else
    extend_range(finder->files, bt_trace_start_ns(read->trace), bt_trace_latest_start_ns(read->trace));
  return BT_OK;
}

static bt_status leave_out_own(loader *l, bt_error *error) {
  bt_file_set *set = &l->files->set;
  if (!l->suspect_count) return BT_OK;
  bt_file_wanted *wanted = bt_realloc_array(NULL, l->suspect_count, sizeof *wanted);
  if (!wanted) return bt_error_no_memory(error);
  for (size_t i = 0; i < l->suspect_count; i++)
    wanted[i] = (bt_file_wanted){.trace = bt_file_index_find(&set->index, &l->suspects[i])};
  own_finder finder = {.files = l->files,
                       .own = l->suspects}; /* what is written was read before: the list of the wanted has it */
  bt_status status = bt_file_read(set, wanted, l->suspect_count, NULL, find_own, &finder, error);
  free(wanted);
  if (status != BT_OK) return status;
  qsort(finder.own, finder.count, sizeof *finder.own, bt_trace_id_order);
  bt_file_index_remove(&set->index, finder.own, finder.count);
  return BT_OK;
}

static bt_status find_apart(void *context, const bt_read_trace *read, bt_error *error) {
  (void)error;
  bool *is_apart = context;
  *is_apart = *is_apart || (read->trace && bt_keeping_of(read->trace).kind == BT_KEEPING_APART);
  return BT_OK;
}

/* Several thresholds may be of several traces, or of services that sample for themselves: only whole traces say it. */
static bt_status look_for_apart(file_source *files, bt_error *error) {
  bool is_apart = false;
  if (files->thresholds.least == files->thresholds.most) return BT_OK;
  bt_status status = bt_file_source_each(&files->source, find_apart, &is_apart, error);
  if (is_apart) files->apart_threshold = files->thresholds.most;
  return status;
}

static bt_status load_files(file_source *files, const char *const *paths, size_t count, uint64_t max_bytes,
                            const bt_file_opening *how, bt_error *error) {
  loader l = {.files = files, .how = how, .file_count = count};
  uint64_t left = max_bytes ? max_bytes : UINT64_MAX;
  files->set.files = calloc(count ? count : 1, sizeof *files->set.files);
  bt_status status = files->set.files ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; status == BT_OK && i < count; i++) {
    bt_error inner = {0};
    if (load_file(&l, paths[i], &left, &inner) != BT_OK) status = bt_file_name_error(paths[i], &inner, error);
  }
  bt_file_index_finish(&files->set.index);
  bt_passed_over_sort(&files->set.passed);
  if (status == BT_OK) status = leave_out_own(&l, error);
  if (status == BT_OK) status = look_for_apart(files, error);
  free(l.suspects);
  return status;
}

/* ---- the operations ---- */

static bool lies_in(const bt_indexed_trace *trace, bt_time_range range, bt_found *bounds) {
  *bounds = bt_found_of_bounds(&trace->id, trace->start_ns, trace->end_ns);
  return bt_found_overlaps(bounds, range);
}

static bt_status search_files(bt_source *source, const bt_search_request *request, bt_found_list *found,
                              bt_source_account *account, bt_error *error) {
  (void)account;
  const bt_file_index *index = &file_source_of(source)->set.index;
  size_t count = 0;
  if (bt_is_cancelled(request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
  if (request->range.start_ns >= request->range.end_ns) return BT_OK;
  for (size_t i = 0; i < index->trace_count; i++) {
    const bt_indexed_trace *trace = &index->traces[i];
    if (bt_is_cancelled(request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
    bt_found bounds;
    if (!lies_in(trace, request->range, &bounds)) continue;
    if (request->max_found && count == request->max_found)
      return bt_error_set(error, BT_LIMIT, "more than %zu traces lie in the range; ask for a shorter one",
                          request->max_found);
    if (!bt_found_list_add(found, &bounds)) return bt_error_no_memory(error);
    count++;
  }
  bt_found_list_sort(found);
  return BT_OK;
}

/* BeTrace's own traces are not in the index of traces, though their links are noted. */
static bt_status find_linking_in_files(bt_source *source, const bt_links_request *request, bt_found_list *found,
                                       bt_source_account *account, bt_error *error) {
  (void)account;
  const bt_file_index *index = &file_source_of(source)->set.index;
  for (size_t i = 0; i < request->count; i++) {
    const bt_trace_link *link = bt_file_index_links_to(index, &request->ids[i]);
    const bt_trace_link *end = link ? index->trace_links + index->trace_link_count : NULL;
    if (bt_is_cancelled(request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
    for (; link < end && bt_trace_id_compare(&link->to, &request->ids[i]) == 0; link++) {
      const bt_indexed_trace *trace = bt_file_index_find(index, &link->from);
      bt_found bounds;
      if (!trace || !lies_in(trace, request->range, &bounds)) continue;
      if (!bt_found_list_add(found, &bounds)) return bt_error_no_memory(error);
    }
  }
  bt_found_list_sort(found);
  return BT_OK;
}

static bt_status give_missing(const bt_read_request *request, size_t index, bt_read_sink sink, void *context,
                              bt_error *error) {
  bt_read_trace missing = {.index = index};
  if (bt_is_cancelled(request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
  return sink(context, &missing, error);
}

static bt_status read_files(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                            bt_source_account *account, bt_error *error) {
  (void)account;
  const bt_file_set *set = &file_source_of(source)->set;
  size_t count = 0;
  bt_file_wanted *wanted = bt_realloc_array(NULL, request->count, sizeof *wanted);
  bt_status status = wanted ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; status == BT_OK && i < request->count; i++) {
    const bt_indexed_trace *trace = bt_file_index_find(&set->index, &request->ids[i]);
    if (trace)
      wanted[count++] = (bt_file_wanted){trace, i};
    else
      status = give_missing(request, i, sink, context, error);
  }
  if (status == BT_OK) status = bt_file_read(set, wanted, count, request->cancel, sink, context, error);
  free(wanted);
  return status;
}

/* Within its time, from the front of the files: hints need not be whole. */
typedef struct tag_reader {
  const bt_tag_request *request;
  bt_tag_list *list;
  int64_t deadline_ms;
} tag_reader;

static bt_status take_tags(void *context, const bt_read_trace *read, bt_error *error) {
  const tag_reader *reader = context;
  if (bt_monotonic_ms() > reader->deadline_ms) return bt_error_set(error, BT_LIMIT, "the time is over");
  return bt_tags_of_trace(read->trace, reader->request, reader->list) ? BT_OK : bt_error_no_memory(error);
}

static bt_status tags_of_files(bt_source *source, const bt_tag_request *request, bt_tag_list *list, bt_error *error) {
  const bt_file_set *set = &file_source_of(source)->set;
  tag_reader reader = {request, list, bt_monotonic_ms() + request->timeout_ms};
  size_t count = 0;
  bt_file_wanted *wanted = bt_realloc_array(NULL, set->index.trace_count, sizeof *wanted);
  if (!wanted) return bt_error_no_memory(error);
  for (size_t i = 0; i < set->index.trace_count; i++) {
    const bt_indexed_trace *trace = &set->index.traces[i];
    bt_found bounds;
    if (lies_in(trace, request->range, &bounds)) wanted[count++] = (bt_file_wanted){.trace = trace, .index = i};
  }
  bt_status status = bt_file_read(set, wanted, count, request->cancel, take_tags, &reader, error);
  free(wanted);
  if (status != BT_LIMIT) return status;
  list->is_cut = true;
  return BT_OK;
}

static bt_status check_files(bt_source *source, const bt_cancel *cancel, bt_error *error) {
  (void)cancel;
  (void)source;
  (void)error;
  return BT_OK; /* everything was read at the start */
}

static void free_files(bt_source *source) {
  file_source *files = file_source_of(source);
  bt_held_trace_dispose(&files->held);
  for (size_t i = 0; i < files->set.count; i++) {
    bt_file_content_free(files->set.files[i].content);
    free(files->set.files[i].name);
  }
  bt_file_index_dispose(&files->set.index);
  bt_passed_over_dispose(&files->set.passed);
  bt_file_account_dispose(&files->account);
  free(files->set.files);
  free(files);
}

static void promise_of_files(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel, bt_promises *out) {
  const bt_file_account *account = &file_source_of(source)->account;
  (void)wanted, (void)cancel;
  out->is_static = true;
  out->lacks = account->gaps.len ? account->gaps.ptr : NULL;
  out->is_sampled = file_source_of(source)->thresholds.most > 0;
  out->apart_threshold = file_source_of(source)->apart_threshold;
}

static bt_status open_files(const char *const *paths, size_t count, uint64_t max_bytes, const bt_file_opening *how,
                            bt_source **out, bt_error *error) {
  static const bt_source_operations operations = {.search = search_files,
                                                  .read = read_files,
                                                  .find_linking = find_linking_in_files,
                                                  .tags = tags_of_files,
                                                  .check = check_files,
                                                  .promise = promise_of_files,
                                                  .free = free_files};
  *out = NULL;
  file_source *files = calloc(1, sizeof *files);
  if (!files) return bt_error_no_memory(error);
  files->source = (bt_source){.operations = &operations, .name = "files"};
  files->set.jobs = how->jobs;
  files->set.leaves_out = how->leaves_out;
  files->earliest_ns = INT64_MAX;
  files->latest_ns = INT64_MIN;
  bt_status status = load_files(files, paths, count, max_bytes, how, error);
  if (status != BT_OK) {
    free_files(&files->source);
    return status;
  }
  *out = &files->source;
  return BT_OK;
}

bt_status bt_file_source_open(const char *const *paths, size_t count, uint64_t max_bytes, bt_source **out,
                              bt_error *error) {
  return open_files(paths, count, max_bytes, &(bt_file_opening){.jobs = 1}, out, error);
}

bt_status bt_file_source_open_wide(const char *const *paths, size_t count, const bt_file_opening *how, bt_source **out,
                                   bt_error *error) {
  return open_files(paths, count, 0, how, out, error);
}

/* ---- what files alone can do ---- */

const bt_file_account *bt_file_source_account(const bt_source *source) {
  return &of_const(source)->account;
}

size_t bt_file_source_trace_count(const bt_source *source) {
  return of_const(source)->set.index.trace_count;
}

bt_time_range bt_file_source_range(const bt_source *source) {
  const file_source *files = of_const(source);
  if (files->earliest_ns > files->latest_ns) return (bt_time_range){0, 1};
  return (bt_time_range){files->earliest_ns, files->latest_ns < INT64_MAX ? files->latest_ns + 1 : INT64_MAX};
}

/* Counts the traces of each unit that come first in it, and says where those of each unit begin. */
static size_t *find_starts(const bt_file_index *index) {
  size_t *starts = calloc(index->unit_count + 1, sizeof *starts), at = 0;
  for (size_t i = 0; starts && i < index->trace_count; i++) starts[index->traces[i].unit]++;
  for (size_t unit = 0; starts && unit < index->unit_count; unit++) {
    size_t of_unit = starts[unit];
    starts[unit] = at;
    at += of_unit;
  }
  return starts;
}

/* In the order of the files, and of the ids within a unit: as they are read. */
static bt_file_wanted *list_all(const bt_file_set *set, bt_error *error) {
  const bt_file_index *index = &set->index;
  bt_file_wanted *wanted = bt_realloc_array(NULL, index->trace_count, sizeof *wanted);
  size_t *starts = find_starts(index);
  bool has_room = wanted && starts;
  for (size_t i = 0; has_room && i < index->trace_count; i++)
    wanted[starts[index->traces[i].unit]++] = (bt_file_wanted){&index->traces[i], i};
  free(starts);
  if (has_room) return wanted;
  free(wanted);
  (void)bt_error_no_memory(error);
  return NULL;
}

bt_status bt_file_source_each(bt_source *source, bt_read_sink sink, void *context, bt_error *error) {
  const bt_file_set *set = &file_source_of(source)->set;
  bt_file_wanted *wanted = list_all(set, error);
  if (!wanted) return BT_NO_MEMORY;
  bt_status status = bt_file_read(set, wanted, set->index.trace_count, NULL, sink, context, error);
  free(wanted);
  return status;
}

size_t bt_file_source_places(const bt_source *source) {
  return bt_ordered_work_places(of_const(source)->set.jobs);
}

bt_status bt_file_source_visit(bt_source *source, const bt_file_visitor *visitor, bt_error *error) {
  const bt_file_set *set = &file_source_of(source)->set;
  bt_file_wanted *wanted = list_all(set, error);
  if (!wanted) return BT_NO_MEMORY;
  bt_status status = bt_file_visit(set, wanted, set->index.trace_count, visitor, error);
  free(wanted);
  return status;
}

bt_status bt_file_source_trace(bt_source *source, size_t index, const bt_trace **out, bt_error *error) {
  file_source *files = file_source_of(source);
  return bt_file_hold(&files->set, &files->set.index.traces[index], &files->held, out, error);
}
