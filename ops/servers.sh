# shellcheck shell=bash
# The real servers for tests: MongoDB, S3, Redis and Kafka on free loopback ports, with data that is removed when they stop.
# Sourced by test.sh after ops/parts.sh.

SERVERS_DATA=
SERVERS_PIDS=()
SECONDS_TO_START=60
SECONDS_TO_STOP=3 # SeaweedFS would take 17 s or more to save data that is removed anyway

# Starts a server with its output in a file of its name: name, command...
launch() {
    local name=$1
    shift
    # In a separate session, so that Ctrl-C reaches only this script and the servers stop in order.
    setsid "$@" >"$SERVERS_DATA/$name.log" 2>&1 </dev/null &
    SERVERS_PIDS+=("$!")
}

# Repeats a command until it succeeds. Fails if the server has ended: name, pid, command...
wait_for_server() {
    local name=$1 pid=$2 deadline=$((SECONDS + SECONDS_TO_START))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! kill -0 "$pid" 2>/dev/null || ((SECONDS > deadline)); then
            tail -n 20 "$SERVERS_DATA/$name.log" >&2
            fail "$name did not start; its last lines are above"
        fi
        sleep 0.1
    done
}

# Starts one mongod as a replica set, because transactions and change streams need one.
start_mongod() {
    local port=$1 data="$SERVERS_DATA/mongod"
    mkdir "$data"
    launch mongod "$TOOLS/mongod" --replSet rs0 --bind_ip 127.0.0.1 --port "$port" --dbpath "$data" \
        --unixSocketPrefix "$data" --wiredTigerCacheSizeGB 0.25 --slowms 2147483647 --setParameter transactionLifetimeLimitSeconds=5
    wait_for_server mongod "${SERVERS_PIDS[-1]}" /usr/bin/python3 ops/replica_set.py "127.0.0.1:$port"
    export JORNADA_TEST_MONGODB="mongodb://127.0.0.1:$port/?replicaSet=rs0"
}

# Prints SeaweedFS's list of identities, with one access key that has all permissions: access key, secret key.
s3_identities() {
    cat <<JSON
{"identities": [{
    "name": "jornada",
    "credentials": [{"accessKey": "$1", "secretKey": "$2"}],
    "actions": ["Admin", "Read", "List", "Tagging", "Write"]
}]}
JSON
}

# Writes an object and reads it back: after a start the port answers before the volumes are ready.
s3_works() {
    local url=$1 key=$2 secret=$3
    local curl=(curl --silent --fail --max-time 5 --aws-sigv4 "aws:amz:us-east-1:s3" --user "$key:$secret")
    "${curl[@]}" --head "$url/started" || "${curl[@]}" --request PUT "$url/started" || return 1
    # Debian 12's curl does not sign the body by default, so the header declares it unsigned.
    "${curl[@]}" --header "x-amz-content-sha256: UNSIGNED-PAYLOAD" \
        --request PUT --data-binary works "$url/started/probe" || return 1
    [[ $("${curl[@]}" "$url/started/probe") == works ]]
}

start_weed() {
    local s3=$1 master=$2 volume=$3 filer=$4 data="$SERVERS_DATA/weed"
    mkdir "$data"
    JORNADA_TEST_S3_ACCESS_KEY="test-$RANDOM$RANDOM"
    JORNADA_TEST_S3_SECRET_KEY="secret-$RANDOM$RANDOM$RANDOM"
    s3_identities "$JORNADA_TEST_S3_ACCESS_KEY" "$JORNADA_TEST_S3_SECRET_KEY" >"$SERVERS_DATA/s3.json"
    launch weed "$TOOLS/weed" server -dir="$data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
        -master.port="$master" -volume.port="$volume" -filer -filer.port="$filer" \
        -s3 -s3.port="$s3" -s3.config="$SERVERS_DATA/s3.json" -s3.port.iceberg=0 -s3.port.lance=0 \
        -master.electionTimeout=1s -master.heartbeatInterval=100ms -master.volumeSizeLimitMB=64 \
        -master.telemetry=false -volume.max=300 -volume.preStopSeconds=1
    export JORNADA_TEST_S3="http://127.0.0.1:$s3" JORNADA_TEST_S3_ACCESS_KEY JORNADA_TEST_S3_SECRET_KEY
    wait_for_server weed "${SERVERS_PIDS[-1]}" \
        s3_works "$JORNADA_TEST_S3" "$JORNADA_TEST_S3_ACCESS_KEY" "$JORNADA_TEST_S3_SECRET_KEY"
}

start_redis() {
    local port=$1
    launch redis redis-server --bind 127.0.0.1 --port "$port" --dir "$SERVERS_DATA" --save "" --appendonly no
    wait_for_server redis "${SERVERS_PIDS[-1]}" redis-cli -h 127.0.0.1 -p "$port" ping
    export JORNADA_TEST_REDIS="redis://127.0.0.1:$port/"
}

# Starts a Redis for the queue: it acknowledges nothing that is not on the disk.
start_redis_queue() {
    local port=$1 data="$SERVERS_DATA/redis-queue"
    mkdir "$data"
    launch redis-queue redis-server --bind 127.0.0.1 --port "$port" --dir "$data" --save "" --appendonly yes \
        --appendfsync always --maxmemory-policy noeviction
    wait_for_server redis-queue "${SERVERS_PIDS[-1]}" redis-cli -h 127.0.0.1 -p "$port" ping
    export JORNADA_TEST_REDIS_QUEUE="redis://127.0.0.1:$port/"
}

# Prints the settings of one Kafka node that is broker and controller: port, port of the controller, data folder.
kafka_settings() {
    cat <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$2
advertised.listeners=PLAINTEXT://127.0.0.1:$1
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$3
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
CONF
}

# Prints a new cluster id: 16 random bytes in base64 for URLs. A leading - would look like an option.
kafka_cluster_id() {
    head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=' | sed 's/^-/A/'
}

# Runs a class of Kafka: class, arguments...
kafka_java() {
    java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=$PWD/ops/kafka/log4j2.properties" \
        -cp "$KAFKA_LIBS/*" "$@"
}

# Asks the broker for its topics: its port answers before it has registered with the controller.
kafka_works() {
    kafka_java org.apache.kafka.tools.TopicCommand --bootstrap-server "$1" \
        --command-config <(printf 'default.api.timeout.ms=5000\nrequest.timeout.ms=5000\n') --list
}

start_kafka() {
    local port=$1 controller=$2 settings="$SERVERS_DATA/kafka.properties"
    # The last two lines make it start faster, and with less heap.
    {
        kafka_settings "$port" "$controller" "$SERVERS_DATA/kafka"
        printf 'offsets.topic.num.partitions=1\ntransaction.state.log.num.partitions=1\n'
    } >"$settings"
    kafka_java kafka.tools.StorageTool format -t "$(kafka_cluster_id)" -c "$settings" >"$SERVERS_DATA/kafka.log" 2>&1 || {
        tail -n 20 "$SERVERS_DATA/kafka.log" >&2
        fail "cannot format the folder of Kafka; its last lines are above"
    }
    launch kafka java -Xms128m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        "-Dlog4j2.configurationFile=$PWD/ops/kafka/log4j2.properties" -cp "$KAFKA_LIBS/*" kafka.Kafka "$settings"
    wait_for_server kafka "${SERVERS_PIDS[-1]}" kafka_works "127.0.0.1:$port"
    export JORNADA_TEST_KAFKA="127.0.0.1:$port"
}

start_servers() {
    local ports
    SERVERS_DATA=$(mktemp -d "${TMPDIR:-/tmp}/jornada-test.XXXXXX")
    read -r -a ports < <(/usr/bin/python3 ops/free_ports.py 9)
    start_mongod "${ports[0]}"
    start_redis "${ports[1]}"
    start_redis_queue "${ports[2]}"
    start_kafka "${ports[@]:3:2}"
    start_weed "${ports[@]:5:4}"
}

# Stops every server that start_servers started, first by SIGTERM, and removes their data.
stop_servers() {
    local pid deadline=$((SECONDS + SECONDS_TO_STOP))
    [[ -n $SERVERS_DATA ]] || return 0
    for pid in "${SERVERS_PIDS[@]}"; do
        kill -TERM "$pid" 2>/dev/null || true
    done
    for pid in "${SERVERS_PIDS[@]}"; do
        while kill -0 "$pid" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.1; done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$SERVERS_DATA"
    SERVERS_DATA=
}

# Prints the settings of the tests as lines for eval.
print_servers() {
    local name
    for name in "${!JORNADA_TEST_@}"; do
        printf 'export %s=%q\n' "$name" "${!name}"
    done
}
