# shellcheck shell=bash
# Chooses between Docker and this machine, once: STACK_WAY in .env says where the system is. Otherwise a start while the
# engine is away would open an empty site on the same port. Sourced by init.sh after ops/docker.sh.

# Prints where the system is, or nothing if there is none.
known_way() {
    local way
    way=$(saved_setting STACK_WAY)
    if [[ -z $way && -n $(saved_setting STACK_SECRET) ]]; then
        choose_owner
        [[ ! -f $STACK/.jornada-stack ]] || way=native
    fi
    echo "$way"
}

# Sets WAY: the way that an option asks for, or nothing.
choose_way() {
    local known
    check_env_file
    known=$(known_way)
    WAY=${1:-${STACK_WAY:-$known}}
    [[ -z $WAY || $WAY == docker || $WAY == native ]] || fail "STACK_WAY is neither docker nor native" "STACK_WAY=native bash init.sh"
    [[ -z $known || $WAY == "$known" ]] ||
        fail "the system of $ENV_FILE is $(where "$known"), not $(where "$WAY")" "bash init.sh$(option "$known"); or bash init.sh$(option "$known") down, which removes its data"
    [[ -n $WAY ]] || { has_engine && WAY=docker; } || WAY=native
}

where() {
    if [[ $1 == docker ]]; then echo "in Docker"; else echo "on this machine"; fi
}

option() {
    [[ $1 == docker ]] || echo " --native"
}
