#!/bin/sh
# Writes the manual pages and the shell completions into a folder, from the program's own table of commands: make-man.sh BETRACE FOLDER.
# They are never edited and never committed, so they cannot say something else than --help.
set -eu
program=$1
folder=$2
mkdir -p "$folder"
"$program" help --man >"$folder/betrace.1"
for name in $("$program" help --names); do
  "$program" help --man "$name" >"$folder/betrace-$name.1"
done
"$program" completion bash >"$folder/betrace.bash"
"$program" completion zsh >"$folder/_betrace"
"$program" completion fish >"$folder/betrace.fish"
