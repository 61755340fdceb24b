# Completes rubato in fish: rubato completion fish | source
function __rubato_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l choices ($program completion -- $words "$last" 2>/dev/null)
    if test (count $choices) -gt 0
        printf '%s\n' $choices
    else
        __fish_complete_path "$last"
    end
end
complete -c rubato -f -a '(__rubato_complete)'
