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

step "From source to running: kubectl ystack pipeline run examples/hello"
kubectl ystack pipeline run examples/hello

step "What runs, and the record of it"
kubectl get deployment,pods,service -n hello
kubectl ystack pipeline list
kubectl ystack deploy-image history -f examples/hello

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
