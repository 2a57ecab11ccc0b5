/* When people sleep, as they say it. See alert_summary.h. */
#include "server/backtest/alert_summary.h"

const bt_page_limits bt_page_limits_usual = {.per_week = 1, .night_from = 22, .night_until = 7};

/* One or two digits. */
static bool take_number(bt_str text, int most, int *out) {
  if (!text.len || text.len > 2) return false;
  *out = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
    *out = 10 * *out + (text.ptr[i] - '0');
  }
  return *out <= most;
}

bool bt_page_night_parse(bt_str text, bt_page_limits *limits) {
  size_t dash = 0;
  int from, until;
  while (dash < text.len && text.ptr[dash] != '-') dash++;
  if (dash == text.len || !take_number((bt_str){text.ptr, dash}, 24, &from)) return false;
  if (!take_number((bt_str){text.ptr + dash + 1, text.len - dash - 1}, 24, &until)) return false;
  limits->night_from = from % 24;
  limits->night_until = until % 24;
  return true;
}

bool bt_page_zone_parse(bt_str text, bt_page_limits *limits) {
  int hours, minutes;
  bool is_formed = text.len == 6 && (text.ptr[0] == '+' || text.ptr[0] == '-') && text.ptr[3] == ':';
  if (!is_formed || !take_number((bt_str){text.ptr + 1, 2}, 14, &hours)) return false;
  if (!take_number((bt_str){text.ptr + 4, 2}, 59, &minutes)) return false;
  limits->zone_ms = (text.ptr[0] == '-' ? -1 : 1) * (60 * hours + minutes) * INT64_C(60000);
  return true;
}
