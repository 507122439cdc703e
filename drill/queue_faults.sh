# shellcheck shell=bash
# The faults of the queue of votes: of its server, its consumers, and of the store behind it. Sourced by drill/votes.sh after
# drill/faults.sh. Each returns once the system has recovered.

DISK="" # the folder over which a small disk is mounted
GARBAGE=0         # records written that cannot become a vote
SKIPPED=""        # why a fault is not possible here

# --- Parts

queue_is_up() {
    queue_command "$STACK_QUEUE" create --partitions "$QUEUE_PARTITIONS"
}

wait_for_queue() {
    wait_until "the queue answers" "$SERVER" queue_is_up
    wait_until_ready "${CONSUMERS[@]}"
}

start_mongodb() {
    local member
    for member in "${MONGODS[@]}"; do ctl start "stores:$member" >/dev/null; done
    wait_until "all members of the replica set are back" mongod1 mongodb_is_complete
    wait_until_ready "${INSTANCES[@]}"
}

start_queue() {
    ctl start "$SERVER" >/dev/null
    wait_for_queue
}

queue_redis() {
    REDISCLI_AUTH=$STACK_REDIS_PASSWORD redis-cli -h 127.0.0.1 -p "${PORTS[redis-queue]}" "$@"
}

# --- Kills

# Each consumer is stopped for a moment, so that votes wait and it has full batches in work when it is killed.
consumers_die() {
    local name kill
    for ((kill = 1; kill <= KILLS; kill++)); do
        for name in "${CONSUMERS[@]}"; do
            freeze "$name"
            sleep 1
            thaw
            sleep "0.0$((RANDOM % 9 + 1))"
            kill_program "$name"
        done
        sleep 1
        wait_until_ready "${CONSUMERS[@]}"
    done
}

queue_dies() {
    kill_program "$SERVER"
    sleep 1
    wait_for_queue
}

# --- Freezes

consumers_freeze() {
    freeze_for_a_while "${CONSUMERS[@]}"
    wait_until_ready "${CONSUMERS[@]}"
}

queue_freezes() {
    freeze_for_a_while "$SERVER"
    wait_for_queue
}

# --- Away

store_is_away() {
    kill_and_stop "${MONGODS[@]/#/stores:}"
    sleep "$SECONDS_AWAY"
    start_mongodb
}

queue_is_away() {
    kill_and_stop "$SERVER"
    sleep "$SECONDS_AWAY"
    start_queue
}

store_and_queue_are_away() {
    kill_and_stop "$SERVER" "${MONGODS[@]/#/stores:}"
    sleep "$SECONDS_AWAY"
    start_mongodb
    start_queue
}

# --- Consumers

# Starts or stops consumers as an operator does: number.
scale_consumers() {
    # The installed program, so that nothing is built.
    STACK_CONSUMERS=$1 STACK_PROGRAM=$STACK/bin/jornada bash init.sh --native >/dev/null ||
        fail "the number of consumers did not change to $1" "bash init.sh --native status"
    STACK_CONSUMERS=$1
    number_ports
    choose_queues
}

consumers_are_scaled() {
    local count
    for count in 1 5 2; do
        [[ $count == "$STACK_CONSUMERS" ]] || scale_consumers "$count"
        sleep "$AROUND"
    done
    scale_consumers "$CONSUMERS_BEFORE"
}

# --- Full

# Gives the server of the queue a small disk (tmpfs) that is then filled up, and later takes it away again.
disk_is_full() {
    local folder=$STACK/redis-queue size
    [[ $STACK_QUEUE == redis ]] || folder=$STACK/kafka/data
    kill_and_stop "$SERVER"
    size=$(($(du -sk "$folder" | cut -f1) + 8 * 1024))
    rm -rf "$folder.disk"
    cp -a "$folder" "$folder.disk"
    if ! mount -t tmpfs -o "size=${size}k" tmpfs "$folder"; then
        # shellcheck disable=SC2034 # read by drill/votes.sh
        SKIPPED="no disk can be mounted here"
        rm -rf "$folder.disk"
        start_queue
        return 0
    fi
    DISK=$folder
    copy_folder "$folder.disk" "$folder"
    start_queue
    sleep "$AROUND"
    fill_disk "$folder"
    sleep "$SECONDS_FULL"
    say "disk of $SERVER: $(df --output=avail -k "$folder" | tail -n 1) KB free"
    rm "$folder/filler"
    wait_for_queue
    remove_disk
    start_queue
}

# Leaves 64 KB free: path.
fill_disk() {
    local free
    free=$(df --output=avail -k "$1" | tail -n 1)
    head -c "$((free - 64))K" /dev/zero >"$1/filler"
}

# Copies a folder with its owner and holes to an existing one: from, to.
copy_folder() {
    cp -a --sparse=always "$1/." "$2"
}

# Stops the server and moves its files back to the disk of the system.
remove_disk() {
    [[ -n $DISK ]] || return 0
    rm -rf "$DISK.disk" "$DISK/filler"
    ctl stop "$SERVER" >/dev/null || true
    cp -a --sparse=always "$DISK" "$DISK.disk"
    umount "$DISK"
    find "$DISK" -mindepth 1 -delete
    copy_folder "$DISK.disk" "$DISK"
    rm -rf "$DISK.disk"
    DISK=
}

# Redis refuses entries; what it holds can be read and removed.
memory_is_full() {
    queue_redis CONFIG SET maxmemory 1mb >/dev/null
    sleep "$SECONDS_FULL"
    queue_redis CONFIG SET maxmemory 768mb >/dev/null
}

# --- Garbage

# Prints records that cannot become a vote: key, tab, value.
garbage_records() {
    local long
    printf -v long '%0100000d' 0
    printf '%s\t%s\n' short '{"_campaign":"simulacro-votos"}' \
        drill-garbage '' \
        drill-garbage 'not JSON' \
        drill-garbage '["a list"]' \
        drill-garbage '{"half' \
        drill-garbage $'\x01\xff\xfe\xc0' \
        drill-garbage "{\"_campaign\":\"simulacro-votos\",\"numero\":\"$long\"}" \
        drill-garbage '{"_campaign":"no-such"}' \
        drill-garbage '{"_campaign":"simulacro"}' \
        drill-garbage '{"_campaign":"simulacro-votos","numero":"1","mesa":"99","opcion":"x"}' \
        drill-garbage '{"_campaign":"simulacro-votos","_received_at":"never"}'
}

garbage_is_written() {
    local key value
    for _ in 1 2 3; do
        GARBAGE=$((GARBAGE + $(garbage_records | wc -l)))
        if [[ $STACK_QUEUE == redis ]]; then
            while IFS=$'\t' read -r key value; do
                printf '%s' "$value" | queue_redis -x XADD jornada:votes '*' key "$key" value >/dev/null
            done < <(garbage_records)
        else
            need_kafka
            garbage_records | kafka_java org.apache.kafka.tools.ConsoleProducer \
                --bootstrap-server "127.0.0.1:${PORTS[kafka]}" --topic "$QUEUE_TOPIC" --reader-property parse.key=true >/dev/null
        fi
        sleep "$AROUND"
    done
}

# --- The end

# Ends every fault, however the drill ended.
restore_queue() {
    [[ $STACK_QUEUE != redis ]] || queue_redis CONFIG SET maxmemory 768mb >/dev/null 2>&1 || true
    remove_disk
    ctl start "$SERVER" "${CONSUMERS[@]}" >/dev/null 2>&1 || true
    restore_system
    wait_for_queue
    [[ $STACK_CONSUMERS == "$CONSUMERS_BEFORE" ]] || scale_consumers "$CONSUMERS_BEFORE"
}
