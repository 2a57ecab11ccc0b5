#!/usr/bin/env bash
# The steps of a pipeline, one after the other: run.sh STEP…, each of fmt, check, test, listen, replay and gate. All run,
# also after one has failed. Reports go into the folder BETRACE_REPORTS. On GitHub problems become annotations, and the
# summary of the job gets a table.
#
#   BETRACE_RULES     rule files and folders, one a line
#   BETRACE_CHECK_FAIL_ON   check: error or warning
#   BETRACE_REPLAY_FAIL_ON  replay: the severity from which on a violation fails
#   BETRACE_TRACES    replay, gate: OTLP files, one a line
#   BETRACE_COMMAND   listen: what runs your tests
#   BETRACE_FLAGS     listen, replay, gate: further flags, words with quotes as on a command line; nothing is expanded
#
# The exit status is 2 when a step was used wrongly, else 1 when one failed, else 3 when one could not find out, else 0.
# 3 is no pass.
set -uo pipefail
reports=${BETRACE_REPORTS:-betrace-reports}
summary=${GITHUB_STEP_SUMMARY:-/dev/null}
mkdir -p "$reports"
exec 5>&1 6>&2 # the log itself: for what is meant for the runner, and for the user's own command

# ---- what is given ----

# What cannot be understood is not left away: then nothing runs.
give_up() {
  echo "betrace: $1" | as_text >&2
  [ -z "${GITHUB_OUTPUT:-}" ] || printf 'status=2\nreports=%s\n' "$reports" >>"$GITHUB_OUTPUT"
  exit 2
}

# Text from rules, traces and names of tests, which is no command of the runner: GitHub takes "::name::" at the begin of
# a line for one, behind blanks of any kind, and "##[name]" anywhere; GitLab's begin with a return and an escape. It goes
# on line by line.
as_text() {
  LC_ALL=C sed -u -e 's/[\x01-\x08\x0b-\x1f\x7f]/?/g' -e 's/\xc2[\x80-\x9f]/?/g' -e 's/##\[/## [/g' -e 's/^[^!-~]*::/| &/'
}

# The words of a line as a shell reads them, with quotes and without all that would expand or run something: into the
# array `words`.
split_words() {
  local text=$1 word='' in=plain has_word='' character i
  words=()
  for ((i = 0; i < ${#text}; i++)); do
    character=${text:i:1}
    case "$in $character" in
      "single '" | 'double "') in=plain ;;
      'single '?) word+=$character ;;
      *' $' | *' `') give_up "flags: a $character came; a shell expands nothing here. Single quotes keep it" ;;
      'double \')
        case "${text:i+1:1}" in
          ['"\$`']) i=$((i + 1)) ;;
        esac
        word+=${text:i:1}
        ;;
      'double '?) word+=$character ;;
      "plain '") in=single has_word=1 ;;
      'plain "') in=double has_word=1 ;;
      'plain \')
        i=$((i + 1))
        [ $i -lt ${#text} ] || give_up 'flags: there is nothing behind the last \'
        word+=${text:i:1} has_word=1
        ;;
      'plain '[[:space:]])
        [ -z "$has_word" ] || words+=("$word")
        word='' has_word=''
        ;;
      'plain '['|&;<>()#']) give_up "flags: a $character came; put it in quotes if it is part of a word" ;;
      *) word+=$character has_word=1 ;;
    esac
  done
  [ $in = plain ] || give_up "flags: there is no end of what stands in $in quotes"
  [ -z "$has_word" ] || words+=("$word")
}

split_words "${BETRACE_FLAGS:-}"
flags=("${words[@]}")
for word in "${flags[@]}"; do
  case "$word" in
    --) give_up "flags: -- came; the input command is what listen runs, which has to come behind it" ;;
    --help | -h) give_up "flags: with $word a step gives no answer" ;;
  esac
done
mapfile -t rules < <(sed '/^[[:space:]]*$/d' <<<"${BETRACE_RULES:-rules}")
mapfile -t traces < <(sed '/^[[:space:]]*$/d' <<<"${BETRACE_TRACES:-}")
[ ${#rules[@]} -gt 0 ] || give_up "rules: there is no rule file"
for file in "${rules[@]}" "${traces[@]}"; do
  case "$file" in
    -*) give_up "rules and traces: $file begins with -; write ./$file if it is a file" ;;
  esac
done
with_rules=() with_traces=()
for file in "${rules[@]}"; do with_rules+=(--rules "$file"); done
for file in "${traces[@]}"; do with_traces+=(--traces "$file"); done

# ---- what is shown ----

result_of() {
  case "$1" in
    0) echo passed ;;
    1) echo failed ;;
    2) echo "used wrongly" ;;
    3) echo "not known, which is no pass" ;;
    *) echo "ended with $1" ;;
  esac
}

# Of a JUnit report each case that did not pass: name, what, message. A case is a line, and so is what it contains.
cases_of() {
  sed -n -E '/<testcase/{
      s/.*<testcase classname="([^"]*)" name="([^"]*)"[^>]*>(.*)/\2\t\3/
      /<(failure|skipped|error)/!{ /\/>$/d; N; s/\n */ / }
      s/^([^\t]*)\t.*<(failure|skipped|error) message="([^"]*)".*/\1\t\2\t\3/p
    }' "$1"
}

unescape() { sed -e 's/&lt;/</g' -e 's/&gt;/>/g' -e 's/&quot;/"/g' -e "s/&apos;/'/g" -e 's/&amp;/\&/g'; }

# Text from rules and traces cannot end a cell of a table, nor become a link or HTML.
cell() { sed -e 's/[\\`*_<>|&[]/\\&/g' | tr -d '\r' | tr '\n' ' ' | sed -e 's/ *$//'; }

row() { printf '| %s | %s | %s |\n' "$1" "$2" "$3" >>"$summary"; }

table_of_cases() {
  local name kind message
  [ -s "$1" ] || return 0
  while IFS=$'\t' read -r name kind message; do
    row "" "$kind" "$(unescape <<<"$name: $message" | cell)"
  done < <(cases_of "$1" | head -n 50)
}

# ::error and ::warning lines, of which GitHub makes annotations at the lines of rule files.
annotate() {
  [ -n "${GITHUB_ACTIONS:-}" ] || return 0
  jq -r '
    def data: gsub("%"; "%25") | gsub("\r"; "%0D") | gsub("\n"; "%0A");
    def property: data | gsub(":"; "%3A") | gsub(","; "%2C");
    .runs[].results[] | .locations[0].physicalLocation as $at |
    "::\(if .level == "error" then "error" else "warning" end) file=\($at.artifactLocation.uri // "" | property)" +
    ",line=\($at.region.startLine // 1),col=\($at.region.startColumn // 1),title=\(.ruleId // "betrace" | property)" +
    "::\(.message.text | data)"' "$1" >&5
}

# Marks for the log: what comes between them can be folded away.
begin_section() {
  if [ -n "${GITHUB_ACTIONS:-}" ]; then
    echo "::group::betrace $1"
  elif [ -n "${GITLAB_CI:-}" ]; then
    printf 'section_start:%s:betrace_%s\r\033[0Kbetrace %s\n' "$(date +%s)" "$1" "$1"
  fi
}

end_section() {
  if [ -n "${GITHUB_ACTIONS:-}" ]; then
    echo "::endgroup::"
  elif [ -n "${GITLAB_CI:-}" ]; then
    printf 'section_end:%s:betrace_%s\r\033[0K\n' "$(date +%s)" "$1"
  fi
}

# Whether there is an answer of the step: flags may ask for something else than what is looked for here.
has_report() {
  case "$1" in
    fmt) ;;
    check) jq -e '.runs' "$reports/check.sarif" ;;
    gate) jq -e '.result' "$reports/gate.json" ;;
    *) grep -q '<testsuite' "$reports/$1.xml" ;;
  esac >/dev/null 2>&1
}

# ---- the steps ----

step_fmt() { betrace fmt --check "${rules[@]}"; }

step_check() {
  local status
  betrace check --fail-on "${BETRACE_CHECK_FAIL_ON:-error}" --output sarif "${rules[@]}" >"$reports/check.sarif"
  status=$?
  [ -s "$reports/check.sarif" ] || return $status
  jq -r '.runs[].results[] | "\(.locations[0].physicalLocation | "\(.artifactLocation.uri):\(.region.startLine // 1)"): " +
    "\(.level): \(.message.text)"' "$reports/check.sarif"
  annotate "$reports/check.sarif"
  return $status
}

step_test() {
  local status
  betrace test --output junit "${rules[@]}" >"$reports/test.xml"
  status=$?
  [ $status -eq 0 ] || cases_of "$reports/test.xml" | unescape
  return $status
}

# The command writes into the log itself: what it says to the runner is its own.
step_listen() {
  local status
  if [ -z "${BETRACE_COMMAND:-}" ]; then
    echo "betrace: listen needs the command that runs your tests, such as: npm test" >&2
    return 2
  fi
  betrace listen "${with_rules[@]}" --report "junit=$reports/listen.xml,sarif=$reports/listen.sarif" \
    --save "$reports/traces.jsonl" "${flags[@]}" -- bash -euo pipefail -c "exec >&5 2>&6 5>&- 6>&-
$BETRACE_COMMAND"
  status=$?
  [ ! -s "$reports/listen.sarif" ] || annotate "$reports/listen.sarif"
  return $status
}

step_replay() {
  local status
  betrace replay "${with_rules[@]}" "${with_traces[@]}" --fail-on "${BETRACE_REPLAY_FAIL_ON:-info}" --output junit \
    "${flags[@]}" >"$reports/replay.xml"
  status=$?
  cases_of "$reports/replay.xml" | unescape
  return $status
}

step_gate() {
  local status
  betrace gate "${with_rules[@]}" "${with_traces[@]}" --json "${flags[@]}" >"$reports/gate.json"
  status=$?
  [ ! -s "$reports/gate.json" ] || jq -r '"gate: \(.result)", (.rules[] |
    "  \(.rule_id): \(.result), baseline \(.baseline.violated)/\(.baseline.exercised), " +
    "candidate \(.candidate.violated)/\(.candidate.exercised)")' "$reports/gate.json"
  return $status
}

# ---- all ----

wrong=0 failed=0 unknown=0
printf '### betrace\n\n| step | result | |\n|---|---|---|\n' >>"$summary"
for step in "$@"; do
  case "$step" in
    fmt | check | test | listen | replay | gate) ;;
    *)
      echo "betrace: $step is no step; expected fmt, check, test, listen, replay or gate" | as_text >&2
      wrong=1
      continue
      ;;
  esac
  rm -f "$reports/$step".{xml,json,sarif}
  begin_section "$step"
  "step_$step" 2>&1 | as_text
  status=${PIPESTATUS[0]}
  if [ "$status" -eq 0 ] && ! has_report "$step"; then
    echo "betrace: $step ended with 0 and wrote no report into $reports, so nothing is known; what do the flags say?"
    status=2
  fi
  end_section "$step"
  echo "betrace $step: $(result_of $status)"
  row "$step" "$(result_of $status)" ""
  [ $status -eq 0 ] || table_of_cases "$reports/$step.xml"
  case $status in
    0) ;;
    2) wrong=1 ;;
    3) unknown=1 ;;
    *) failed=1 ;;
  esac
done
if [ $# -eq 0 ]; then
  echo "betrace: no step was given; expected some of fmt, check, test, listen, replay and gate" >&2
  wrong=1
fi
status=0
[ $unknown -eq 0 ] || status=3
[ $failed -eq 0 ] || status=1
[ $wrong -eq 0 ] || status=2
[ -z "${GITHUB_OUTPUT:-}" ] || printf 'status=%s\nreports=%s\n' "$status" "$reports" >>"$GITHUB_OUTPUT"
exit $status
