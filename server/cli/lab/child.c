/* A command of the user, started and waited for. See child.h. */
#include "server/cli/lab/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void make_set(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGCHLD);
}

void bt_child_block_signals(void) {
  sigset_t set;
  make_set(&set);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
}

/* A new environment: ours, with these variables in place of those that are there. NULL: no memory. */
static char **environment_with(const bt_variable *variables, size_t count) {
  size_t have = 0, used = 0;
  while (environ[have]) have++;
  char **all = calloc(have + count + 1, sizeof *all);
  for (size_t i = 0; all && i < have; i++) {
    bool is_replaced = false;
    for (size_t k = 0; k < count; k++) {
      size_t length = strlen(variables[k].name);
      is_replaced = is_replaced || (!strncmp(environ[i], variables[k].name, length) && environ[i][length] == '=');
    }
    if (!is_replaced) all[used++] = environ[i];
  }
  for (size_t k = 0; all && k < count; k++, used++) {
    size_t size = strlen(variables[k].name) + strlen(variables[k].value) + 2;
    all[used] = malloc(size);
    if (!all[used]) {
      while (k--) free(all[--used]);
      free(all);
      return NULL;
    }
    snprintf(all[used], size, "%s=%s", variables[k].name, variables[k].value);
  }
  return all;
}

/* With the signals as a shell would start it. files NULL: it has ours. */
static int spawn_child(const char *program, char *const *argv, char *const *environment,
                       const posix_spawn_file_actions_t *files, pid_t *out) {
  posix_spawnattr_t attributes;
  sigset_t none, defaults;
  sigemptyset(&none);
  make_set(&defaults);
  sigaddset(&defaults, SIGPIPE);
  int failed = posix_spawnattr_init(&attributes);
  if (failed) return failed;
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  failed = posix_spawnp(out, program, files, &attributes, argv, environment);
  posix_spawnattr_destroy(&attributes);
  return failed;
}

bt_status bt_child_start(char *const *argv, const bt_variable *variables, size_t count, pid_t *out, bt_error *error) {
  char **environment = environment_with(variables, count);
  if (!environment) return bt_error_no_memory(error);
  int failed = spawn_child(argv[0], argv, environment, NULL, out);
  size_t total = 0;
  while (environment[total]) total++;
  for (size_t k = 0; k < count; k++) free(environment[total - 1 - k]);
  free(environment);
  if (!failed) return BT_OK;
  return bt_error_set(error, BT_INVALID, "%.150s cannot be started: %s", argv[0], strerror(failed));
}

/* stdin is empty; what it writes goes into these ends of two pipes. */
static int spawn_into(const char *program, char *const *argv, int output, int messages, pid_t *out) {
  posix_spawn_file_actions_t files;
  int failed = posix_spawn_file_actions_init(&files);
  if (failed) return failed;
  failed = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (!failed) failed = posix_spawn_file_actions_adddup2(&files, output, 1);
  if (!failed) failed = posix_spawn_file_actions_adddup2(&files, messages, 2);
  if (!failed) failed = spawn_child(program, argv, environ, &files, out);
  posix_spawn_file_actions_destroy(&files);
  return failed;
}

bt_status bt_child_start_piped(const char *program, char *const *argv, bt_child_pipes *out, bt_error *error) {
  int output[2], messages[2];
  *out = (bt_child_pipes){.output = -1, .messages = -1};
  if (pipe2(output, O_CLOEXEC) != 0) return bt_error_set(error, BT_IO, "no pipe can be made: %s", strerror(errno));
  if (pipe2(messages, O_CLOEXEC) != 0) {
    bt_status status = bt_error_set(error, BT_IO, "no pipe can be made: %s", strerror(errno));
    close(output[0]);
    close(output[1]);
    return status;
  }
  int failed = spawn_into(program, argv, output[1], messages[1], &out->child);
  close(output[1]);
  close(messages[1]);
  out->output = output[0];
  out->messages = messages[0];
  if (!failed) return BT_OK;
  bt_child_close_pipes(out);
  return bt_error_set(error, BT_INVALID, "%.150s cannot be started: %s", program, strerror(failed));
}

void bt_child_close_pipes(bt_child_pipes *pipes) {
  if (pipes->output >= 0) close(pipes->output);
  if (pipes->messages >= 0) close(pipes->messages);
  pipes->output = pipes->messages = -1;
}

/* Those that were adopted and have ended are forgotten. */
static bool has_ended(pid_t child, int *code) {
  int status = 0;
  for (;;) {
    siginfo_t one = {.si_pid = 0};
    if (waitid(P_ALL, 0, &one, WEXITED | WNOHANG | WNOWAIT) != 0 || !one.si_pid) return false;
    if (waitpid(one.si_pid, &status, WNOHANG) == child) break;
  }
  *code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return true;
}

void bt_child_adopt(void) {
  (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* Of "123 (name) S 1 …", where a name may hold anything: whether its parent is the caller, and it has not ended. */
static bool is_own(const char *line) {
  const char *behind = strrchr(line, ')');
  char state = '\0';
  int parent = 0;
  return behind && sscanf(behind, ") %c %d", &state, &parent) == 2 && parent == getpid() && state != 'Z' &&
         state != 'X';
}

/* "name (123)" of the line. */
static void add_name(const char *line, char *names, size_t size) {
  const char *name = strchr(line, '('), *behind = strrchr(line, ')');
  size_t length = strlen(names);
  if (!name || !behind || behind < name) return;
  snprintf(names + length, size - length, "%s%.*s (%d)", length ? ", " : "", (int)(behind - name - 1), name + 1,
           (int)strtol(line, NULL, 10));
}

size_t bt_child_left(char *names, size_t size) {
  siginfo_t one = {.si_pid = 0};
  size_t count = 0;
  int ignored;
  names[0] = '\0';
  (void)has_ended(0, &ignored);
  if (waitid(P_ALL, 0, &one, WEXITED | WNOHANG | WNOWAIT) != 0) return 0;
  DIR *folder = opendir("/proc");
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    char path[300], line[512];
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    FILE *file = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' ? fopen(path, "re") : NULL;
    if (!file) continue;
    if (fgets(line, sizeof line, file) && is_own(line)) {
      count++;
      add_name(line, names, size);
    }
    fclose(file);
  }
  if (folder) closedir(folder);
  return count ? count : 1;
}

bt_child_event bt_child_wait(pid_t child, int64_t most_ns, int *code) {
  sigset_t set;
  make_set(&set);
  struct timespec most = {.tv_sec = most_ns / 1000000000, .tv_nsec = most_ns % 1000000000};
  if (has_ended(child, code)) return BT_CHILD_ENDED;
  int received = sigtimedwait(&set, NULL, &most);
  if (has_ended(child, code)) return BT_CHILD_ENDED;
  if (received != SIGINT && received != SIGTERM) return BT_CHILD_NOTHING;
  /* Ctrl-C reaches the whole group of the terminal by itself. */
  if (child && received == SIGTERM) kill(child, SIGTERM);
  return BT_CHILD_INTERRUPTED;
}
