/* Times and durations as text. Integers only: no locale, no time zone of the machine, no floating point. The calendar
 * is the proleptic Gregorian one. Every sum and product is checked, so that what does not fit is refused and never
 * wraps. Thread: no state. */
#include "server/base/time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const int64_t second_ns = 1000000000;
static const int64_t day_seconds = 86400;

/* Days since 1970-01-01. Years are counted from March, so that the leap day is the last day of its year. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day) {
  if (month <= 2) year--;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t march_month = (5 * day_of_year + 2) / 153;
  *day = day_of_year - (153 * march_month + 2) / 5 + 1;
  *month = march_month < 10 ? march_month + 3 : march_month - 9;
  *year = year_of_era + era * 400 + (*month <= 2);
}

static int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

/* `width` digits and what follows them. */
static char *put_digits(char *at, int64_t number, int width, char next) {
  for (int i = width - 1; i >= 0; i--, number /= 10) at[i] = (char)('0' + number % 10);
  at[width] = next;
  return at + width + 1;
}

void bt_time_format(int64_t time_ns, char out[40]) {
  int64_t seconds = floor_divide(time_ns, second_ns);
  int64_t days = floor_divide(seconds, day_seconds);
  int64_t rest = seconds - days * day_seconds;
  int64_t year, month, day;
  date_from_days(days, &year, &month, &day);
  out = put_digits(out, year, 4, '-');
  out = put_digits(out, month, 2, '-');
  out = put_digits(out, day, 2, 'T');
  out = put_digits(out, rest / 3600, 2, ':');
  out = put_digits(out, rest / 60 % 60, 2, ':');
  out = put_digits(out, rest % 60, 2, '.');
  out = put_digits(out, time_ns % second_ns + (time_ns % second_ns < 0 ? second_ns : 0), 9, 'Z');
  *out = '\0';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Takes `count` digits from the front of s. */
static bool take_digits(bt_str *s, size_t count, int64_t *out) {
  if (s->len < count) return false;
  int64_t number = 0;
  for (size_t i = 0; i < count; i++) {
    if (!is_digit(s->ptr[i])) return false;
    number = number * 10 + (s->ptr[i] - '0');
  }
  s->ptr += count;
  s->len -= count;
  *out = number;
  return true;
}

static bool take_char(bt_str *s, char upper, char lower) {
  if (s->len == 0 || (s->ptr[0] != upper && s->ptr[0] != lower)) return false;
  s->ptr++;
  s->len--;
  return true;
}

static int64_t days_of_month(int64_t year, int64_t month) {
  static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && is_leap ? 29 : days[month - 1];
}

static bool take_date(bt_str *s, int64_t *days) {
  int64_t year, month, day;
  if (!take_digits(s, 4, &year) || !take_char(s, '-', '-') || !take_digits(s, 2, &month) || !take_char(s, '-', '-') ||
      !take_digits(s, 2, &day))
    return false;
  if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month)) return false;
  *days = days_from_date(year, month, day);
  return true;
}

/* hh:mm:ss; 60 seconds pass here and are looked at once the offset is known. */
static bool take_clock(bt_str *s, int64_t *seconds, bool *is_leap_second) {
  int64_t hour, minute, second;
  if (!take_digits(s, 2, &hour) || !take_char(s, ':', ':') || !take_digits(s, 2, &minute) || !take_char(s, ':', ':') ||
      !take_digits(s, 2, &second))
    return false;
  if (hour > 23 || minute > 59 || second > 60) return false;
  *is_leap_second = second == 60;
  *seconds = hour * 3600 + minute * 60 + second;
  return true;
}

/* ".123": digits after the ninth must be zeros. */
static bool take_fraction(bt_str *s, int64_t *nanoseconds) {
  *nanoseconds = 0;
  if (!take_char(s, '.', '.')) return true;
  if (s->len == 0 || !is_digit(s->ptr[0])) return false;
  int64_t unit = second_ns / 10;
  for (; s->len && is_digit(s->ptr[0]); s->ptr++, s->len--) {
    int64_t digit = s->ptr[0] - '0';
    if (unit == 0 && digit != 0) return false;
    *nanoseconds += digit * unit;
    unit /= 10;
  }
  return true;
}

static bool take_offset(bt_str *s, int64_t *seconds) {
  *seconds = 0;
  if (take_char(s, 'Z', 'z')) return true;
  bool is_minus = take_char(s, '-', '-');
  if (!is_minus && !take_char(s, '+', '+')) return false;
  int64_t hour, minute;
  if (!take_digits(s, 2, &hour) || !take_char(s, ':', ':') || !take_digits(s, 2, &minute)) return false;
  if (hour > 23 || minute > 59) return false;
  *seconds = (hour * 3600 + minute * 60) * (is_minus ? -1 : 1);
  return true;
}

/* seconds × 10⁹ + nanoseconds. The lowest second of the range needs its nanoseconds to fit, hence the detour for
 * negative ones. */
static bool join_seconds(int64_t seconds, int64_t nanoseconds, int64_t *out_ns) {
  if (seconds < 0 && nanoseconds > 0) {
    seconds++;
    nanoseconds -= second_ns;
  }
  int64_t whole;
  return !__builtin_mul_overflow(seconds, second_ns, &whole) && !__builtin_add_overflow(whole, nanoseconds, out_ns);
}

static bool parse_rfc3339(bt_str s, int64_t *out_ns) {
  int64_t days, clock, nanoseconds, offset;
  bool is_leap_second;
  if (!take_date(&s, &days) || !take_char(&s, 'T', 't') || !take_clock(&s, &clock, &is_leap_second) ||
      !take_fraction(&s, &nanoseconds) || !take_offset(&s, &offset) || s.len)
    return false;
  int64_t seconds = days * day_seconds + clock - offset;
  /* A leap second is only ever the last one of a day in UTC: what follows it is a whole day. */
  if (is_leap_second && seconds % day_seconds != 0) return false;
  return join_seconds(seconds, nanoseconds, out_ns);
}

/* Below `below` a number of digits counts this unit; 0: refused. In rising order. */
static const struct {
  int64_t below, unit_ns;
} unix_units[] = {{100000000000, 1000000000}, {100000000000000, 1000000}, {100000000000000000, 0}, {INT64_MAX, 1}};

static bool parse_digits(bt_str s, int64_t *out) {
  if (s.len == 0) return false;
  int64_t number = 0;
  for (size_t i = 0; i < s.len; i++) {
    if (!is_digit(s.ptr[i])) return false;
    if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, s.ptr[i] - '0', &number))
      return false;
  }
  *out = number;
  return true;
}

static bool parse_unix(bt_str s, int64_t *out_ns) {
  int64_t number;
  if (!parse_digits(s, &number)) return false;
  size_t i = 0;
  while (number >= unix_units[i].below && unix_units[i].below != INT64_MAX) i++;
  return unix_units[i].unit_ns != 0 && !__builtin_mul_overflow(number, unix_units[i].unit_ns, out_ns);
}

/* "now" was taken; s is what follows. */
static bool parse_after_now(bt_str s, int64_t now_ns, int64_t *out_ns) {
  if (s.len == 0) return *out_ns = now_ns, true;
  bool is_minus = s.ptr[0] == '-';
  if (!is_minus && s.ptr[0] != '+') return false;
  int64_t duration_ns;
  if (!bt_duration_parse((bt_str){s.ptr + 1, s.len - 1}, &duration_ns)) return false;
  return is_minus ? !__builtin_sub_overflow(now_ns, duration_ns, out_ns)
                  : !__builtin_add_overflow(now_ns, duration_ns, out_ns);
}

bool bt_time_parse(bt_str text, int64_t now_ns, int64_t *out_ns) {
  if (bt_str_starts_with(text, BT_STR("now")))
    return parse_after_now((bt_str){text.ptr + 3, text.len - 3}, now_ns, out_ns);
  return parse_unix(text, out_ns) || parse_rfc3339(text, out_ns);
}

/* Falling, so that the place in this table is the order that parts must keep. µ is written with either of its two code
 * points. */
static const struct {
  const char *name;
  int64_t ns;
} duration_units[] = {{"d", 86400000000000}, {"h", 3600000000000}, {"m", 60000000000},
                      {"s", 1000000000},     {"ms", 1000000},      {"us", 1000},
                      {"\xC2\xB5s", 1000},   {"\xCE\xBCs", 1000},  {"ns", 1}};
static const int64_t MINUTE_NS = 60000000000;
enum { DURATION_UNITS = sizeof duration_units / sizeof duration_units[0] };

static bool is_unit_end(bt_str s, size_t at) {
  return at == s.len || is_digit(s.ptr[at]);
}

static bool take_unit(bt_str *s, int64_t *unit_ns) {
  for (size_t i = 0; i < DURATION_UNITS; i++) {
    bt_str name = bt_str_from(duration_units[i].name);
    if (!bt_str_starts_with(*s, name) || !is_unit_end(*s, name.len)) continue;
    s->ptr += name.len;
    s->len -= name.len;
    *unit_ns = duration_units[i].ns;
    return true;
  }
  return false;
}

/* The digits after the point as a part of the unit, from the last one: each step divides by ten and must come out even,
 * which holds exactly when the whole does. */
static bool fraction_of_unit(bt_str digits, int64_t unit_ns, int64_t *out_ns) {
  int64_t part = 0;
  for (size_t i = digits.len; i-- > 0;) {
    part += (digits.ptr[i] - '0') * unit_ns;
    if (part % 10 != 0) return false;
    part /= 10;
  }
  *out_ns = part;
  return true;
}

/* One "1.5s". */
static bool take_part(bt_str *s, int64_t *part_ns, int64_t *unit_ns) {
  bt_str whole = {s->ptr, 0}, fraction = {NULL, 0};
  for (; s->len && is_digit(s->ptr[0]); s->ptr++, s->len--) whole.len++;
  if (take_char(s, '.', '.')) {
    fraction.ptr = s->ptr;
    for (; s->len && is_digit(s->ptr[0]); s->ptr++, s->len--) fraction.len++;
    if (fraction.len == 0) return false;
  }
  int64_t number, rest_ns;
  return parse_digits(whole, &number) && take_unit(s, unit_ns) && fraction_of_unit(fraction, *unit_ns, &rest_ns) &&
         !__builtin_mul_overflow(number, *unit_ns, part_ns) && !__builtin_add_overflow(*part_ns, rest_ns, part_ns);
}

bool bt_duration_parse(bt_str text, int64_t *out_ns) {
  if (bt_str_equal(text, BT_STR("0"))) return *out_ns = 0, true;
  if (text.len == 0) return false;
  int64_t total = 0, last_unit = INT64_MAX;
  while (text.len) {
    int64_t part, unit;
    if (!take_part(&text, &part, &unit) || unit >= last_unit || __builtin_add_overflow(total, part, &total))
      return false;
    last_unit = unit;
  }
  *out_ns = total;
  return true;
}

/* Whole days, hours and minutes, each a unit of its own; what is left under a minute reads best as one decimal
 * number: 3.329s, not 3s329ms. */
static size_t format_whole_units(int64_t *duration_ns, char out[64]) {
  size_t used = 0;
  for (size_t i = 0; i < DURATION_UNITS && duration_units[i].ns >= MINUTE_NS; i++) {
    int64_t number = *duration_ns / duration_units[i].ns;
    if (number) used += (size_t)snprintf(out + used, 64 - used, "%" PRId64 "%s", number, duration_units[i].name);
    *duration_ns -= number * duration_units[i].ns;
  }
  return used;
}

static void format_decimal(int64_t part_ns, int64_t unit_ns, const char *unit, char *out, size_t size) {
  char digits[16]; /* behind the point: a unit is a power of ten here, at most 10^9 */
  int width = 0;
  for (int64_t n = unit_ns, rest = part_ns % unit_ns; n > 1 && width < 16; n /= 10, width++) {
    digits[width] = (char)('0' + rest / (n / 10) % 10);
  }
  while (width > 0 && digits[width - 1] == '0') width--;
  snprintf(out, size, "%" PRId64 "%s%.*s%s", part_ns / unit_ns, width > 0 ? "." : "", width, digits, unit);
}

void bt_duration_format(int64_t duration_ns, char out[64]) {
  size_t used = format_whole_units(&duration_ns, out);
  for (size_t i = 0; i < DURATION_UNITS && duration_ns > 0; i++) {
    if (duration_units[i].ns > duration_ns) continue;
    format_decimal(duration_ns, duration_units[i].ns, duration_units[i].name, out + used, 64 - used);
    return;
  }
  if (used == 0) memcpy(out, "0s", sizeof "0s");
}
