# shellcheck shell=bash
# Settings and secrets of the stack: lines STACK_NAME=value in the file .env, which docker-compose reads too. Sourced by
# init.sh after ops/parts.sh. The application reads none of these names, so `cargo run` in this folder still starts with
# embedded stores. Each instance gets its own settings, derived from these, in its own folder.

# Another file allows a second system beside the first, as in drill/fresh.sh.
ENV_FILE=${STACK_ENV_FILE:-$PWD/.env}

# Number of partitions of a new topic of Kafka: at least the highest STACK_CONSUMERS. A topic keeps its number.
# shellcheck disable=SC2034 # used by ops/native/queue.sh and ops/docker.sh
QUEUE_PARTITIONS=12

# Settings with their defaults. A variable of the environment takes precedence and is saved in .env.
declare -A SETTINGS=(
    [STACK_LISTEN]="0.0.0.0:8080"     # where nginx listens
    [STACK_GRPC_LISTEN]="0.0.0.0:8050" # where nginx listens for gRPC; with TLS, if it has a certificate
    [STACK_BASE_PORT]="4000"          # all other parts listen on 127.0.0.1, on ports relative to this one
    [STACK_PUBLIC_URL]=""             # public URL of the site, for receipts; default: taken from each request; required with TLS
    [STACK_HOSTS]=""                  # further host names that the site accepts; without it and STACK_PUBLIC_URL, any
    [STACK_EXEMPT]="127.0.0.0/8,::1"  # addresses exempt from the rate limits of nginx and the application
    [STACK_PROXY]=""                  # addresses of a proxy in front of nginx, whose X-Forwarded-For is believed
    [STACK_ADMIN_TOTP]="optional"     # required: admins must set up a second factor
    [STACK_TLS_LISTEN]="0.0.0.0:8443" # where nginx listens with TLS, if it has a certificate
    [STACK_TLS_CERTIFICATE]=""        # full path of the certificate with its chain
    [STACK_TLS_KEY]=""                # full path of its key
    [STACK_QUEUE]="direct"            # queue of votes: direct (none), redis (Redis Streams) or kafka
    [STACK_CONSUMERS]="1"             # consumers of the queue, 1 to 9; none run without a queue
    [STACK_SMTP]=""                   # smtp://user:password@host:port or smtps://…; empty: no mails are sent
    [STACK_SMTP_CA]=""                # full path of a PEM file: certificates to accept beside those of the system
    [STACK_MAIL_FROM]=""              # sender of mails
    [STACK_MAIL_TO]=""                # recipients: the administrators, separated by commas
    [STACK_MAIL_HELLO]=""             # name in EHLO; default: the machine's full name, else the domain of the sender
    [STACK_WATCH_NEUTRAL]=""          # host:port outside the system; if it does not answer either, the watcher may be cut off
    [STACK_GRAFANA_LISTEN]="127.0.0.1:3000" # where docker-compose.yml publishes Grafana
    [STACK_FILES]=""                  # folder of the settings that docker-compose.yml mounts; default: data/docker
    [STACK_DOCKER_LOGS]=""            # folder of the engine's log files; default: as the engine says
)
# Generated once. The staff token is not among them: the store holds only its hash, so it is created when the store runs.
SECRETS=(STACK_SECRET STACK_PHOTO_KEY STACK_MONGODB_KEY STACK_MONGODB_ADMIN_PASSWORD STACK_MONGODB_PASSWORD STACK_REDIS_PASSWORD
    STACK_S3_ACCESS_KEY STACK_S3_SECRET_KEY STACK_MONGODB_MONITOR_PASSWORD STACK_GRAFANA_PASSWORD)

# Reads the STACK_ lines only. The file is never executed.
read_env_file() {
    local line number=0
    [[ -f $ENV_FILE ]] || return 0
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        [[ $line == STACK_* ]] || continue
        [[ $line =~ ^(STACK_[A-Z0-9_]+)=([A-Za-z0-9_.:/@%+=,?-]*)$ ]] ||
            fail "$ENV_FILE, line $number: expected NAME=value without quotes or spaces" "edit $ENV_FILE"
        # The environment takes precedence.
        [[ -v ${BASH_REMATCH[1]} ]] || declare -g "${BASH_REMATCH[1]}=${BASH_REMATCH[2]}"
    done <"$ENV_FILE"
}

# Fails if the file belongs to somebody else: it holds the secrets.
check_env_file() {
    [[ ! -e $ENV_FILE || -r $ENV_FILE ]] ||
        fail "$(id -un) cannot read $ENV_FILE, which belongs to $(stat --format %U "$ENV_FILE")" "run it as that user: sudo -u $(stat --format %U "$ENV_FILE") bash init.sh"
}

# Prints the value of a line of .env that init.sh saved there: name.
saved_setting() {
    [[ ! -f $ENV_FILE ]] || sed -n "s/^$1=//p" "$ENV_FILE"
}

# Replaces one line of .env atomically: name and value; without a value the line is removed.
save_setting() {
    local name=$1 fresh
    [[ $# -lt 2 ]] || ! grep -qxF -- "$1=$2" "$ENV_FILE" 2>/dev/null || return 0
    fresh=$(umask 077 && mktemp "$ENV_FILE.XXXXXX" 2>/dev/null) || fail "cannot write to the folder of $ENV_FILE" "free some space, or run it as the owner of that folder"
    # On a full disk the former file stays: the secrets must not be cut off.
    if { [[ ! -f $ENV_FILE ]] || grep -v "^$name=" "$ENV_FILE" >"$fresh" 2>/dev/null || [[ $? -eq 1 ]]; } &&
        { [[ $# -lt 2 ]] || printf '%s=%s\n' "$name" "$2" 2>/dev/null >>"$fresh"; } && mv "$fresh" "$ENV_FILE"; then
        return
    fi
    rm -f "$fresh"
    fail "cannot write $ENV_FILE, which is unchanged" "free some space: df -h $(dirname "$ENV_FILE")"
}

random_hex() {
    od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

check_settings() {
    local name
    for name in STACK_LISTEN STACK_TLS_LISTEN STACK_GRPC_LISTEN; do
        [[ ${!name} =~ ^([0-9.]+|\[[0-9a-f:.]+\]):[0-9]+$ ]] || fail "$name is not an address" "STACK_LISTEN=0.0.0.0:8080 bash init.sh"
    done
    [[ $STACK_BASE_PORT =~ ^[1-9][0-9]{3,4}$ && $STACK_BASE_PORT -ge 1024 && $STACK_BASE_PORT -le 22000 ]] ||
        fail "STACK_BASE_PORT is not a port from 1024 to 22000" "STACK_BASE_PORT=4000 bash init.sh"
    [[ $STACK_QUEUE =~ ^(direct|redis|kafka)$ ]] ||
        fail "STACK_QUEUE is none of direct, redis and kafka" "STACK_QUEUE=direct bash init.sh"
    [[ $STACK_CONSUMERS =~ ^[1-9]$ ]] || fail "STACK_CONSUMERS is not a number from 1 to 9" "STACK_CONSUMERS=1 bash init.sh"
    # Alertmanager encrypts from the first byte on only on port 465.
    [[ $STACK_SMTP != smtps://* || ! ${STACK_SMTP##*[@/]} =~ :([0-9]+) || ${BASH_REMATCH[1]} == 465 ]] ||
        fail "STACK_SMTP: smtps:// needs port 465" "use that, or smtp://…?tls=required"
    [[ ${STACK_TLS_CERTIFICATE:+set} == "${STACK_TLS_KEY:+set}" ]] ||
        fail "only one of STACK_TLS_CERTIFICATE and STACK_TLS_KEY is set" "set both, or none"
    # nginx redirects plain HTTP there. The host name in a request cannot be trusted.
    [[ -z $STACK_TLS_CERTIFICATE || $STACK_PUBLIC_URL =~ ^https://[A-Za-z0-9.-]+(:[0-9]+)?/?$ ]] ||
        fail "STACK_PUBLIC_URL: with a certificate expected https://NAME or https://NAME:PORT, not '$STACK_PUBLIC_URL'" \
            "STACK_PUBLIC_URL=https://example.org bash init.sh"
    [[ -z $STACK_FILES || $STACK_FILES == /* ]] || fail "STACK_FILES is not a full path" "STACK_FILES=/srv/jornada bash init.sh"
    for name in STACK_TLS_CERTIFICATE STACK_TLS_KEY; do
        [[ -z ${!name} || -r ${!name} ]] || fail "$name: cannot read ${!name}" "give the full path of a file"
    done
}

# Reads .env, adds missing lines to it, and sets a variable of the same name for every setting and secret.
load_settings() {
    local name given=()
    for name in "${!SETTINGS[@]}"; do [[ ! -v $name ]] || given+=("$name"); done
    read_env_file
    for name in "${given[@]}"; do save_setting "$name" "${!name}"; done
    for name in "${!SETTINGS[@]}"; do
        [[ -v $name ]] || declare -g "$name=${SETTINGS[$name]}"
    done
    check_settings
    for name in "${SECRETS[@]}"; do
        [[ -z ${!name:-} ]] || continue
        declare -g "$name=$(random_hex 32)"
        save_setting "$name" "${!name}"
    done
    [[ ! -f $ENV_FILE ]] || chmod 600 "$ENV_FILE"
}

# Prints the URL of the site on this machine.
site_url() {
    local scheme=http listen=$STACK_LISTEN
    if [[ -n ${STACK_TLS_CERTIFICATE:-} ]]; then scheme=https listen=$STACK_TLS_LISTEN; fi
    listen=${listen/#0.0.0.0:/127.0.0.1:}
    printf '%s://%s' "$scheme" "${listen/#\[::\]:/[::1]:}"
}

# Creates the first staff token with the given command, saves it in .env and prints it. Prints nothing if one exists.
first_token() {
    local token
    [[ -z ${STACK_STAFF_TOKEN:-} ]] || return 0
    token=$("$1" "first start") || token=
    [[ -n $token ]] || fail "cannot create a staff token" "bash init.sh token NAME"
    save_setting STACK_STAFF_TOKEN "$token"
    printf '%s' "$token"
}
