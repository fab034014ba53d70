#!/bin/sh
# install.sh VERSION DIRECTORY: puts the extension into a directory on Python's path, with the metadata by which the
# openstack client finds it. Needs neither pip nor a network.
set -eu
version=$1 directory=$2
cd "$(dirname "$0")"
info=$directory/ystack_openstackclient-$version.dist-info
rm -rf "$directory"/ystack_openstackclient "$directory"/ystack_openstackclient-*.dist-info
mkdir -p "$directory/ystack_openstackclient" "$info"
cp ystack_openstackclient/*.py "$directory/ystack_openstackclient/"
cp entry_points.txt "$info/"
cat >"$info/METADATA" <<END
Metadata-Version: 2.1
Name: ystack-openstackclient
Version: $version
Summary: openstack ystack: images and machines for Kubernetes on OpenStack
License: Apache-2.0
END
echo ystack_openstackclient >"$info/top_level.txt"
echo "make install-openstackclient" >"$info/INSTALLER"
chmod -R u=rwX,go=rX "$directory/ystack_openstackclient" "$info"
