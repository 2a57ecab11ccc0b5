/* `betrace token new`: a token, and the line of the tokens file that knows it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/printer.h"
#include "server/http/tokens.h"

enum { NAME = BT_FLAG_OWN, ROLE, TENANTS, GRAFANA_USER, EXPIRES, TOKENS_FILE };

typedef struct wanted {
  const char *name, *role, *tenants, *expires, *file;
  bool sends_user, print_json;
} wanted;

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  wanted *w = context;
  switch (flag->id) {
  case NAME: w->name = value; break;
  case ROLE: w->role = value; break;
  case TENANTS: w->tenants = value; break;
  case GRAFANA_USER: w->sends_user = true; break;
  case EXPIRES: w->expires = value; break;
  case TOKENS_FILE: w->file = value; break;
  case BT_FLAG_JSON: w->print_json = true; break;
  default: return false;
  }
  return true;
}

/* As the file has it; "now+90d" is taken too. */
static bt_status write_expiry(const wanted *w, bt_buffer *line, bt_error *error) {
  int64_t at_ns;
  char text[40];
  bt_str wanted_time = bt_str_from(w->expires);
  if (!bt_token_time_parse(wanted_time, &at_ns) && !bt_time_parse(wanted_time, bt_clock_wall_ns(), &at_ns))
    return bt_error_set(error, BT_INVALID,
                        "--expires has to be a day as 2027-01-31, a time as 2027-01-31T12:00:00Z, or "
                        "now+90d; \"%.60s\" came",
                        w->expires);
  bt_time_format(at_ns, text);
  bt_buffer_printf(line, " expires=%s", text);
  return BT_OK;
}

/* The line, read back as the server will read it: what is wrong with a name or a tenant shows now. */
static bt_status make_line(const wanted *w, const char *token, bt_buffer *line, bt_error *error) {
  bt_sha256 hash;
  char hex[BT_SHA256_HEX + 1];
  bt_tokens *read_back = NULL;
  bt_status status = bt_token_hash(bt_str_from(token), &hash, error);
  if (status) return status;
  bt_sha256_format(&hash, hex);
  bt_buffer_printf(line, "%s sha256:%s %s%s%s%s", w->name, hex, w->role, w->tenants ? " tenants=" : "",
                   w->tenants ? w->tenants : "", w->sends_user ? " grafana-user" : "");
  if (w->expires) status = write_expiry(w, line, error);
  bt_buffer_append_char(line, '\n');
  if (status) return status;
  if (line->failed) return bt_error_no_memory(error);
  status = bt_tokens_parse(bt_buffer_str(line), "the new line", &read_back, error);
  bt_tokens_free(read_back);
  return status;
}

/* The whole file beside the old one, then in its place: no moment has half a line. The file behind a link is the one
 * that is replaced. */
static bool replace_file(const char *file, bt_str text) {
  struct stat old = {.st_mode = 0600};
  bt_buffer name = {0};
  char *real = realpath(file, NULL);
  bool is_new = !real && errno == ENOENT;
  bt_buffer_printf(&name, "%s.XXXXXX", real ? real : file);
  bool ok = !name.failed && (is_new || (real && stat(real, &old) == 0));
  int fd = ok ? mkstemp(name.ptr) : -1;
  ok = fd >= 0 && bt_cli_write_all(fd, text) && fchmod(fd, old.st_mode & 07777) == 0;
  if (ok && !is_new && fchown(fd, old.st_uid, old.st_gid) != 0 && old.st_uid != geteuid()) ok = false;
  ok = ok && fsync(fd) == 0;
  if (fd >= 0) ok = close(fd) == 0 && ok;
  ok = ok && rename(name.ptr, real ? real : file) == 0;
  if (!ok && fd >= 0) unlink(name.ptr);
  bt_buffer_dispose(&name);
  free(real);
  return ok;
}

/* After the lines that are there, which have to be fine together with the new one. */
static bt_status append_line(const char *file, const bt_buffer *line, bt_error *error) {
  size_t length = 0;
  bt_buffer all = {0};
  bt_tokens *read_back = NULL;
  char *old = access(file, F_OK) == 0 ? bt_cli_read_file(file, BT_TOKENS_FILE_MAX_BYTES, &length, error) : NULL;
  if (!old && access(file, F_OK) == 0) return BT_IO;
  if (!old) length = 0; /* also where the file went in between */
  bt_buffer_append(&all, (bt_str){old, length});
  if (length && old[length - 1] != '\n') bt_buffer_append_char(&all, '\n');
  bt_buffer_append(&all, bt_buffer_str(line));
  free(old);
  bt_status status =
      all.failed ? bt_error_no_memory(error) : bt_tokens_parse(bt_buffer_str(&all), file, &read_back, error);
  bt_tokens_free(read_back);
  if (!status && !replace_file(file, bt_buffer_str(&all)))
    status = bt_error_set(error, BT_IO, "%s cannot be written: %s", file, strerror(errno));
  bt_buffer_dispose(&all);
  return status;
}

static void print_made(const wanted *w, const char *token, bt_buffer *line) {
  if (w->print_json) {
    line->ptr[line->len - 1] = '\0';
    bt_cli_print_json(json_pack("{s:s, s:s}", "token", token, "line", line->ptr));
    return;
  }
  bt_print_line(token);
  if (!w->file) bt_print_lines(bt_buffer_str(line));
}

static int token_command(const bt_command *self, int argc, char **argv) {
  wanted w = {.role = "viewer"};
  bt_operands operands;
  bt_error error = {0};
  bt_buffer line = {0};
  char token[BT_TOKEN_TEXT_BYTES];
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, &w, &operands, &code)) return code;
  if (operands.count != 1 || strcmp(operands.items[0], "new") != 0)
    return bt_cli_usage_error("token", "say what to do: betrace token new --name NAME");
  if (!w.name || strpbrk(w.name, " \t\r\n#"))
    return bt_cli_usage_error("token", "say who it is for: --name NAME, of letters, digits and . _ -");
  if (w.tenants && strpbrk(w.tenants, " \t\r\n"))
    return bt_cli_usage_error("token", "--tenants has to be names with commas between them, or *");
  bt_status status = bt_token_make(token, &error);
  if (!status) status = make_line(&w, token, &line, &error);
  if (!status && w.file) status = append_line(w.file, &line, &error);
  if (status)
    code = bt_cli_fail("token", status, &error);
  else
    print_made(&w, token, &line);
  bt_buffer_dispose(&line);
  return code;
}

/* ---- the row ---- */

static const bt_flag flags[] = {
    {"name", NAME, "NAME", NULL, "who it is for: letters, digits and . _ -; shown in messages and as updated_by", NULL},
    {"role", ROLE, "viewer|editor", "viewer", "viewers read and ask; editors change rules, run replays, push spans",
     NULL},
    {"tenants", TENANTS, "LIST", NULL, "the tenants that it may name in X-Scope-OrgID: a,b or *", NULL},
    {"grafana-user", GRAFANA_USER, NULL, NULL, "believe the user that it names in X-Grafana-User", NULL},
    {"expires", EXPIRES, "TIME", NULL, "when it ends: 2027-01-31, a time as RFC 3339 has it, or now+90d", NULL},
    {"file", TOKENS_FILE, "FILE", NULL, "add the line to this tokens file, and print the token alone", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {0}};
static const bt_example examples[] = {
    {"For a pipeline that changes rules; the service reads the file again on SIGHUP",
     "betrace token new --name ci --role editor --file tokens"},
    {"For Grafana, which says who its user is, and for two tenants",
     "betrace token new --name grafana --tenants acme,globex --grafana-user --file tokens"},
    {0}};
const bt_command bt_command_token = {
    .name = "token",
    .summary = "makes tokens for `betrace serve --tokens`",
    .usage = "new --name NAME [flags]",
    .about = "Prints a new random token, which is shown this once, and then the line for the tokens file, which holds "
             "only its "
             "SHA-256. The token is 32 random bytes: nothing can be guessed, so a slow hash would add nothing.",
    .examples = examples,
    .groups = groups,
    .fine = "the token is made",
    .unknown = "the file cannot be written",
    .operands = "new",
    .run = token_command};
