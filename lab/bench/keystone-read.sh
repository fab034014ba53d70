#!/usr/bin/env bash
# keystone-read.sh [PROJECTS USERS ASSIGNMENTS GROUPS]: how long it takes to read a large Keystone.
#
# Copies the lab's Keystone, fills the copy by SQL, and starts a second one on it, with a cache of its own; the lab's is not
# touched. Then: each list alone, all lists at once (the least that a reading takes), our reading, tenant-sync of all that
# with API servers of its own beside a bare client and kubectl apply, and `openstack role assignment list`. Needs the lab's environment (make bench sets it).
set -euo pipefail
cd "$(dirname "$0")/../.."
projects=${1:-2000} users=${2:-5000} assignments=${3:-20000} groups=${4:-200}
address=127.0.0.1:15950 cache=127.0.0.1:15951 url=http://127.0.0.1:15950/v3
tree=$YSTACK_LAB/cache/tree
export PYTHONPATH=$tree/usr/lib/python3/dist-packages LD_LIBRARY_PATH=$tree/shared
work=$(mktemp -d) started=()
trap 'for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT

/usr/bin/python3 - "$YSTACK_LAB/state/keystone/keystone.db" "$work/keystone.db" "$url" "$projects" "$users" "$assignments" "$groups" <<'PYTHON'
import sqlite3, sys
source, target, url = sys.argv[1:4]
projects, users, assignments, groups = map(int, sys.argv[4:])
db = sqlite3.connect(target)
sqlite3.connect(f'file:{source}?mode=ro', uri=True).backup(db)
db.execute('PRAGMA journal_mode=WAL')
ids = lambda kind, n: [f'{kind}{i:031x}' for i in range(n)]  # as long as Keystone's
P, U, G = ids('a', projects), ids('b', users), ids('c', groups)
roles = [r[0] for r in db.execute("SELECT id FROM role WHERE domain_id = '<<null>>' ORDER BY name")]
with db:
    db.execute("UPDATE endpoint SET url = ? WHERE service_id IN (SELECT id FROM service WHERE type = 'identity')", (url,))
    # One project in ten is at the top, whose parent is its domain; the others are below it.
    db.executemany("INSERT INTO project (id, name, extra, description, enabled, domain_id, parent_id, is_domain) VALUES (?, ?, '{}', '', 1, 'default', ?, 0)",
                   [(p, f'bench-{i}', 'default' if i % 10 == 0 else P[i - i % 10]) for i, p in enumerate(P)])
    db.executemany("INSERT INTO user (id, extra, enabled, created_at, domain_id) VALUES (?, '{}', 1, '2026-01-01 00:00:00', 'default')", [(u,) for u in U])
    db.executemany("INSERT INTO local_user (user_id, domain_id, name, failed_auth_count) VALUES (?, 'default', ?, 0)", [(u, f'bench-{i}') for i, u in enumerate(U)])
    db.executemany("INSERT INTO \"group\" (id, domain_id, name, description, extra) VALUES (?, 'default', ?, '', '{}')", [(g, f'bench-{i}') for i, g in enumerate(G)])
    db.executemany('INSERT INTO user_group_membership (user_id, group_id) VALUES (?, ?)', [(u, G[i % groups]) for i, u in enumerate(U)] if G else [])
    rows = set()
    for i in range(50 * assignments):
        if len(rows) == assignments:
            break
        role, inherited = roles[i // users % len(roles)], i % 20 == 0
        actor = ('GroupProject', G[i // 10 % groups]) if G and i % 10 == 0 else ('UserProject', U[i % users])
        rows.add((*actor, P[(i * 7 + i // users) % projects], role, inherited))
    db.executemany('INSERT INTO assignment (type, actor_id, target_id, role_id, inherited) VALUES (?, ?, ?, ?, ?)', rows)
print('assignments:', db.execute('SELECT count(*) FROM assignment').fetchone()[0])
PYTHON

sed "s#^connection = .*#connection = sqlite:///$work/keystone.db#; s#^memcache_servers = .*#memcache_servers = $cache#" "$YSTACK_LAB/etc/keystone/keystone.conf" >"$work/keystone.conf"
"$tree/usr/bin/memcached" -u nobody -l "${cache%:*}" -p "${cache#*:}" &
started+=($!)
OS_KEYSTONE_CONFIG_DIR=$work "$tree/usr/bin/uwsgi-core" --plugins-dir "$tree/usr/lib/uwsgi/plugins" --plugin python3 \
  --http-socket "$address" --wsgi-file "$tree/usr/bin/keystone-wsgi-public" --master --processes 2 --threads 1 --enable-threads \
  --lazy-apps --thunder-lock --need-app --no-orphans --buffer-size 65535 --post-buffering 65536 --add-header 'Connection: close' \
  --hook-master-start 'unix_signal:15 gracefully_kill_them_all' --log-format '%(method) %(uri) %(status) %(msecs)ms' 2>"$work/log" &
started+=($!)
for _ in $(seq 60); do curl -sf "http://$address/healthcheck" >/dev/null && break || sleep 0.5; done

login=(--os-cloud lab --os-auth-url "$url")
token=$(openstack "${login[@]}" token issue -f value -c id)
get() { curl -sf -o /dev/null -w '%{time_total} s  %{size_download} bytes  %{url_effective}\n' -H "X-Auth-Token: $token" "$url/$1"; }
lists=(role_assignments users projects domains roles role_inferences groups)
get domains >/dev/null # the cache knows the token now
for list in "${lists[@]}"; do get "$list"; done

seconds() { # COMMAND…: how long it takes
  local start
  start=$(date +%s%N)
  "$@" >/dev/null || return
  awk -v ns="$(($(date +%s%N) - start))" 'BEGIN {printf "%.2f", ns / 1e9}'
}
at_once() {
  local pids=()
  for list in "${lists[@]}"; do get "$list" & pids+=($!); done
  wait "${pids[@]}"
}
echo "all lists at once: $(seconds at_once) s"
export YSTACK_BENCH_KEYSTONE=$url
go test -run '^$' -bench BenchmarkLabRead -benchtime 3x ./pkg/tenancy
go test -tags e2e -run '^$' -bench BenchmarkTenantScale -benchtime 1x -timeout 30m ./e2e
echo "all requests so far, and Keystone's mean time for each:"
grep -o " /v3/.*" "$work/log" | sed -E "s#/groups/[^/ ]+/users#/groups/ID/users#; s#role.id=[^ ]*#role.id=ID#; s#/roles/[^/ ]+/#/roles/ID/#" | awk '{n[$1]++; ms[$1] += $3} END {for (p in n) printf "%6d x %7.0f ms  %s\n", n[p], ms[p] / n[p], p}' | sort
echo "openstack role assignment list: $(seconds openstack "${login[@]}" role assignment list -f value) s"
