/* What a client sends before anything is routed: the head as bytes, and the headers of access. No crash; what is let in
 * is what was asked for. The input is fields with a byte 0x1F between them: head, Host, Origin, Sec-Fetch-Site,
 * Authorization, X-Scope-OrgID, X-Grafana-User. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/origin.h"
#include "server/http/access.h"
#include "server/http/guard.h"
#include "server/http/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD, HOST, ORIGIN, SITE, AUTHORIZATION, TENANT, USER, FIELDS };

static void require(bool holds) {
  if (!holds) abort();
}

static void cut_fields(bt_str rest, bt_str fields[FIELDS]) {
  for (int i = 0; i < FIELDS; i++) {
    const char *end = rest.len ? memchr(rest.ptr, 0x1F, rest.len) : NULL;
    size_t length = end ? (size_t)(end - rest.ptr) : rest.len, used = end ? length + 1 : length;
    fields[i] = (bt_str){rest.ptr, length};
    rest = (bt_str){rest.ptr + used, rest.len - used};
  }
}

static void check_answer(const bt_access_question *question, const bt_access_answer *answer) {
  require((answer->status == 0) == (answer->detail[0] == '\0'));
  if (answer->status) return;
  size_t start = 0;
  for (size_t i = 0; i <= answer->tenant.len && answer->tenant.len; i++) {
    if (i < answer->tenant.len && answer->tenant.ptr[i] != '|') continue;
    require(bt_tenant_is_valid((bt_str){answer->tenant.ptr + start, i - start}));
    start = i + 1;
  }
  require((question->tenant.len == 0) == (answer->tenant.len == 0));
  require(!answer->every_tenant || answer->tenant.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const hosts[] = {"betrace.example", NULL};
  const bt_guard guard = {"10.0.0.5", hosts};
  bt_str fields[FIELDS];
  bt_access *access = NULL;
  cut_fields((bt_str){(const char *)data, size}, fields);
  bt_guard_refusal head = bt_guard_check_head(fields[HEAD]);
  require(head.status == 0 || head.status == 400);
  bt_guard_refusal site = bt_guard_check_site(&guard, fields[HOST], fields[ORIGIN], fields[SITE]);
  require(site.status == 0 || site.status == 403 || site.status == 421);
  if (bt_origin_is_valid(fields[ORIGIN])) require(fields[ORIGIN].len > strlen("http://"));
  require(bt_access_new(&(bt_access_options){0}, &access, NULL) == BT_OK);
  bt_access_question question = {BT_ROLE_EDITOR, fields[AUTHORIZATION], fields[TENANT], fields[USER]};
  bt_access_answer answer;
  bt_access_check(access, &question, &answer);
  check_answer(&question, &answer);
  bt_access_release(access);
  return 0;
}
