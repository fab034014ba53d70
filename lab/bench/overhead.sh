#!/usr/bin/env bash
# overhead.sh [PAIRS]: `pipeline run` against the same tools by hand.
#
# Each pair builds a new revision of examples/hello twice, once by each way and in turn, with the same builder, registry,
# cluster and replicas, until all replicas are ready and the page answers. Prints the medians, and the median of the pairs'
# ratios: both of a pair see the same load of the machine.
# Needs the lab's environment (make bench sets it).
set -euo pipefail
cd "$(dirname "$0")/../.."
pairs=${1:-7}
root=$PWD ns=bench-overhead
work=$(mktemp -d)
trap 'rm -rf "$work"; kubectl delete namespace $ns --wait=false >/dev/null 2>&1 || true' EXIT
export XDG_STATE_HOME=$work/state

kubectl create namespace $ns >/dev/null
registry=$(sed -nE 's/^ *push: *//p' "$YSTACK_SITE")
for app in hand ystack; do
  cp -r examples/hello "$work/$app"
  sed -i "s/^  name: hello/  name: $app/; s/namespace: hello/namespace: $ns/" "$work/$app/ystack.yaml"
  git -C "$work/$app" init -q
done

session=$(date +%s%N)
commit() { # DIR N: a change that makes the compiler work, and that no cache of a measurement before knows
  printf 'package main\n\nconst serial = "%s"\n\nvar _ = serial\n' "$session-$2" >"$1/serial.go"
  git -C "$1" add -A
  git -C "$1" -c user.name=bench -c user.email=bench@example.com commit -qm "$2"
}

bases() { # the bases as a person would pin them: once, by hand
  for b in golang:1.26 busybox:1.35; do
    for r in $(sed -nE 's/^ *bases: *\[(.*)\].*/\1/p' "$YSTACK_SITE" | tr ',' ' '); do
      d=$(curl -sf -o /dev/null -D - -H 'Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json' \
        "http://${r%%/*}/v2/$([ "$r" = "${r#*/}" ] || echo "${r#*/}/")library/${b%%:*}/manifests/${b##*:}" | tr -d '\r' | sed -nE 's/^docker-content-digest: *//Ip') || continue
      [ -n "$d" ] && { echo "--build-context $b=docker-image://$r/library/${b%%:*}@$d"; break; }
    done
  done
}
pins=$(bases)

by_hand() {
  local tag digest
  tag=$registry/hand:$(git -C "$work/hand" rev-parse HEAD)
  # shellcheck disable=SC2086
  buildah build --layers --tls-verify=false $pins -t "$tag" "$work/hand"
  buildah push --tls-verify=false --digestfile "$work/digest" "$tag"
  digest=$(cat "$work/digest")
  sed "s#@@IMAGE@@#$registry/hand@$digest#" "$work/hand.yaml" | kubectl apply -f -
  kubectl rollout status deployment/hand -n $ns
  kubectl get --raw "/api/v1/namespaces/$ns/services/hand:80/proxy/healthz"
}

by_ystack() { "$root/bin/kubectl-ystack" pipeline run --target container "$work/ystack"; }

median() { sort -n | awk '{v[NR]=$1} END {print (NR%2) ? v[(NR+1)/2] : (v[NR/2]+v[NR/2+1])/2}'; }

timed() { # NAME COMMAND: appends seconds to $work/NAME.times
  local start end
  start=$(date +%s%N)
  "$2" >"$work/$1.out" 2>&1 || { cat "$work/$1.out" >&2; exit 1; }
  end=$(date +%s%N)
  echo $(((end - start) / 1000000)) >>"$work/$1.times"
}

# The manifests that a person would keep: what ystack renders, with the image left open.
commit "$work/hand" 0
commit "$work/ystack" 0
by_ystack >"$work/warm.out" 2>&1 || { cat "$work/warm.out" >&2; exit 1; }
kubectl ystack deploy-image -f "$work/ystack" --dry-run=client |
  sed -E "s#image: .*#image: '@@IMAGE@@'#; s/\bystack$/hand/; s/name: ystack/name: hand/; s#app.kubernetes.io/managed-by: hand#app.kubernetes.io/managed-by: person#" >"$work/hand.yaml"
by_hand >"$work/warm.out" 2>&1 || { cat "$work/warm.out" >&2; exit 1; }

for i in $(seq "$pairs"); do
  commit "$work/hand" "$i-hand"
  commit "$work/ystack" "$i-ystack"
  if ((i % 2)); then timed hand by_hand; timed ystack by_ystack; else timed ystack by_ystack; timed hand by_hand; fi
  echo "pair $i: by hand $(tail -1 "$work/hand.times") ms, pipeline run $(tail -1 "$work/ystack.times") ms" >&2
done
ratio=$(paste "$work/ystack.times" "$work/hand.times" | awk '{print $1 / $2}' | median)
printf 'by hand %s ms, pipeline run %s ms (medians of %s), ratio %.3f\n' \
  "$(median <"$work/hand.times")" "$(median <"$work/ystack.times")" "$pairs" "$ratio"

start=$(date +%s%N)
by_ystack >"$work/noop.out" 2>&1
echo "unchanged source: $((($(date +%s%N) - start) / 1000000)) ms, $(head -1 "$work/noop.out" | cut -c1-80)"
