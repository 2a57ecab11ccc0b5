/* What is declared of how traces were sampled. See sampling_setting.h. */
#include "server/replay/sampling_setting.h"

#include <stdlib.h>
#include <string.h>

#include "server/base/time_text.h"

/* Digits and one point alone, so that no hexadecimal and no infinity is one. */
static bool read_share(bt_str text, double *out) {
  char digits[40];
  bool is_percent = text.len && text.ptr[text.len - 1] == '%';
  if (is_percent) text.len--;
  if (!text.len || text.len >= sizeof digits || strspn(text.ptr, "0123456789.") < text.len) return false;
  memcpy(digits, text.ptr, text.len);
  digits[text.len] = 0;
  char *end;
  double share = strtod(digits, &end);
  if (is_percent) share /= 100;
  *out = share;
  return !*end && share > 0 && share <= 1;
}

bool bt_share_parse(const char *text, double *out) {
  return read_share(bt_str_from(text), out);
}

static bool add_service(bt_sampling_setting *out, bt_str name, double share) {
  if (!name.len || out->service_count == BT_SAMPLING_SERVICES) return false;
  for (size_t i = 0; i < out->service_count; i++)
    if (bt_str_equal(out->services[i].name, name)) return false;
  out->services[out->service_count].name = name;
  out->services[out->service_count++].probability = share;
  return true;
}

/* `name=share`; the first name is `declared`. */
static bool read_item(bt_sampling_setting *out, bt_str item, bool is_first) {
  size_t at = item.len;
  while (at && item.ptr[at - 1] != '=') at--;
  if (!at) return false;
  bt_str name = {item.ptr, at - 1}, text = {item.ptr + at, item.len - at};
  double share;
  if (!read_share(text, &share)) return false;
  if (is_first || share < out->declared.least) out->declared.least = share;
  if (share > out->declared.most) out->declared.most = share;
  if (!is_first) return add_service(out, name, share);
  out->declared.probability = share;
  return bt_str_equal(name, BT_STR("declared"));
}

static bool read_declared(bt_sampling_setting *out, bt_str rest) {
  out->declared.kind = BT_SAMPLING_DECLARED;
  for (bool is_first = true; rest.len || is_first; is_first = false) {
    const char *comma = rest.len ? memchr(rest.ptr, ',', rest.len) : NULL;
    bt_str item = {rest.ptr, comma ? (size_t)(comma - rest.ptr) : rest.len};
    if (!read_item(out, item, is_first)) return false;
    size_t taken = comma ? item.len + 1 : item.len;
    if (comma && taken == rest.len) return false;
    rest = (bt_str){rest.ptr + taken, rest.len - taken};
  }
  return true;
}

/* "" or "=TIME"; a time that goes on would be another one each time. */
static bool read_policy(bt_sampling_setting *out, const char *rest) {
  out->declared.kind = BT_SAMPLING_POLICY;
  if (!*rest) return true;
  return strncmp(rest, "=now", 4) != 0 && bt_time_parse(bt_str_from(rest + 1), 0, &out->declared.policy_since_ns) &&
         out->declared.policy_since_ns > 0;
}

bool bt_sampling_setting_parse(const char *text, bt_sampling_setting *out) {
  *out = (bt_sampling_setting){.declared = {.text = text}};
  if (!text || strcmp(text, "auto") == 0) return true;
  if (strncmp(text, "policy", 6) == 0 && (!text[6] || text[6] == '=')) return read_policy(out, text + 6);
  if (strcmp(text, "none") != 0) return read_declared(out, bt_str_from(text));
  out->declared.kind = BT_SAMPLING_NONE;
  return true;
}

bool bt_sampling_setting_is_valid(const char *text) {
  bt_sampling_setting setting;
  return bt_sampling_setting_parse(text, &setting);
}

double bt_sampling_setting_of(const bt_sampling_setting *setting, bt_str root_service) {
  if (setting->declared.kind != BT_SAMPLING_DECLARED) return 0;
  for (size_t i = 0; i < setting->service_count; i++)
    if (bt_str_equal(setting->services[i].name, root_service)) return setting->services[i].probability;
  return setting->declared.probability;
}
