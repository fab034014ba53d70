#!/usr/bin/env bash
# The main job on real servers: the example's source goes in, its page comes out.
# Run by `make demo`, which starts the lab and sets its environment.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }

step "kubectl: the plugin is found"
kubectl plugin list
kubectl ystack version

step "A namespace for the application"
kubectl create namespace hello --dry-run=client -o yaml | kubectl apply -f -

step "A cloud for machines: Nova and Ironic"
bin/lab up vms metal

# Images of machines take minutes to make; those that are there are not made again.
step "From source to running, on three platforms: kubectl ystack pipeline run examples/hello"
kubectl ystack pipeline run examples/hello

step "What runs, and the record of it"
kubectl get deployment,pods,service -n hello
kubectl ystack pipeline list
kubectl ystack pipeline show hello
kubectl ystack deploy-image history -f examples/hello
kubectl ystack deploy-image history -f examples/hello --target vm
kubectl ystack deploy-image history -f examples/hello --target baremetal

step "Where the commit is: kubectl ystack where HEAD"
kubectl ystack where HEAD

step "The page of each server"
openstack --os-cloud lab server list --name '^hello-' -f value -c Networks | grep -oE '[0-9]+(\.[0-9]+){3}' | while read -r address; do
  curl -s --fail --retry 5 --retry-all-errors --max-time 5 "http://$address:8080/"
done

step "The page, fetched through the ClusterIP"
ip=$(kubectl get service hello -n hello -o jsonpath='{.spec.clusterIP}')
# The node's rules for a new Service follow a moment after the Service itself.
bin/lab shell -- curl -s --fail --retry 5 --retry-all-errors --max-time 5 "http://$ip/" || { echo "http://$ip/ does not answer" >&2; exit 1; }

step "From outside the cluster: kubectl ystack advertise-clusterip"
kubectl ystack advertise-clusterip hello -n hello --peer 10.89.0.1:64512 --wait 2m
kubectl ystack advertise-clusterip --dns --wait 2m
kubectl ystack advertise-clusterip status

step "The page again, fetched by name by a client behind the router"
# The router's kernel has a route a moment after BIRD has it.
url=http://hello.hello.svc.cluster.local/
bin/lab shell --in client -- curl -s --fail --retry 20 --retry-all-errors --retry-delay 1 --max-time 5 "$url" || { echo "$url does not answer" >&2; exit 1; }

step "A push starts it: kubectl ystack pipeline serve, and the code registry's hook"
work=$(mktemp -d)
export XDG_STATE_HOME=$work/state XDG_CACHE_HOME=$work/cache YSTACK_SITE=$YSTACK_LAB/etc/site-push.yaml
kubectl ystack pipeline serve --listen 127.0.0.1:18088 2>"$work/serve.log" &
serve=$!
trap 'kill $serve; wait $serve; rm -rf "$work"' EXIT
soon() { # COMMAND…: again until it succeeds
  for _ in $(seq 1500); do "$@" >"$work/out" 2>&1 && return; sleep 0.2; done
  cat "$work/out" "$work/serve.log" >&2; return 1
}
soon curl -sSf http://127.0.0.1:18088/readyz
kubectl ystack pipeline hook install dev/hello --url http://127.0.0.1:18088/hook

step "git push"
code=http://127.0.0.1:15030
git -c credential.helper= clone -q "$code/dev/hello.git" "$work/hello"
# This one goes to the cluster only: images of machines take minutes, and this takes seconds.
sed -i '/^    \(vm\|baremetal\): {count/d' "$work/hello/ystack.yaml"
title="Pushed at $(date +%T)"
sed -i "s,<title>.*</title>,<title>$title</title>," "$work/hello/main.go"
git -C "$work/hello" -c user.name=dev -c user.email=dev@lab.example commit -qam "$title"
git -C "$work/hello" push -q "${code/:\/\//://dev:secret-of-dev@}/dev/hello.git" main
commit=$(git -C "$work/hello" rev-parse HEAD)
over() {
  local list
  list=$(kubectl ystack pipeline deliveries list)
  grep "${commit:0:12}" <<<"$list" && ! grep -E 'queued|running' <<<"$list"
}
soon over
kubectl ystack pipeline deliveries list

step "The statuses in the code registry, and the new page"
told() { curl -sSf "$code/api/v1/repos/dev/hello/commits/$commit/status" | grep '"state":"success"'; }
soon told
grep -oE '"status":"[a-z]+","target_url":"[^"]*","description":"[^"]*","url":"[^"]*","context":"[^"]*"' "$work/out" |
  sed -E 's/"status":"([a-z]+)".*"description":"([^"]*)".*"context":"([^"]*)"/\3: \1, \2/'
page() { bin/lab shell -- curl -s --fail --max-time 5 "http://$ip/" | grep "$title"; }
soon page
grep "$title" "$work/out"
