# Completes rubato in bash: source <(rubato completion bash)
# shellcheck shell=bash
_rubato() {
  local line=${COMP_LINE:0:COMP_POINT} program=${1/#\~/$HOME} words choice last kept=
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  last=${words[${#words[@]} - 1]}
  [[ $COMP_WORDBREAKS == *=* ]] && kept=${last%"${last##*=}"} # bash replaces only what is behind =
  COMPREPLY=()
  while IFS=$'\t' read -r choice _; do
    COMPREPLY+=("${choice#"$kept"}")
  done < <("$program" completion -- "${words[@]:1}" 2>/dev/null)
  if [[ ${COMPREPLY[0]-} == *= ]]; then compopt -o nospace 2>/dev/null; fi # bash 3 has no compopt
}
complete -o default -F _rubato rubato
