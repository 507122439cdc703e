#!/usr/bin/env bash
# Applies an overlay in order, and waits: settings and stores first, then the Job `prepare`, then the roles. A failed step stops it
# before any pod of a role is replaced.
#
#   bash k8s/rollout.sh k8s/overlays/local
#
# The first time, `kubectl apply -k` alone does too: pods restart until the stores answer.
set -euo pipefail

NAMESPACE=jornada
COMPONENT=app.kubernetes.io/component
TIMEOUT=900

[[ $# -eq 1 && -f $1/kustomization.yaml ]] || {
    echo "expected: bash k8s/rollout.sh k8s/overlays/local" >&2
    exit 1
}
objects=$(kubectl kustomize "$1")

# Applies the objects that a selector of labels matches. kubectl fails if there is none.
apply() {
    printf '%s\n' "$objects" | kubectl apply --filename - --selector "$1"
}

# Waits for the pods of the workloads that exist.
wait_for() {
    local workload workloads
    workloads=$(kubectl --namespace "$NAMESPACE" get deployment,statefulset --selector "$1" --output name)
    for workload in $workloads; do
        kubectl --namespace "$NAMESPACE" rollout status "$workload" --timeout "${TIMEOUT}s"
    done
}

# Waits for a Job to complete; fails as soon as it failed, which `kubectl wait` does not notice.
wait_for_job() {
    local conditions deadline=$((SECONDS + TIMEOUT))
    while ((SECONDS < deadline)); do
        conditions=$(kubectl --namespace "$NAMESPACE" get job "$1" --output 'jsonpath={.status.conditions[?(@.status=="True")].type}')
        case " $conditions " in
        *" Complete "*) return ;;
        *" Failed "*) break ;;
        esac
        sleep 2
    done
    echo "job/$1 did not complete: kubectl --namespace $NAMESPACE logs job/$1 --all-containers" >&2
    return 1
}

# Jobs cannot be changed.
kubectl --namespace "$NAMESPACE" delete job prepare mongodb-init --ignore-not-found
# All but the program and nginx. Never empty: the namespace is among them.
apply "app.kubernetes.io/name notin (jornada, nginx)"
wait_for "$COMPONENT in (mongodb, redis, seaweedfs)"
if grep --quiet '^kind: Kafka$' <<<"$objects"; then
    kubectl --namespace "$NAMESPACE" wait kafka/jornada --for condition=Ready --timeout "${TIMEOUT}s"
fi
apply "$COMPONENT=prepare"
wait_for_job prepare
printf '%s\n' "$objects" | kubectl apply --filename -
wait_for "$COMPONENT"
