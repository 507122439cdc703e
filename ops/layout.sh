# shellcheck shell=bash
# The files of the native stack, all below $STACK: programs, settings of each server, supervisord's configuration.
# Generated at each start; only files that differ are replaced. Sourced by init.sh after ops/settings.sh.

INSTANCES=(app1 app2 app3)
MONGODS=(mongod1 mongod2 mongod3)
# Monitoring, on ports from +601. The last three run only if they are installed.
TELEMETRY=(prometheus alertmanager node-exporter redis-exporter nginx-exporter mongodb-exporter grafana loki loki-grpc)
declare -A PORTS=()

# Everything except nginx listens on 127.0.0.1. SeaweedFS also uses each of its ports + 10000.
number_ports() {
    local base=$STACK_BASE_PORT number
    for number in 1 2 3; do
        PORTS[app$number]=$((base + number))
        PORTS[grpc$number]=$((base + 50 + number))
        PORTS[ops$number]=$((base + 100 + number))
        PORTS[mongod$number]=$((base + 200 + number))
    done
    for ((number = 1; number <= ${STACK_CONSUMERS:-1}; number++)); do PORTS[opsconsumer$number]=$((base + 120 + number)); done
    PORTS[redis]=$((base + 301))
    PORTS[redis-queue]=$((base + 302))
    PORTS[kafka]=$((base + 303))
    PORTS[kafka_controller]=$((base + 304))
    PORTS[s3]=$((base + 401))
    PORTS[weed_master]=$((base + 402))
    PORTS[weed_volume]=$((base + 403))
    PORTS[weed_filer]=$((base + 404))
    PORTS[nginx_status]=$((base + 501))
    PORTS[watch]=$((base + 701))
    for number in "${!TELEMETRY[@]}"; do PORTS[${TELEMETRY[number]}]=$((base + 601 + number)); done
    # shellcheck disable=SC2034 # ports that must be free before a start
    ALL_PORTS=("${PORTS[@]}" "${STACK_LISTEN##*:}" "${STACK_GRPC_LISTEN##*:}" $((base + 10401)) $((base + 10402))
        $((base + 10403)) $((base + 10404)))
}

# Writes standard input to a file of the stack, readable only by its owner; keeps a file with the same content: path.
write_file() {
    local path=$STACK/$1 fresh
    if mkdir -p "$(dirname "$path")" 2>/dev/null && fresh=$(umask 077 && mktemp "$path.XXXXXX" 2>/dev/null) && cat 2>/dev/null >"$fresh"; then
        if cmp -s "$fresh" "$path"; then rm "$fresh"; else mv "$fresh" "$path"; fi
        return
    fi
    [[ -z ${fresh:-} ]] || rm -f "$fresh"
    fail "cannot write $path" "free some space (df -h $STACK), or run it as the owner of $STACK"
}

# Copies a program, so that a build or an update of this folder never changes a running one: file, name.
install_program() {
    local path=$STACK/bin/$2
    ! cmp -s "$1" "$path" || return 0
    { cp "$1" "$path.new" 2>/dev/null && chmod 755 "$path.new" && mv "$path.new" "$path"; } || {
        rm -f "$path.new"
        fail "cannot write $path" "free some space (df -h $STACK), or run it as the owner of $STACK"
    }
}

members() {
    local member list=()
    for member in "${MONGODS[@]}"; do list+=("127.0.0.1:${PORTS[$member]}"); done
    printf '%s\n' "${list[@]}"
}

write_server_settings() {
    write_file mongodb.key <<<"$STACK_MONGODB_KEY"
    write_file redis.conf <<CONF
bind 127.0.0.1
port ${PORTS[redis]}
requirepass $STACK_REDIS_PASSWORD
dir $STACK/redis
appendonly yes
maxmemory-policy noeviction
CONF
    s3_identities "$STACK_S3_ACCESS_KEY" "$STACK_S3_SECRET_KEY" | write_file s3.json
}

store_url() {
    echo "mongodb://jornada:$STACK_MONGODB_PASSWORD@$(members | paste -sd,)/jornada?replicaSet=rs0&authSource=admin"
}

# The settings of one instance, in its own working folder, where the application reads them.
write_instance_settings() {
    local name=$1 number=${1#app}
    write_file "$name/.env" <<ENV
JORNADA_INSTANCE='$name'
JORNADA_LISTEN='127.0.0.1:${PORTS[$name]}'
JORNADA_OPS_LISTEN='127.0.0.1:${PORTS[ops$number]}'
JORNADA_GRPC_LISTEN='127.0.0.1:${PORTS[grpc$number]}'
JORNADA_PUBLIC_URL='$STACK_PUBLIC_URL'
JORNADA_HOSTS='$STACK_HOSTS'
JORNADA_EXEMPT='$STACK_EXEMPT'
JORNADA_ADMIN_TOTP='$STACK_ADMIN_TOTP'
JORNADA_STORE='$(store_url)'
JORNADA_PHOTOS='s3://jornada-photos?endpoint=http://127.0.0.1:${PORTS[s3]}&region=us-east-1'
AWS_ACCESS_KEY_ID='$STACK_S3_ACCESS_KEY'
AWS_SECRET_ACCESS_KEY='$STACK_S3_SECRET_KEY'
JORNADA_CACHE='redis://:$STACK_REDIS_PASSWORD@127.0.0.1:${PORTS[redis]}/'
JORNADA_QUEUE='$(queue_url "$STACK_QUEUE")'
JORNADA_CAMPAIGNS='$STACK/campaigns'
JORNADA_SECRET='$STACK_SECRET'
JORNADA_PHOTO_KEY='$STACK_PHOTO_KEY'
JORNADA_LOKI='$(loki_url)'
JORNADA_LOG_FORMAT='json'
ENV
}

# The campaigns of this folder, and those of the start-up check and of the drill of votes.
write_campaigns() {
    local file own=(ops/probe.toml ops/votes.toml)
    mkdir -p "$STACK/campaigns"
    for file in "$STACK"/campaigns/*; do
        [[ -e campaigns/${file##*/} || " ${own[*]} " == *" ops/${file##*/} "* ]] || rm -f "$file"
    done
    for file in campaigns/* "${own[@]}"; do write_file "campaigns/${file##*/}" <"$file"; done
}

write_nginx() {
    local name servers=() grpc=()
    for name in "${INSTANCES[@]}"; do
        servers+=("127.0.0.1:${PORTS[$name]}")
        grpc+=("127.0.0.1:${PORTS[grpc${name#app}]}")
    done
    # shellcheck disable=SC2034 # used by ops/nginx.sh
    NGINX=([listen]=$STACK_LISTEN [tls]=$STACK_TLS_LISTEN [grpc]=$STACK_GRPC_LISTEN [status]=127.0.0.1:${PORTS[nginx_status]}
        [certificate]=$STACK_TLS_CERTIFICATE [key]=$STACK_TLS_KEY [resolver]=""
        [files]=$(worker_files "$(ulimit -Hn)")
        [server]=$(printf '%s\n' "${servers[@]}") [grpc_server]=$(printf '%s\n' "${grpc[@]}"))
    write_nginx_files
}

# One program of supervisord: name, stop timeout in seconds, command.
program() {
    cat <<CONF
[program:$1]
command=$3
directory=$STACK/$1
stdout_logfile=$STACK/log/$1.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=5
redirect_stderr=true
autostart=false
autorestart=true
startretries=100000
stopwaitsecs=$2
killasgroup=true

CONF
    mkdir -p "$STACK/$1"
}

programs() {
    local name
    # The transaction of an instance that died locks its records until it expires. Without --slowms mongod logs commands
    # that take longer than 100 ms, with the names and documents in them.
    # A secondary that reads from a frozen member turns to another one after two seconds, not after nine.
    for name in "${MONGODS[@]}"; do
        program "$name" 60 "$STACK/bin/mongod --replSet rs0 --bind_ip 127.0.0.1 --port ${PORTS[$name]} \
--dbpath $STACK/$name --unixSocketPrefix $STACK/$name --keyFile $STACK/mongodb.key --wiredTigerCacheSizeGB 0.25 \
--slowms 2147483647 --setParameter shutdownTimeoutMillisForSignaledShutdown=1000 --setParameter transactionLifetimeLimitSeconds=5 \
--setParameter oplogNetworkTimeoutBufferSeconds=1 --setParameter oplogFetcherSteadyStateMaxFetcherRestarts=0"
    done
    program redis 20 "/usr/bin/redis-server $STACK/redis.conf"
    program weed 40 "$STACK/bin/weed server -dir=$STACK/weed -ip=127.0.0.1 -ip.bind=127.0.0.1 \
-master.port=${PORTS[weed_master]} -volume.port=${PORTS[weed_volume]} -filer -filer.port=${PORTS[weed_filer]} \
-s3 -s3.port=${PORTS[s3]} -s3.config=$STACK/s3.json -s3.port.iceberg=0 -s3.port.lance=0 \
-master.electionTimeout=1s -master.heartbeatInterval=100ms -master.volumeSizeLimitMB=1024 \
-master.telemetry=false -volume.max=300 -volume.preStopSeconds=1"
    # An instance waits up to 25 s for requests in flight.
    for name in "${INSTANCES[@]}"; do program "$name" 30 "$STACK/bin/jornada serve"; done
    program nginx 30 "/usr/sbin/nginx -e stderr -p $STACK/nginx -c $STACK/nginx/nginx.conf -g \"daemon off;\""
    # SIGQUIT lets requests finish; SIGTERM would abort them.
    echo "stopsignal=QUIT"
    queue_programs
    telemetry_programs
    watch_program
}

write_supervisord() {
    local limit
    limit=$(ulimit -Hn)
    [[ $limit != unlimited ]] && ((limit < 65536)) || limit=65536
    mkdir -p "$STACK/log" "$STACK/run"
    write_file supervisord.conf <<CONF
[unix_http_server]
file=$STACK/run/supervisor.sock
chmod=0700

[supervisord]
logfile=$STACK/log/supervisord.log
pidfile=$STACK/run/supervisord.pid
childlogdir=$STACK/log
umask=077
minfds=$limit

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://$STACK/run/supervisor.sock

$(programs)

; Groups start together. Groups and single programs stop in descending order of priority: nginx first, the stores last.
[group:stores]
programs=$(printf '%s,' "${MONGODS[@]}")redis,weed
priority=10

[group:app]
programs=$(printf '%s,' "${INSTANCES[@]}" | sed 's/,$//')
priority=20

[group:door]
programs=nginx
priority=30

[group:telemetry]
programs=$(telemetry_names)
priority=40
CONF
}

write_all_files() {
    mkdir -p "$STACK/bin"
    install_program "$PROGRAM" jornada
    install_program "$TOOLS/mongod" mongod
    install_program "$TOOLS/weed" weed
    write_server_settings
    write_queue
    for name in "${INSTANCES[@]}"; do write_instance_settings "$name"; done
    write_campaigns
    write_nginx
    write_telemetry
    write_watch
    write_supervisord
    touch "$STACK/.jornada-stack"
    give_to_owner "$STACK"
}
