#!/usr/bin/env bash
# image-copy.sh [MIB] [ROUNDS]: an image from Glance to a registry and a file, by us and by what people do otherwise.
#
# Each round does all of it in turn; of each, the best time counts:
#   ours      openstack-ystack image copy glance://… oci://… file:…
#   curl      curl from Glance | tee to the file | curl to the registry, which compares nothing; then sync of the file, as ours does
#   client    openstack image save and sync, then curl from the file to the registry
#   one       ours, to the registry only
#   four      ours, to two registries and two files
#   curl four curl | tee to the same four, which compares nothing; then sync of the files
# Peak memory is the VmHWM of our process. Needs the lab's environment, and five times MIB of disk in TMPDIR.
set -euo pipefail
cd "$(dirname "$0")/../.."
mib=${1:-1024} rounds=${2:-2}
work=$(mktemp -d)
name=bench-$$-$RANDOM
export OS_CLIENT_CONFIG_FILE=$YSTACK_LAB/etc/clouds.yaml HOME=$work YSTACK_SITE=
cloud=lab-alice registries=()
cleanup() {
  bin/openstack-ystack image delete "glance://$cloud/$name" >/dev/null 2>&1 || true
  for pid in "${registries[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap cleanup EXIT

registry() { # PORT: a registry of our own, for the lab's keeps what it once had
  mkdir -p "$work/registry-$1"
  printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:%s"}\n' "$work/registry-$1" "$1" >"$work/$1.yml"
  docker-registry serve "$work/$1.yml" >/dev/null 2>&1 &
  registries+=($!)
  until curl -sf "http://127.0.0.1:$1/v2/" >/dev/null; do sleep 0.1; done
}

timed() { # NAME COMMAND…: milliseconds to $work/NAME.times
  local start=$EPOCHREALTIME end
  "${@:2}"
  end=$EPOCHREALTIME
  echo $(((${end/./} - ${start/./}) / 1000)) >>"$work/$1.times"
}

copy() { # NAME DESTINATION…: and peak memory in KiB to $work/NAME.memory
  bin/openstack-ystack image copy "glance://$cloud/$name" "${@:2}" >"$work/out" 2>&1 &
  local pid=$! peak=0
  while kill -0 "$pid" 2>/dev/null; do
    peak=$(awk '/VmHWM/ {print $2}' "/proc/$pid/status" 2>/dev/null || true)
    [ -z "$peak" ] || echo "$peak" >>"$work/$1.memory"
    sleep 0.1
  done
  wait "$pid" || { cat "$work/out" >&2; exit 1; }
}

upload() { # REPOSITORY DIGEST [PORT]: standard input to the first registry
  local at
  at=$(curl -sf -o /dev/null -w '%header{location}' -X POST "http://127.0.0.1:${3:-15901}/v2/$1/blobs/uploads/")
  at=$(curl -sf -o /dev/null -w '%header{location}' -X PATCH -H 'Content-Type: application/octet-stream' -H 'Transfer-Encoding: chunked' -T - "$at")
  curl -sf -o /dev/null -X PUT "$at&digest=sha256:$2"
}

by_curl() { curl -sf -H "X-Auth-Token: $token" "$glance/v2/images/$id/file" | tee "$work/file" | upload "curl$1" "$sum" && sync "$work/file"; }
by_curl_four() { # the second registry's upload is waited for through its pipe
  mkfifo "$work/pipe"
  upload "curlfour$1" "$sum" 15902 <"$work/pipe" &
  local second=$!
  curl -sf -H "X-Auth-Token: $token" "$glance/v2/images/$id/file" | tee "$work/a" "$work/b" "$work/pipe" | upload "curlfour$1" "$sum"
  wait "$second"
  sync "$work/a" "$work/b"
  rm "$work/pipe"
}
by_client() { openstack --os-cloud "$cloud" image save --file "$work/file" "$id" && sync "$work/file" && upload "client$1" "$sum" <"$work/file"; }

best() { sort -n "$work/$1.times" | head -n1; }
memory() { sort -n "$work/$1.memory" | tail -n1 | awk '{printf "%.0f", $1 / 1024}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", a / b}'; }

registry 15901
registry 15902
head -c "${mib}M" /dev/urandom >"$work/disk.raw"
sum=$(sha256sum "$work/disk.raw" | cut -d' ' -f1)
bin/openstack-ystack image copy "file:$work/disk.raw" "glance://$cloud/$name" >/dev/null 2>&1
rm "$work/disk.raw"
id=$(openstack --os-cloud "$cloud" image list --name "$name" -f value -c ID)
token=$(openstack --os-cloud "$cloud" token issue -f value -c id)
glance=$(openstack --os-cloud "$cloud" catalog show image -f json | sed -nE 's/.*"url": "([^"]*)".*/\1/p' | head -n1)

for i in $(seq "$rounds"); do
  timed ours copy ours "oci://127.0.0.1:15901/ours$i/x:1" "file:$work/ours"
  rm "$work/ours"
  timed curl by_curl "$i"
  rm "$work/file"
  timed client by_client "$i"
  rm "$work/file"
  timed one copy one "oci://127.0.0.1:15901/one$i/x:1"
  timed four copy four "oci://127.0.0.1:15901/four$i/x:1" "oci://127.0.0.1:15902/four$i/x:1" "file:$work/a" "file:$work/b"
  rm "$work/a" "$work/b"
  timed curl-four by_curl_four "$i"
  rm "$work/a" "$work/b"
done

for way in ours curl client one four curl-four; do
  extra=
  [ ! -e "$work/$way.memory" ] || extra=", peak memory $(memory "$way") MiB"
  printf '%-9s %7.1f s, %s MiB/s%s\n' "$way" "$(ratio "$(best "$way")" 1000)" "$(awk -v m="$mib" -v t="$(best "$way")" 'BEGIN {printf "%.0f", m * 1000 / t}')" "$extra"
done
echo "ours against curl: $(ratio "$(best curl)" "$(best ours)") of its speed; against the client: $(ratio "$(best client)" "$(best ours)") times as fast; four against one: $(ratio "$(best four)" "$(best one)") times as long; four against curl's four: $(ratio "$(best curl-four)" "$(best four)") of its speed"
