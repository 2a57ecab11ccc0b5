/* What is declared of how traces were sampled, where their spans do not say it. `auto`: nothing. `none`: all are kept.
 * `policy` or `policy=TIME`: tail samplers have the rules' policies. `declared=10%`: of all; `declared=10%,web=5%`: of
 * those that web's root span enters, other ones. Thread: values, no state. */
#ifndef BT_SERVER_REPLAY_SAMPLING_SETTING_H
#define BT_SERVER_REPLAY_SAMPLING_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef enum bt_sampling_kind {
  BT_SAMPLING_AUTO,
  BT_SAMPLING_NONE,
  BT_SAMPLING_DECLARED,
  BT_SAMPLING_POLICY /* tail samplers keep all that may violate a rule from when on its policy is seen (policy_seen.h)
                      */
} bt_sampling_kind;

/* What holds for all traces. All-zero: auto. */
typedef struct bt_declared_sampling {
  bt_sampling_kind kind;
  double probability;      /* of DECLARED, of traces of services without one of their own; else 0 */
  double least, most;      /* of it and of all services that have one of their own; 0 as well */
  int64_t policy_since_ns; /* of POLICY: from then on they do; 0: that is found by what is seen */
  const char *text;        /* as it was given; borrowed. NULL: auto */
} bt_declared_sampling;

enum { BT_SAMPLING_SERVICES = 16 };

typedef struct bt_sampling_setting { /* all-zero: auto */
  bt_declared_sampling declared;
  struct {
    bt_str name;
    double probability; /* above 0, at most 1 */
  } services[BT_SAMPLING_SERVICES];
  size_t service_count;
} bt_sampling_setting;

#define BT_SAMPLING_EXPECTED                                                                                           \
  "auto (what spans say), none (all traces are kept), policy or policy=2026-11-02T12:03:00Z (rules' policies keep "    \
  "all "                                                                                                               \
  "that may violate them, since then), declared=10% or declared=10%,SERVICE=5% with shares above 0 and up to 100%"
#define BT_SAMPLING_HELP                                                                                               \
  "how traces were sampled where spans do not say it: auto, none, policy[=TIME], declared=10%[,SERVICE=5%]"
#define BT_SAMPLING_VARIABLE "BETRACE_SAMPLING"

/* "10%", "0.1", "1": above 0, at most 1. False: it is not what BT_SHARE_EXPECTED says. */
#define BT_SHARE_EXPECTED "a share above 0 and up to 100%, as in 0.1% or 0.001"
bool bt_share_parse(const char *text, double *out) BT_MUST_CHECK;
/* text: borrowed from then on; NULL is auto. False: it is not what BT_SAMPLING_EXPECTED says. */
bool bt_sampling_setting_parse(const char *text, bt_sampling_setting *out) BT_MUST_CHECK;
bool bt_sampling_setting_is_valid(const char *text);
/* Of a trace whose root span is of that service; 0: nothing is declared. */
double bt_sampling_setting_of(const bt_sampling_setting *setting, bt_str root_service);

#endif
