# shellcheck shell=bash
# The faults, one function for each drill; each returns once the system has recovered. Sourced by drill/system.sh after
# ops/native.sh, whose supervisord restarts programs that die.

FROZEN=() # processes that are stopped

# Prints the process id of a program: its name in supervisord.
pid_of() {
    local pid
    pid=$(ctl pid "$1") && [[ $pid -gt 1 ]] && echo "$pid"
}

# Kills a program like a power failure; supervisord restarts it.
kill_program() {
    local pid
    pid=$(pid_of "$1") || fail "$1 is not running" "bash init.sh --native status"
    # shellcheck disable=SC2034 # read by drills that measure times
    KILLED_AT=$EPOCHREALTIME
    kill -KILL "$pid"
}

# Kills programs and keeps them down. The first kill comes without warning. Then supervisord, which may have restarted the
# programs, is told to stop them, and the new processes are killed too, because a regular stop can take long: programs...
kill_and_stop() {
    local name pid stopping
    for name in "$@"; do kill_program "$name"; done
    ctl stop "$@" >/dev/null 2>&1 &
    stopping=$!
    while kill -0 "$stopping" 2>/dev/null; do
        sleep 0.3
        for name in "$@"; do
            if pid=$(pid_of "$name"); then kill -KILL "$pid" 2>/dev/null || true; fi
        done
    done
    wait "$stopping" || true
}

wait_until_ready() {
    local name
    for name in "$@"; do wait_until "$name is ready again" "$name" is_ready "$name"; done
}

mongodb_is_complete() {
    local member ports=()
    for member in "${MONGODS[@]}"; do ports+=("${PORTS[$member]}"); done
    /usr/bin/python3 drill/primary.py "${ports[@]}"
}

object_store_works() {
    s3_works "http://127.0.0.1:${PORTS[s3]}" "$STACK_S3_ACCESS_KEY" "$STACK_S3_SECRET_KEY"
}

# One after the other, so that requests of different kinds and ages are cut off, and only one instance is down at a time.
one_instance_dies() {
    local name
    for name in "${INSTANCES[@]}"; do
        kill_program "app:$name"
        sleep 1
        wait_until_ready "$name"
    done
}

two_instances_die() {
    kill_program app:app2
    kill_program app:app3
    sleep 1
    wait_until_ready app2 app3
}

# By `init.sh upgrade`. A program of other bytes counts as a new one; one that says an older version must be refused.
instances_are_updated() {
    local next=$STACK/run/next
    printf '#!/bin/sh\necho jornada 0.0.1\n' >"$next"
    chmod 755 "$next"
    ! STACK_PROGRAM=$next bash init.sh --native upgrade >"$STACK/run/said" 2>&1 || fail "an older program was installed"
    grep -q "0.0.1 is older than" "$STACK/run/said" || fail "the older program was refused for another reason: $(cat "$STACK/run/said")"
    { cat "$STACK/bin/jornada" && echo; } >"$next"
    STACK_PROGRAM=$next bash init.sh --native upgrade >"$STACK/run/said" 2>&1 || fail "the upgrade failed: $(tail -n 5 "$STACK/run/said")"
    [[ $(grep -c "^restarting app" "$STACK/run/said") -eq ${#INSTANCES[@]} ]] || fail "not every instance was replaced"
    rm "$next"
}

primary_dies() {
    local port member
    port=$(mongodb_is_complete) || fail "the replica set is not complete" "bash init.sh --native status"
    for member in "${MONGODS[@]}"; do
        [[ ${PORTS[$member]} != "$port" ]] || kill_program "stores:$member"
    done
    wait_until "all members of the replica set are back" mongod1 mongodb_is_complete
}

redis_dies_and_is_emptied() {
    kill_and_stop stores:redis
    find "$STACK/redis" -mindepth 1 -delete
    sleep "$AWAY_REDIS"
    ctl start stores:redis >/dev/null
    wait_until "Redis answers" redis redis_works
}

object_store_is_down() {
    kill_and_stop stores:weed
    sleep "$AWAY_S3"
    ctl start stores:weed >/dev/null
    wait_until "the object store stores an object" weed object_store_works
}

upload_memory_is_full() {
    local name doors=()
    for name in "${INSTANCES[@]}"; do doors+=("${PORTS[$name]}:${PORTS[ops${name#app}]}"); done
    /usr/bin/python3 drill/fill.py "$FULL" "${doors[@]}" >&2
}

# --- Freezes: the process keeps its connections and answers nothing.

# Stops processes as if they hung: programs...
freeze() {
    local name pid
    for name in "$@"; do
        pid=$(pid_of "$name") || fail "$name is not running" "bash init.sh --native status"
        FROZEN+=("$pid")
        kill -STOP "$pid"
    done
}

thaw() {
    [[ ${#FROZEN[@]} -eq 0 ]] || kill -CONT "${FROZEN[@]}" 2>/dev/null || true
    FROZEN=()
}

freeze_for_a_while() {
    freeze "$@"
    sleep "$SECONDS_FROZEN"
    thaw
}

# Prints the members of MongoDB in a state: primary or secondary.
members() {
    local port member
    port=$(mongodb_is_complete) || fail "the replica set is not complete" "bash init.sh --native status"
    for member in "${MONGODS[@]}"; do
        if [[ ${PORTS[$member]} == "$port" ]]; then echo "primary stores:$member"; else echo "secondary stores:$member"; fi
    done | sed -n "s/^$1 //p"
}

an_instance_freezes() {
    freeze_for_a_while app:app1
    wait_until_ready app1
}

primary_freezes() {
    freeze_for_a_while "$(members primary)"
    wait_until "all members of the replica set are back" mongod1 mongodb_is_complete
}

a_secondary_freezes() {
    freeze_for_a_while "$(members secondary | head -n 1)"
    wait_until "all members of the replica set are back" mongod1 mongodb_is_complete
}

redis_freezes() {
    freeze_for_a_while stores:redis
    wait_until "Redis answers" redis redis_works
}

object_store_freezes() {
    freeze_for_a_while stores:weed
    wait_until "the object store stores an object" weed object_store_works
}

# Restores the system after any fault: everything runs afterwards.
restore_system() {
    thaw
    ctl start "stores:*" "app:*" "door:*" >/dev/null 2>&1 || true
    wait_until "all members of the replica set are back" mongod1 mongodb_is_complete
    wait_until "the object store stores an object" weed object_store_works
    wait_until_ready "${INSTANCES[@]}"
}
