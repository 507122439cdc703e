# shellcheck shell=bash
# The files in nginx's folder: the shipped nginx.conf, and in here/ the listening addresses, the certificate and the
# instances of this system. Natively and in Docker they differ only in the array NGINX:
#   listen, grpc, status    addresses of the site, of gRPC and of stub_status
#   tls, certificate, key   address with TLS, and both files as nginx sees them; empty without a certificate
#   server, grpc_server     one address for each instance, with its options, separated by line breaks
#   resolver                a DNS server if the addresses are names
#   files                   number of files that a worker may open
# Sourced by init.sh after ops/layout.sh.
declare -A NGINX=()

# Prints the number of files that a worker may open: the hard limit here, or unlimited.
worker_files() {
    if [[ $1 =~ ^[0-9]+$ ]] && (($1 < 32768)); then echo "$1"; else echo 32768; fi
}

# Prints the lines of a server block: address, options of the address with TLS, those without.
listen_lines() {
    if [[ -z ${NGINX[certificate]} ]]; then
        echo "listen $1$3;"
    else
        printf 'listen %s ssl%s;\nssl_certificate %s;\nssl_certificate_key %s;\n' "$1" "$2" "${NGINX[certificate]}" "${NGINX[key]}"
    fi
}

# Prints an upstream: name, addresses.
upstream() {
    local address
    printf 'upstream %s {\n    zone %s 128k;\n    least_conn;\n' "$1" "$1"
    while IFS= read -r address; do echo "    server $address max_fails=4 fail_timeout=4s;"; done <<<"$2"
    # Shorter than in the instance, which closes idle connections after 30 s.
    printf '    keepalive 64;\n    keepalive_timeout 20s;\n}\n'
}

# Prints each different word of a list: format, words separated by commas.
words() {
    local word list
    IFS=, read -r -a list <<<"$2"
    for word in $(printf '%s\n' "${list[@]}" | sort -u); do
        # shellcheck disable=SC2059 # the format is an argument
        [[ $word == none ]] || printf "$1" "$word"
    done
}

write_nginx_files() {
    local site=${NGINX[listen]}
    [[ -z ${NGINX[certificate]} ]] || site=${NGINX[tls]}
    sed "s/^worker_rlimit_nofile .*/worker_rlimit_nofile ${NGINX[files]};/" nginx.conf | write_file nginx/nginx.conf
    write_file nginx/here/words.conf <nginx/words.conf
    listen_lines "$site" " http2" "" | write_file nginx/here/server.conf
    listen_lines "${NGINX[grpc]}" " http2" " http2" | write_file nginx/here/grpc.conf
    {
        [[ -z ${NGINX[resolver]} ]] || echo "resolver ${NGINX[resolver]} valid=2s ipv6=off;"
        upstream jornada "${NGINX[server]}"
        upstream jornada-grpc "${NGINX[grpc_server]}"
        cat <<CONF
# 1: exempt from the limits.
geo \$exempt { default 0; $(words "%s 1; " "127.0.0.0/8,::1,$STACK_EXEMPT")}
# Takes the address of the client from the proxy in front; otherwise all clients would share the limit of the proxy.
$(words "set_real_ip_from %s;\n" "$STACK_PROXY")
real_ip_header X-Forwarded-For;
real_ip_recursive on;
server {
    listen ${NGINX[status]};
    access_log off;
    # Machines elsewhere never reach it; in Docker the exporter is in another container.
    allow 127.0.0.0/8;
    allow 10.0.0.0/8;
    allow 172.16.0.0/12;
    allow 192.168.0.0/16;
    deny all;
    location = /nginx_status { stub_status; }
}
CONF
        # The name in a request is not trusted: a cache in between could serve the redirect to others.
        [[ -z ${NGINX[certificate]} ]] ||
            echo "server { listen ${NGINX[listen]}; return 308 ${STACK_PUBLIC_URL%/}\$request_uri; }"
    } | write_file nginx/here/http.conf
}
