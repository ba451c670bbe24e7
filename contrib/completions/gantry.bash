# SPDX-License-Identifier: Apache-2.0
# bash completion of gantry, written by `gantry completion bash`

_gantry_names() {
    "${COMP_WORDS[0]}" "${_gantry_globals[@]}" __names "$1" 2>/dev/null
}

_gantry() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local first= command= i word _gantry_globals=()
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            --host|-H|--context|--namespace|-n)
                if ((i + 1 < COMP_CWORD)); then
                    _gantry_globals+=("$word" "${COMP_WORDS[i+1]}")
                fi
                ((i++)) ;;
            -*) ;;
            *)
                if [[ -z $first ]]; then
                    first=$word command=$word
                elif [[ $command == "$first" ]]; then
                    case "$first $word" in
                        'node drain'|'node undrain'|'node label'|'plugin ls'|'plugin info'|'compose config'|'compose check'|'context ls'|'context use'|'context add'|'context rm') command="$first $word" ;;
                    esac
                fi ;;
        esac
    done
    case $prev in
        --host|-H) :; return ;;
        --context ) COMPREPLY=($(compgen -W "$(_gantry_names context)" -- "$cur")); return ;;
        --namespace|-n) COMPREPLY=($(compgen -W "$(_gantry_names namespace)" -- "$cur")); return ;;
    esac
    case $command in
        '')
            COMPREPLY=($(compgen -W 'up down ps apps nodes node scale logs exec events explain inspect plugin config compose backup restore version context completion man help  --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            return ;;
        node) COMPREPLY=($(compgen -W 'drain undrain label ' -- "$cur")); return ;;
        plugin) COMPREPLY=($(compgen -W 'ls info ' -- "$cur")); return ;;
        compose) COMPREPLY=($(compgen -W 'config check ' -- "$cur")); return ;;
        context) COMPREPLY=($(compgen -W 'ls use add rm ' -- "$cur")); return ;;
        'up')
            case $prev in
                --file|-f) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null; return ;;
                --project|-p) COMPREPLY=($(compgen -W "$(_gantry_names project)" -- "$cur")); return ;;
                --profile ) :; return ;;
                --scale ) COMPREPLY=($(compgen -S = -W "$(_gantry_names app)" -- "$cur")); compopt -o nospace 2>/dev/null; return ;;
                --timeout|-t) :; return ;;
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --file --project --profile --scale --detach --dry-run --timeout --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                :
            fi ;;
        'down')
            case $prev in
                --file|-f) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null; return ;;
                --project|-p) COMPREPLY=($(compgen -W "$(_gantry_names project)" -- "$cur")); return ;;
                --timeout|-t) :; return ;;
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --file --project --detach --timeout --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names project)" -- "$cur"))
            fi ;;
        'ps')
            case $prev in
                --node ) COMPREPLY=($(compgen -W "$(_gantry_names node)" -- "$cur")); return ;;
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --all --node --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names project)" -- "$cur"))
            fi ;;
        'apps')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names project)" -- "$cur"))
            fi ;;
        'nodes')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                :
            fi ;;
        'node drain')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names node)" -- "$cur"))
            fi ;;
        'node undrain')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names node)" -- "$cur"))
            fi ;;
        'node label')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names node)" -- "$cur"))
            fi ;;
        'scale')
            case $prev in
                --timeout|-t) :; return ;;
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --detach --timeout --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -S = -W "$(_gantry_names app)" -- "$cur")); compopt -o nospace 2>/dev/null
            fi ;;
        'logs')
            case $prev in
                --tail ) :; return ;;
                --since ) :; return ;;
                --container|-c) :; return ;;
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --follow --tail --since --previous --timestamps --container --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names target)" -- "$cur"))
            fi ;;
        'exec')
            case $prev in
                --user|-u) :; return ;;
                --workdir|-w) :; return ;;
                --container|-c) :; return ;;
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --interactive --tty --user --workdir --container --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names target)" -- "$cur"))
            fi ;;
        'events')
            case $prev in
                --since ) :; return ;;
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --follow --since --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names project)" -- "$cur"))
            fi ;;
        'explain')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names target)" -- "$cur"))
            fi ;;
        'inspect')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names target)" -- "$cur"))
            fi ;;
        'plugin ls')
            case $prev in
                --scan ) COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null; return ;;
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --scan --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                :
            fi ;;
        'plugin info')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names plugin)" -- "$cur"))
            fi ;;
        'config')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                :
            fi ;;
        'compose config')
            case $prev in
                --file|-f) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null; return ;;
                --project|-p) COMPREPLY=($(compgen -W "$(_gantry_names project)" -- "$cur")); return ;;
                --profile ) :; return ;;
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --file --project --profile --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                :
            fi ;;
        'compose check')
            case $prev in
                --file|-f) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null; return ;;
                --project|-p) COMPREPLY=($(compgen -W "$(_gantry_names project)" -- "$cur")); return ;;
                --profile ) :; return ;;
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --file --project --profile --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                :
            fi ;;
        'backup')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null
            fi ;;
        'restore')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null
            fi ;;
        'version')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                :
            fi ;;
        'context ls')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                :
            fi ;;
        'context use')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names context)" -- "$cur"))
            fi ;;
        'context add')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names context)" -- "$cur"))
            fi ;;
        'context rm')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W "$(_gantry_names context)" -- "$cur"))
            fi ;;
        'completion')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur"))
            fi ;;
        'man')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null
            fi ;;
        'help')
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W ' --host --context --namespace --json --no-color --quiet --help --version' -- "$cur"))
            else
                :
            fi ;;
    esac
}

complete -F _gantry gantry
