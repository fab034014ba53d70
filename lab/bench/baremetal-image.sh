#!/bin/bash
# A bare-metal image of examples/hello by the real diskimage-builder: what is in it, what lies beside it, what is left
# behind. It is no test because it gets packages from a mirror, and takes minutes. In a shell with the lab's environment:
#   lab up vms registry; eval "$(go run ./lab env)"; lab/bench/baremetal-image.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
mounted=
finish() {
  [ -z "$mounted" ] || umount "$work/mnt"
  rm -rf "$work"
}
trap finish EXIT
go build -o "$work/openstack-ystack" ./cmd/openstack-ystack
cp -r examples/hello "$work/app"
name=metal-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
sed -i "s/name: hello$/name: $name/" "$work/app/ystack.yaml"
git -C "$work/app" init -q
git -C "$work/app" add -A
git -C "$work/app" -c user.name=bench -c user.email=bench@example.org commit -qm bench

before=$(losetup -a; mount | sort; ls -d /tmp/ystack-build-* 2>/dev/null || true)
build() { "$work/openstack-ystack" image build "$work/app" --target baremetal "$@"; }
time build -f json > "$work/made.json"
after=$(losetup -a; mount | sort; ls -d /tmp/ystack-build-* 2>/dev/null || true)
[ "$before" = "$after" ] && echo "ok: no loop device, mount or directory is left" || { diff <(echo "$before") <(echo "$after"); exit 1; }
[ "$(build -f value -c Result)" = present ] && echo "ok: not built again"

openstack --os-cloud lab image list -f value -c Name -c "Disk Format" -c Status --long | grep "^$name" || true
openstack --os-cloud lab image list -f value -c ID -c Name | while read -r id image; do
  case $image in "$name"*-baremetal) openstack --os-cloud lab image save --file "$work/disk.qcow2" "$id" ;; esac
done
qemu-img info "$work/disk.qcow2" | grep -E 'file format|virtual size'
qemu-img convert -O raw "$work/disk.qcow2" "$work/disk.raw"
start=$(partx -g -o START "$work/disk.raw" | head -n 1)
mkdir "$work/mnt"
mount -o "ro,loop,offset=$((start * 512))" "$work/disk.raw" "$work/mnt"
mounted=yes
ls -l "$work/mnt/usr/local/bin/hello" "$work"/mnt/etc/systemd/system/multi-user.target.wants/hello.service
openstack --os-cloud lab image list -f value -c ID -c Name | while read -r id image; do
  case $image in "$name"*) openstack --os-cloud lab image delete "$id" ;; esac
done
