# shellcheck shell=bash
# Checks k8s/ and what it takes from the rest of the repository, without a cluster. Sourced by test.sh after ops/parts.sh.

check_kubernetes() {
    /usr/bin/python3 -B k8s/generate.py --check || return
    /usr/bin/python3 -B ops/kubernetes/capacity.py --check || return
    check_nginx_of_kubernetes || return
    /usr/bin/python3 -B ops/kubernetes/rollout.py "$TOOLS" || return
    /usr/bin/python3 -B ops/kubernetes/check.py "$TOOLS"
}

# Debian's nginx does not know `resolve`, and there is no DNS of a cluster: both are replaced.
check_nginx_of_kubernetes() {
    local work
    work=$(mktemp -d "${TMPDIR:-/tmp}/jornada-nginx.XXXXXX")
    mkdir "$work/here"
    cp nginx/kubernetes/nginx.conf "$work"
    cp nginx/words.conf nginx/kubernetes/{http,server,grpc}.conf "$work/here"
    sed -i "s/ resolve / /; s/serve-each.jornada.svc.cluster.local/127.0.0.1/; s|/var/cache/nginx|$work|" "$work/here/http.conf"
    echo "resolver 127.0.0.1 valid=2s;" >"$work/resolver.conf"
    nginx -t -q -e stderr -p "$work" -c "$work/nginx.conf" || return
    rm -r "$work"
}
