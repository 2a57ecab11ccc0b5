/* The report for people: one line a fact, and below what those that do not hold mean for answers, with examples. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dsl/trace/cut_text.h"
#include "server/base/time_text.h"
#include "server/doctor/doctor.h"
#include "server/doctor/store_probes.h"

enum { MARK_COLUMNS = 5, EXPECTED_COLUMNS = 22, SEEN_COLUMNS = 25, SHOWN_FINDINGS = 2, LEAST_TITLE = 30 };

/* ---- lines ---- */

/* So many columns of the text, in whole characters; ".." where it is cut. Probes and keys are no wide characters. */
static void write_cut(const char *text, size_t columns, bt_buffer *out) {
  bt_str rest = bt_str_from(text);
  size_t total = 0;
  for (size_t i = 0; i < rest.len; i++) total += ((unsigned char)rest.ptr[i] & 0xC0) != 0x80;
  size_t room = total > columns ? columns - 2 : columns;
  for (size_t used = 0; rest.len && used < room; used++) {
    uint32_t code = 0;
    size_t length = bt_utf8_sequence(rest, &code);
    bool is_plain = length && !bt_is_obeyed(code);
    if (!length) length = 1;
    bt_buffer_append(out, is_plain ? (bt_str){rest.ptr, length} : BT_STR(" "));
    rest = (bt_str){rest.ptr + length, rest.len - length};
  }
  if (total > columns) bt_buffer_append(out, BT_STR(".."));
}

static void write_column(const char *text, size_t columns, bt_buffer *out) {
  size_t shown = 0;
  for (const char *c = text; *c; c++) shown += ((unsigned char)*c & 0xC0) != 0x80;
  write_cut(text, columns - 1, out);
  if (shown > columns - 1) shown = columns - 1;
  bt_buffer_printf(out, "%*s", (int)(columns - shown), "");
}

/* Words in lines of the width, each after so many blanks. */
static void write_wrapped(const char *text, size_t indent, size_t width, bt_buffer *out) {
  bt_buffer_printf(out, "%*s", (int)indent, "");
  for (size_t at = indent, length; *text; text += length + strspn(text + length, " "), at += length) {
    length = strcspn(text, " ");
    bool is_first = at == indent, fits = at + 1 + length <= width;
    if (!is_first && fits) bt_buffer_append_char(out, ' ');
    if (!is_first && !fits) bt_buffer_printf(out, "\n%*s", (int)indent, "");
    at = is_first ? at : fits ? at + 1 : indent;
    bt_buffer_append(out, (bt_str){text, length});
  }
  bt_buffer_append_char(out, '\n');
}

static void write_line(const char *text, size_t indent, size_t width, bt_buffer *out) {
  bt_buffer_printf(out, "%*s", (int)indent, "");
  write_cut(text, width - indent, out);
  bt_buffer_append_char(out, '\n');
}

/* ---- what the store says of itself ---- */

static void write_duration(const char *before, int64_t duration_ns, const char *behind, bt_buffer *out) {
  char text[64];
  if (duration_ns < 0) return;
  bt_duration_format(duration_ns, text);
  bt_buffer_printf(out, ", %s%s%s", before, text, behind);
}

static void write_store(const bt_doctor_report *report, const bt_doctor_style *style, bt_buffer *out) {
  bt_buffer line = {0};
  if (report->version[0])
    bt_buffer_printf(&line, "%s%s%s", report->store ? report->store->title : "", report->store ? " " : "",
                     report->version);
  else
    bt_buffer_printf(&line, "a store that names no version");
  if (report->about.note[0]) bt_buffer_printf(&line, ", %s", report->about.note);
  if (report->content_type[0]) bt_buffer_printf(&line, ", answers searches with %s", report->content_type);
  if (report->hidden_tail_ns > 0) write_duration("hides the newest ", report->hidden_tail_ns, " from searches", &line);
  write_duration("cuts blocks after ", report->max_block_ns, "", &line);
  write_duration("takes ranges up to ", report->max_range_ns, "", &line);
  if (report->most_traces > 0)
    bt_buffer_printf(&line, ", gives up to %" PRId64 " traces an answer", report->most_traces);
  if (report->cut_bytes > 0) bt_buffer_printf(&line, ", cuts texts after %" PRId64 " bytes", report->cut_bytes);
  bool is_otherwise = report->cut_bytes > 0 && report->cut_bytes != BT_CUT_BYTES;
  if (is_otherwise && report->store && report->store->cut_setting)
    bt_buffer_printf(&line, " (%s; betrace takes only those of %d bytes for cut)", report->store->cut_setting,
                     BT_CUT_BYTES);
  if (line.ptr) write_wrapped(line.ptr, 0, style->width, out);
  bt_buffer_dispose(&line);
  if (!report->passes_ns[0] && !report->odd_looked_ns && !report->pushed_ns)
    bt_buffer_printf(out, "nothing was pushed\n\n");
  else
    bt_buffer_printf(out, "run %s, %zu probe traces of service " BT_PROBE_SERVICE "\n\n", report->probes.run,
                     report->probes.count);
}

/* ---- the table ---- */

static size_t title_columns(const bt_doctor_style *style) {
  return style->width - MARK_COLUMNS - EXPECTED_COLUMNS - SEEN_COLUMNS;
}

static void write_fact(const bt_fact *fact, const bt_doctor_style *style, bt_buffer *out) {
  static const char *const marks[] = {"-", "ok", "?", "FAIL"};
  bt_fact_outcome outcome = bt_fact_outcome_of(fact);
  const char *colours[] = {style->dim, style->good, style->doubt, style->bad};
  bt_buffer_printf(out, "%s%-*s%s", colours[outcome], MARK_COLUMNS, marks[outcome], style->off);
  write_column(fact->title, title_columns(style), out);
  write_column(fact->expected, EXPECTED_COLUMNS, out);
  write_cut(bt_fact_worst(fact)->seen, SEEN_COLUMNS, out);
  bt_buffer_append_char(out, '\n');
}

static void write_table(const bt_doctor_report *report, const bt_doctor_style *style, bt_buffer *out) {
  bt_buffer_printf(out, "%s%*s%-*s%-*s%s%s\n", style->bold, MARK_COLUMNS, "", (int)title_columns(style), "fact",
                   EXPECTED_COLUMNS, "expected", "seen", style->off);
  for (size_t i = 0; i < report->count; i++) write_fact(&report->facts[i], style, out);
}

/* ---- what does not hold ---- */

static void write_finding(const bt_fact_finding *finding, const bt_doctor_style *style, bt_buffer *out) {
  write_line(finding->text, 4, style->width, out);
  bt_buffer_append(out, bt_str_from(style->dim));
  if (finding->rule) write_line(finding->rule, 6, style->width, out);
  if (finding->query) write_line(finding->query, 6, style->width, out);
  bt_buffer_append(out, bt_str_from(style->off));
}

static void write_findings(const bt_doctor_report *report, const bt_fact *fact, const bt_doctor_style *style,
                           bt_buffer *out) {
  const bt_fact_seen *seen = bt_fact_worst(fact);
  size_t count = seen->finding_count < SHOWN_FINDINGS ? seen->finding_count : SHOWN_FINDINGS;
  bt_buffer_printf(out, "  %s: ", fact->title);
  if (seen == &fact->seen[1] && fact->seen[0].outcome == BT_FACT_HOLDS)
    bt_buffer_printf(out, "held at first, and %" PRId64 " s later ",
                     (report->passes_ns[1] - report->passes_ns[0]) / 1000000000);
  bt_buffer_printf(out, "%s\n", seen->seen);
  for (size_t i = 0; i < count; i++) write_finding(&seen->findings[i], style, out);
  if (seen->finding_total > count)
    bt_buffer_printf(out, "    and %zu more (--json has them)\n", seen->finding_total - count);
}

static bool is_meant_before(const bt_doctor_report *report, size_t index, const char *means) {
  for (size_t i = 0; i < index; i++)
    if (bt_fact_worst(&report->facts[i])->means == means) return true;
  return false;
}

/* What it means, and then every fact that means it. */
static void write_meanings(const bt_doctor_report *report, const bt_doctor_style *style, bt_buffer *out) {
  for (size_t i = 0; i < report->count; i++) {
    const char *means = bt_fact_worst(&report->facts[i])->means;
    if (!means || is_meant_before(report, i, means)) continue;
    bt_buffer_printf(out, "\n%s", style->bold);
    write_wrapped(means, 0, style->width, out);
    bt_buffer_append(out, bt_str_from(style->off));
    for (size_t j = i; j < report->count; j++)
      if (bt_fact_worst(&report->facts[j])->means == means) write_findings(report, &report->facts[j], style, out);
  }
}

/* ---- odd times ---- */

static void write_odd_seen(const bt_doctor_report *report, const bt_odd_probe *probe, bt_buffer *out) {
  char duration[64];
  bt_duration_format(report->odd_looked_ns / 1000000000 * 1000000000, duration);
  if (!probe->is_pushed)
    bt_buffer_printf(out, "the receiver did not take it");
  else if (probe->found_after_ns >= 0)
    bt_buffer_printf(out, "found after %.1f s", (double)probe->found_after_ns / 1e9);
  else if (probe->reached_after_ns >= 0)
    bt_buffer_printf(out, "up to now after %.1f s, not over its own time", (double)probe->reached_after_ns / 1e9);
  else if (probe->problem[0])
    bt_buffer_printf(out, "not known: %.60s", probe->problem);
  else
    bt_buffer_printf(out, "in no search within %s%s", duration,
                     probe->is_by_id ? "; by id it is there" : ", nor there by its id");
}

static const bt_odd_probe *odd_named(const bt_doctor_report *report, const char *id) {
  size_t i = 0;
  while (i + 1 < BT_ODD_PROBES && strcmp(report->odd[i].id, id) != 0) i++;
  return &report->odd[i];
}

static bool is_hidden(const bt_odd_probe *probe) {
  return probe->is_pushed && probe->found_after_ns < 0 && !probe->problem[0];
}

/* What it means, which settings make the wait shorter, and how to look again. */
static void write_late_advice(const bt_doctor_report *report, const bt_doctor_style *style, bt_buffer *out) {
  bt_buffer line = {0};
  bt_buffer_printf(&line, "Spans that come so late lie in blocks that this store dates by their arrival, or wait until "
                          "their block is known. A search that ends with their own time does not show them, and until "
                          "one up to now does no answer is certain for such times. ");
  if (report->store) report->store->write_late_advice(report, &line);
  bt_buffer_printf(&line, "Ask for the same probes again later: --again %s", report->probes.run);
  if (line.ptr) write_wrapped(line.ptr, 0, style->width, out);
  bt_buffer_dispose(&line);
}

static void write_odd_times(const bt_doctor_report *report, const bt_doctor_style *style, bt_buffer *out) {
  bool is_late_hidden = false;
  if (!report->odd_looked_ns) return;
  bt_buffer_printf(out, "\n%sWhen searches show what has odd times%s\n", style->bold, style->off);
  for (size_t i = 0; i < BT_ODD_PROBES; i++) {
    bt_buffer seen = {0};
    const bt_odd_probe *probe = &report->odd[i];
    write_odd_seen(report, probe, &seen);
    bt_buffer_printf(out, "%*s", MARK_COLUMNS, "");
    write_column(probe->title, title_columns(style), out);
    write_cut(seen.ptr ? seen.ptr : "", EXPECTED_COLUMNS + SEEN_COLUMNS, out);
    bt_buffer_append_char(out, '\n');
    bt_buffer_dispose(&seen);
    is_late_hidden = is_late_hidden || (is_hidden(probe) && strcmp(probe->id, "not-ended") != 0);
  }
  if (is_late_hidden) write_late_advice(report, style, out);
  if (is_hidden(odd_named(report, "not-ended")))
    write_wrapped(
        "A trace whose spans have not ended is in no search here, now or later: \"0 violations\" says nothing "
        "of such traces. See that spans have ended when they are sent, or replay files (--traces).",
        0, style->width, out);
}

/* ---- the end ---- */

static void write_sum(const bt_doctor_report *report, const bt_doctor_style *style, bt_buffer *out) {
  size_t fails = bt_doctor_report_count(report, BT_FACT_FAILS);
  size_t unknown = bt_doctor_report_count(report, BT_FACT_UNKNOWN);
  const char *colours[] = {style->doubt, style->good, style->doubt, style->bad};
  bt_buffer_printf(out, "\n%s%zu of %zu facts hold", colours[bt_doctor_report_outcome(report)],
                   bt_doctor_report_count(report, BT_FACT_HOLDS), report->count);
  if (fails) bt_buffer_printf(out, ", %zu %s not", fails, fails == 1 ? "does" : "do");
  if (unknown) bt_buffer_printf(out, ", %zu could not be found out", unknown);
  bt_buffer_printf(out, "%s\n", style->off);
  bool is_pushed = report->pushed_ns || report->odd_looked_ns;
  if (!is_pushed)
    write_wrapped("Nothing was pushed, so searches and reads were not compared with anything: --otlp URL does that.", 0,
                  style->width, out);
  else if (!report->passes_ns[0])
    write_wrapped("Nothing else was asked.", 0, style->width, out);
}

/* Whether the last time that was asked, the probes lay in blocks that are complete, as far as the store says when
 * that is. */
static bool is_from_blocks(const bt_doctor_report *report) {
  int64_t last_ns = report->passes_ns[1] ? report->passes_ns[1] : report->passes_ns[0];
  return report->max_block_ns >= 0 && last_ns - report->probes.base_ns > report->max_block_ns + INT64_C(10000000000);
}

static void write_advice(const bt_doctor_report *report, const bt_doctor_style *style, bt_buffer *out) {
  char duration[64] = "";
  bt_buffer line = {0};
  if (!report->passes_ns[0] || is_from_blocks(report) || (report->store && !report->store->has_blocks)) return;
  if (report->max_block_ns >= 0) bt_duration_format(report->max_block_ns, duration);
  bt_buffer_printf(&line,
                   "What this store answers from complete blocks was not asked yet%s%s. Ask the same probes again "
                   "then: betrace doctor --again %s",
                   duration[0] ? "; it cuts them after " : "", duration, report->probes.run);
  for (size_t i = 0; i < report->more_key_count; i++)
    bt_buffer_printf(&line, " --key '%s%.*s'", report->more_keys[i].is_of_resource ? "resource." : "span.",
                     BT_FMT(report->more_keys[i].key));
  if (line.ptr) write_wrapped(line.ptr, 0, style->width, out);
  bt_buffer_dispose(&line);
}

void bt_doctor_report_print(const bt_doctor_report *report, const bt_doctor_style *given, bt_buffer *out) {
  bt_doctor_style style = *given;
  size_t least = MARK_COLUMNS + EXPECTED_COLUMNS + SEEN_COLUMNS + LEAST_TITLE;
  if (style.width < least) style.width = (unsigned)least;
  write_store(report, &style, out);
  write_table(report, &style, out);
  write_meanings(report, &style, out);
  write_odd_times(report, &style, out);
  write_sum(report, &style, out);
  write_advice(report, &style, out);
}
