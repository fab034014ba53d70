#!/bin/sh
# deb.sh VERSION FILE: the extension as a Debian package.
set -eu
version=$1 file=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
"$here/install.sh" "$version" "$root/usr/lib/python3/dist-packages"
echo dpkg >"$root/usr/lib/python3/dist-packages/ystack_openstackclient-$version.dist-info/INSTALLER"
mkdir -p "$root/DEBIAN" "$root/usr/share/doc/ystack-openstackclient"
cp "$here/../LICENSE" "$root/usr/share/doc/ystack-openstackclient/copyright"
cat >"$root/DEBIAN/control" <<END
Package: ystack-openstackclient
Version: $version
Architecture: all
Section: python
Priority: optional
Depends: python3, python3-openstackclient
Maintainer: ystack <ystack@users.noreply.github.com>
Description: openstack ystack …
 Makes the openstack client hand "openstack ystack" over to the program
 openstack-ystack, which has to be in the PATH.
END
mkdir -p "$(dirname "$file")"
dpkg-deb --root-owner-group --build "$root" "$file"
