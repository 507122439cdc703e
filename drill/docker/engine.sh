# shellcheck shell=bash
# A Docker engine and images for a machine that has no engine or reaches no registry. Needs root and Debian 12. Sourced by
# drill/docker.sh after ops/parts.sh.
#
# All stand-ins are one image of Debian's system under the names that docker-compose.yml and the Dockerfile use. What differs
# from the official images, apart from glibc instead of musl:
#   rust      compiles nothing: its cargo lays the program in STACK_PROGRAM
#   nginx     Debian's 1.22: does not follow names (`resolve`)
#   redis     Debian's 7.0
#   mongo     mongod 6.0.5, mongosh of npm on this machine's Node; its docker-entrypoint.sh only runs its arguments
#   weed      the pinned version, from its wheel
# The monitoring has none: the site must start without it.

ENGINE_PID=""
MONGOSH=mongosh@2.12.0

# Uses the engine that answers, or starts one of Debian's packages, unpacked below .tools and not installed: data folder.
need_engine() {
    local root=$TOOLS/engine work package
    ! docker version >/dev/null 2>&1 || return 0
    [[ $(id -u) -eq 0 ]] || fail "an engine of its own needs root" "sudo bash drill/docker.sh"
    if [[ ! -x $root/usr/sbin/dockerd ]]; then
        need_packages iptables libdevmapper1.02.1 libseccomp2
        work=$(mktemp -d "$TOOLS/fetch.XXXXXX")
        chmod 777 "$work"
        (cd "$work" && apt-get download -q docker.io containerd runc tini) >&2 || fail "cannot download the engine" "apt-get update"
        for package in "$work"/*.deb; do dpkg-deb --extract "$package" "$work/root"; done
        ln -sf tini "$work/root/usr/bin/docker-init"
        mv "$work/root" "$root"
        rm -r "$work"
    fi
    export PATH=$root/usr/bin:$root/usr/sbin:$PATH DOCKER_HOST=unix://$1/docker.sock
    # In a mount namespace of its own, in which `rslave` mounts work everywhere.
    setsid unshare --mount --propagation shared dockerd --data-root "$1/data" --exec-root "$1/run" --pidfile "$1/pid" \
        --host "$DOCKER_HOST" >"$1/dockerd.log" 2>&1 </dev/null &
    ENGINE_PID=$!
    until docker version >/dev/null 2>&1; do
        kill -0 "$ENGINE_PID" 2>/dev/null || fail "the engine does not start: $(tail -n 1 "$1/dockerd.log")"
        sleep 0.5
    done
}

stop_engine() {
    [[ -n $ENGINE_PID ]] || return 0
    kill "$ENGINE_PID" 2>/dev/null || true
    wait "$ENGINE_PID" 2>/dev/null || true
    ENGINE_PID=
}

# Prints the images that the site needs, as the shipped files name them.
site_images() {
    sed -nE 's/^FROM ([^ ]+:[^ ]+).*/\1/p' Dockerfile
    sed -nE 's/^ +image: ((nginx|mongo|redis|chrislusf\/seaweedfs):[^ ]+)$/\1/p' docker-compose.yml
}

need_mongosh() {
    [[ ! -d $TOOLS/$MONGOSH ]] || return 0
    need_command npm npm
    npm install --silent --omit=optional --prefix "$TOOLS/$MONGOSH.new" "$MONGOSH" >&2 || fail "cannot install $MONGOSH" "npm install $MONGOSH"
    mv "$TOOLS/$MONGOSH.new" "$TOOLS/$MONGOSH"
}

# Prints the source of Debian's packages on this machine: mirror, suite, components.
debian_source() {
    # shellcheck disable=SC2016 # apt-get's own variables
    apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' | head -n 1
}

# Builds what cannot be pulled: folder for the build.
need_images() {
    local image mirror suite component missing=()
    for image in $(site_images | sort -u); do
        docker image inspect "$image" >/dev/null 2>&1 || timeout 300 docker pull --quiet "$image" >/dev/null 2>&1 || missing+=("$image")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    say "stand-ins for ${missing[*]}"
    need_mongosh
    need_command debootstrap debootstrap
    read -r mirror suite component < <(debian_source)
    # bash, nginx and the rest in one go; the engine's network needs no packet filter then.
    debootstrap --variant=minbase --components="$component" \
        --include=ca-certificates,busybox,nginx-light,redis-server,libcurl4,libstdc++6 "$suite" "$1/root" "$mirror" \
        >"$1/debootstrap.log" 2>&1 || fail "debootstrap: $(tail -n 1 "$1/debootstrap.log")"
    lay_programs "$1/root"
    tar --directory "$1/root" --numeric-owner --create . | docker import - jornada-stand-in >/dev/null
    rm -rf "$1/root"
    for image in "${missing[@]}"; do docker tag jornada-stand-in "$image"; done
}

# Adds to a Debian system what the stand-ins run: its folder.
lay_programs() {
    local root=$1 source=${PROGRAM_SOURCE:-$PWD}
    rm -rf "$root"/var/cache/apt/archives/*.deb
    install -m 755 "$TOOLS/mongod" "$TOOLS/weed" "$(command -v node)" "$root/usr/local/bin"
    cp -R "$TOOLS/$MONGOSH/node_modules" "$root/usr/local/lib/node_modules"
    ln -s ../lib/node_modules/.bin/mongosh "$root/usr/local/bin/mongosh"
    ln -s /bin/busybox "$root/usr/local/bin/wget"
    # shellcheck disable=SC2016 # for the shell there
    printf '#!/bin/bash\nexec "$@"\n' >"$root/usr/local/bin/docker-entrypoint.sh"
    install -m 755 "$STACK_PROGRAM" "$root/usr/local/lib/program"
    # A build without optimisation reads its static files from the folder of its sources (PROGRAM_SOURCE).
    cat >"$root/usr/local/bin/cargo" <<SH
#!/bin/sh
set -e
install -D /usr/local/lib/program target/release/jornada
[ ! -d static ] || { mkdir -p /root-of-image$source/crates/http && cp -r static /root-of-image$source; }
SH
    chmod 755 "$root/usr/local/bin/docker-entrypoint.sh" "$root/usr/local/bin/cargo"
    # Those that Debian's packages made have other numbers.
    sed -i '/^\(redis\|nginx\|mongodb\):/d' "$root/etc/passwd" "$root/etc/group"
    printf 'nginx:x:101:101::/:/bin/false\nredis:x:999:1000::/:/bin/false\nmongodb:x:999:999::/data/db:/bin/false\n' >>"$root/etc/passwd"
    printf 'nginx:x:101:\nredis:x:1000:\nmongodb:x:999:\n' >>"$root/etc/group"
    install -d -o 999 -g 999 "$root/data" "$root/data/db"
    # The build of the Dockerfile installs a compiler, which is not needed here.
    printf '#!/bin/sh\n' >"$root/usr/local/bin/apt-get"
    chmod 755 "$root/usr/local/bin/apt-get"
    install -d "$root/root-of-image"
}
