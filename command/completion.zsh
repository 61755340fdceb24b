#compdef rubato
# Completes rubato in zsh: source <(rubato completion zsh), or as the file _rubato in $fpath
_rubato() {
  local name doc
  local -a choices space
  while IFS=$'\t' read -r name doc; do
    choices+=("${name//:/\\:}:$doc")
    [[ $name == *= ]] && space=(-S '')
  done < <("${(Q)~words[1]}" completion -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)
  if (( $#choices )); then
    _describe 'rubato' choices "${space[@]}"
  else
    _files
  fi
}
if [[ $funcstack[1] == _rubato ]]; then _rubato "$@"; else compdef _rubato rubato; fi
