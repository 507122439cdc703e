# shellcheck shell=bash
# The settings that docker-compose.yml mounts, as folders below $STACK (data/docker): a file that is mounted alone keeps its
# old content after an update, and a clone with a strict umask could not be read. Sourced by ops/docker.sh.

# The service of each folder whose programs read it only when they start. nginx is reloaded instead.
SUMMED=(mongo prometheus alertmanager loki alloy grafana/provisioning)

choose_files() {
    STACK=${STACK_FILES:-$PWD/data/docker}
    mkdir -p "$STACK"
    # Contains the key of the certificate. The engine mounts the folders below.
    chmod 700 "$STACK"
}

# The certificate and its key, which may be links into folders that are not mounted.
write_certificate() {
    [[ -n $STACK_TLS_CERTIFICATE ]] || { rm -rf "$STACK/nginx/tls" && return; }
    write_file nginx/tls/certificate.pem <"$STACK_TLS_CERTIFICATE"
    write_file nginx/tls/key.pem <"$STACK_TLS_KEY"
}

write_docker_nginx() {
    local files options
    read -r files options < <(ask_nginx)
    save_setting STACK_OPEN_FILES "$files"
    # shellcheck disable=SC2034 # used by ops/nginx.sh
    NGINX=([listen]=8080 [tls]=8443 [grpc]=8050 [status]=8081 [certificate]="" [key]="" [resolver]=127.0.0.11 [files]=$files
        [server]=$(printf "%s:4000 $options\n" "${INSTANCES[@]}")
        [grpc_server]=$(printf "%s:4050 $options\n" "${INSTANCES[@]}"))
    [[ -z $STACK_TLS_CERTIFICATE ]] ||
        NGINX+=([certificate]=/etc/nginx/site/tls/certificate.pem [key]=/etc/nginx/site/tls/key.pem)
    write_nginx_files
}

# Prints the number of files that nginx may open in this engine, and `resolve` if it follows names: an instance may then be
# away, and may come back with another address. nginx does that since 1.27.3; the one that Debian 12 packages, which stands
# in where no image can be pulled, does not.
ask_nginx() {
    local answer version options=resolve
    answer=$(docker run --rm --network none --entrypoint sh "$(image_of nginx)" -c 'ulimit -Hn; nginx -v' 2>&1) || answer=
    version=$(sed -n 's|.*nginx/\([0-9.]*\).*|\1|p' <<<"$answer")
    [[ -z $version || $(printf '%s\n' 1.27.3 "$version" | sort -V | head -n 1) == 1.27.3 ]] || options=
    echo "$(worker_files "$(grep -x '[0-9]*' <<<"$answer")") $options"
}

# Prints the image of a service as docker-compose.yml names it.
image_of() {
    awk -v service="  $1:" '$0 == service { found = 1 } found && $1 == "image:" { print $2; exit }' docker-compose.yml
}

# Prints a checksum of the files of a folder: folder, further conditions of find.
sum_of() {
    (cd "$STACK/$1" && find . -type f "${@:2}" | sort | xargs sha256sum | sha256sum | cut -c 1-12)
}

write_docker_files() {
    local name sum
    write_certificate
    write_docker_nginx
    write_file mongo/replica_set.js <ops/mongo/replica_set.js
    copy_files prometheus/prometheus.yml prometheus/rules/* loki/loki.yaml
    for name in prometheus/docker/*.yml; do write_file "prometheus/here/${name##*/}" <"$name"; done
    for name in alertmanager.sh alertmanager.yml mail.tmpl; do write_file "alertmanager/$name" <"prometheus/$name"; done
    write_file alloy/nginx.alloy <loki/nginx.alloy
    copy_files grafana/dashboards/*.json grafana/provisioning/*/*.yml
    chmod -R go+rX "$STACK"/*/
    for name in "${SUMMED[@]}"; do
        sum=$(sum_of "$name" -not -path './here/*')
        name=${name##*/}
        save_setting "STACK_SUM_${name^^}" "$sum"
    done
}
