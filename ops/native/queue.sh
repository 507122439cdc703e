# shellcheck shell=bash
# The queue of votes of the native system: its server and its consumers. Each is a program of its own in supervisord, so
# that a change of STACK_QUEUE or STACK_CONSUMERS restarts nothing else. Sourced by ops/native.sh.

QUEUE_TOPIC=votes
SECONDS_TO_EMPTY=60
SECONDS_TO_EMPTY_AT_STOP=10

# Prints the name of a queue's server, which is also that of its folder: queue.
queue_server() {
    if [[ $1 == redis ]]; then echo redis-queue; else echo "$1"; fi
}

# Prints the setting JORNADA_QUEUE: queue.
queue_url() {
    case $1 in
        redis) echo "redis://:$STACK_REDIS_PASSWORD@127.0.0.1:${PORTS[redis-queue]}/" ;;
        kafka) echo "kafka://127.0.0.1:${PORTS[kafka]}/$QUEUE_TOPIC" ;;
        *) echo direct: ;;
    esac
}

known_queues() {
    grep -v direct "$STACK/queues" 2>/dev/null || true
}

# Sets QUEUES to the queues whose servers must run, those of an earlier STACK_QUEUE that may still contain votes first, and
# CONSUMERS. The file `queues` lists them, so that an interrupted change continues with the next start.
choose_queues() {
    local queue number
    QUEUES=() CONSUMERS=()
    for queue in $(known_queues); do
        [[ $queue == "$STACK_QUEUE" ]] || QUEUES+=("$queue")
    done
    QUEUES+=("$STACK_QUEUE")
    [[ ${QUEUES[*]} != direct ]] || return 0
    for ((number = 1; number <= STACK_CONSUMERS; number++)); do CONSUMERS+=("consumer$number"); done
}

# --- Files

# Sets JAVA and KAFKA_COPY, a folder of the stack with the jars, so that an update never changes those of a running broker.
install_queues() {
    local work
    [[ " ${QUEUES[*]} " == *" kafka "* ]] || return 0
    need_kafka
    JAVA=$(command -v java)
    KAFKA_COPY=$STACK/kafka/$(basename "$(realpath "$KAFKA_LIBS/..")")
    [[ ! -d $KAFKA_COPY ]] || return 0
    mkdir -p "$STACK/kafka"
    work=$(mktemp -d "$STACK/kafka/new.XXXXXX")
    cp "$KAFKA_LIBS"/*.jar "$work"
    chmod 755 "$work"
    mv "$work" "$KAFKA_COPY"
}

# The settings of one consumer, or of the commands that concern a queue: name, queue.
write_queue_user() {
    write_file "$1/.env" <<ENV
JORNADA_INSTANCE='$1'
JORNADA_QUEUE='$(queue_url "$2")'
JORNADA_STORE='$(store_url)'
JORNADA_CAMPAIGNS='$STACK/campaigns'
JORNADA_SECRET='$STACK_SECRET'
JORNADA_LOKI='$(loki_url)'
JORNADA_LOG_FORMAT='json'
JORNADA_OPS_LISTEN='127.0.0.1:${PORTS[ops$1]:-0}'
ENV
}

write_queue() {
    local queue
    for queue in "${QUEUES[@]}"; do
        case $queue in
            redis)
                # Without a limit, votes that no consumer takes would fill the memory of the machine.
                write_file redis-queue.conf <<CONF
bind 127.0.0.1
port ${PORTS[redis-queue]}
requirepass $STACK_REDIS_PASSWORD
dir $STACK/redis-queue
save ""
appendonly yes
appendfsync always
maxmemory 768mb
maxmemory-policy noeviction
CONF
                ;;
            kafka)
                write_file kafka/log4j2.properties <ops/kafka/log4j2.properties
                # A single broker has no replica: it writes to the disk before it acknowledges.
                { kafka_settings "${PORTS[kafka]}" "${PORTS[kafka_controller]}" "$STACK/kafka/data" && echo log.flush.interval.messages=1; } |
                    write_file kafka/server.properties
                ;;
            *) continue ;;
        esac
        write_queue_user "$(queue_server "$queue")" "$queue"
    done
    printf '%s\n' "${QUEUES[@]}" | write_file queues
}

queue_programs() {
    local queue name
    for queue in "${QUEUES[@]}"; do
        case $queue in
            redis) program redis-queue 20 "/usr/bin/redis-server $STACK/redis-queue.conf" ;;
            kafka) program kafka 30 "$JAVA -Xms128m -Xmx512m -Dlog4j2.configurationFile=$STACK/kafka/log4j2.properties \
-cp $KAFKA_COPY/* kafka.Kafka $STACK/kafka/server.properties" ;;
            *) continue ;;
        esac
        echo "priority=12"
    done
    for name in "${CONSUMERS[@]}"; do
        # A consumer has 25 s to store and commit what it has read.
        program "$name" 30 "$STACK/bin/jornada consume"
        echo "priority=15"
    done
}

# --- Start

# Makes supervisord take over its configuration, and removes the folders of consumers that it no longer runs.
update_programs() {
    local folder gone=()
    for folder in "$STACK"/consumer[0-9]; do
        [[ ! -d $folder || " ${CONSUMERS[*]} " == *" ${folder##*/} "* ]] || gone+=("$folder")
    done
    # The watcher starts later without them, and sends no mail about them.
    [[ ${#gone[@]} -eq 0 ]] || ctl stop telemetry:watch >/dev/null || true
    ctl update >/dev/null
    [[ ${#gone[@]} -eq 0 ]] || rm -rf "${gone[@]}"
}

# Runs a command of the program about a queue: queue, arguments of `jornada queue`...
queue_command() {
    local folder
    folder=$STACK/$(queue_server "$1")
    (cd "$folder" && as_owner timeout 20 "$STACK/bin/jornada" queue "${@:2}")
}

# Formats the folder of Kafka, once, with a new cluster id.
format_kafka() {
    [[ ! -f $STACK/kafka/data/meta.properties ]] || return 0
    as_owner "$JAVA" -cp "$KAFKA_COPY/*" kafka.tools.StorageTool format -t "$(kafka_cluster_id)" \
        -c "$STACK/kafka/server.properties" >"$STACK/log/kafka-format.log" 2>&1 ||
        fail "cannot format the folder of Kafka" "look into $STACK/log/kafka-format.log"
}

# Starts the servers of the queues, and restarts those whose settings have changed. A former queue that is broken does not
# keep the system from starting.
start_queues() {
    local queue name now action
    read_running
    for queue in "${QUEUES[@]}"; do
        [[ $queue != direct ]] || continue
        name=$(queue_server "$queue")
        [[ $queue != kafka ]] || format_kafka
        now=$({ cat "$STACK/$name.conf" "$STACK/$name/server.properties" 2>/dev/null || true; } | sha256sum)
        action=start
        if is_running "$name"; then action=restart; fi
        [[ $action == restart && $now == "$(cat "$STACK/$name/stamp" 2>/dev/null)" ]] || ctl "$action" "$name" >/dev/null ||
            [[ $queue != "$STACK_QUEUE" ]] || fail "$name does not start" "look into $STACK/log/$name.log"
        write_file "$name/stamp" <<<"$now"
        [[ $queue != "$STACK_QUEUE" ]] || wait_until "the queue answers" "$name" queue_command "$queue" create --partitions "$QUEUE_PARTITIONS"
    done
}

# Starts the consumers of a queue, or moves them to it: queue.
start_consumers() {
    local name
    [[ $1 != direct ]] || return 0
    for name in "${CONSUMERS[@]}"; do
        write_queue_user "$name" "$1"
        give_to_owner "$STACK/$name"
    done
    start_in_turn "" "${CONSUMERS[@]}"
}

# Prints how many votes of a queue are not stored yet, or nothing if that is unknown: queue.
waiting_votes() {
    { queue_command "$1" status 2>/dev/null || true; } | read_lag
}

# Waits until all votes of a queue are stored: queue, seconds.
wait_until_empty() {
    local deadline=$((SECONDS + $2))
    until [[ $(waiting_votes "$1") == 0 ]]; do
        ((SECONDS < deadline)) || return 1
        sleep 1
    done
}

# After a change of STACK_QUEUE: the consumers store what waits in the former queue, then move to the new one, and the
# server of the former queue is removed; its data are kept.
empty_former_queues() {
    local queue
    [[ ${#QUEUES[@]} -gt 1 ]] || return 0
    # shellcheck disable=SC2034 # read by undo_start: the site works, so nothing is stopped from here on
    STARTED_HERE=
    for queue in "${QUEUES[@]::${#QUEUES[@]}-1}"; do
        start_consumers "$queue"
        wait_until_empty "$queue" "$SECONDS_TO_EMPTY" ||
            fail "the former queue ($queue) still has votes ($(waiting_votes "$queue")); its consumers continue" "bash init.sh, later"
    done
    write_file queues <<<"$STACK_QUEUE"
    choose_queues
    write_all_files
    update_programs
    start_consumers "$STACK_QUEUE"
    read_running
    start_telemetry
}

# --- Status, stop

print_queue() {
    local name bad=0
    choose_queues
    [[ ${QUEUES[*]} != direct ]] || { echo "votes are inserted directly, without a queue" && return; }
    for name in "${QUEUES[@]}"; do
        [[ $name != direct ]] || continue
        echo "queue $name:"
        queue_command "$name" status || { echo "the queue $name is NOT in order" && bad=1; }
    done
    for name in "${CONSUMERS[@]}"; do
        if is_ready "$name"; then echo "$name ready"; else echo "$name NOT ready" && bad=1; fi
    done
    return "$bad"
}

# Stops the consumers, once the votes that wait are stored or 10 s have passed, and the servers of the queues.
stop_queues() {
    local queue consumers servers=()
    mapfile -t consumers < <({ ctl status || true; } | awk '$1 ~ /^consumer[0-9]$/ { print $1 }')
    for queue in $(known_queues); do
        servers+=("$(queue_server "$queue")")
        [[ ${#consumers[@]} -eq 0 ]] || wait_until_empty "$queue" "$SECONDS_TO_EMPTY_AT_STOP" || true
    done
    [[ ${#servers[@]} -eq 0 ]] || ctl stop "${consumers[@]}" "${servers[@]}" >/dev/null || true
}
