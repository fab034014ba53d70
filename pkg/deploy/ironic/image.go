package ironic

import (
	"context"
	"fmt"
	"strings"

	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// imageKeys are those of instance_info that say which image a node is to get.
var imageKeys = []string{"image_source", "image_checksum", "image_os_hash_algo", "image_os_hash_value", "kernel", "ramdisk", "root_gb"}

// image is one as Ironic is told of it.
type image struct {
	source          string // its id in Glance, or a URL
	algorithm, hash string
	kernel, ramdisk string // images of Glance, for one that is no whole disk
	sha256          string
	info            store.Info
}

// resolve looks the image of a release up. Ironic reads from the Glance of its own cloud.
func (t *Target) resolve(ctx context.Context, r deploy.Release) (*image, error) {
	if strings.HasPrefix(r.Image, "http://") || strings.HasPrefix(r.Image, "https://") {
		if r.SHA256 == "" {
			return nil, fmt.Errorf("image %s: Ironic takes an image by URL only with its SHA-256", r.Image)
		}
		return &image{source: r.Image, algorithm: "sha256", hash: r.SHA256, sha256: r.SHA256}, nil
	}
	ref, err := store.Parse(r.Image)
	if err != nil {
		return nil, err
	}
	if ref.Scheme != store.Glance || ref.Host != "" && t.cloud != "" && ref.Host != t.cloud {
		return nil, fmt.Errorf("image %s: Ironic takes images from the Glance of its own cloud; copy it there first: openstack ystack image copy %s glance://%s/NAME", r.Image, r.Image, t.cloud)
	}
	info, err := t.images.Stat(ctx, ref)
	if err != nil {
		return nil, err
	}
	return imageOf(info, r)
}

func imageOf(info store.Info, r deploy.Release) (*image, error) {
	i := &image{source: info.ID, info: info, sha256: info.Properties[store.SHA256]}
	if info.State != store.Active {
		return nil, fmt.Errorf("image %s is %s, and cannot be deployed", r.Image, info.State)
	}
	if i.sha256 == "" {
		i.sha256 = info.Digests["sha256"]
	}
	if r.SHA256 != "" && i.sha256 != "" && r.SHA256 != i.sha256 {
		return nil, fmt.Errorf("image %s has other content (SHA-256 %.12s) than the release (%.12s): somebody has replaced it", r.Image, i.sha256, r.SHA256)
	}
	if i.sha256 == "" {
		i.sha256 = r.SHA256
	}
	for _, algorithm := range []string{"sha512", "sha256"} {
		if value := info.Digests[algorithm]; value != "" && i.hash == "" {
			i.algorithm, i.hash = algorithm, value
		}
	}
	if i.hash == "" && i.sha256 != "" {
		i.algorithm, i.hash = "sha256", i.sha256
	}
	if i.hash == "" {
		return nil, fmt.Errorf("image %s: neither Glance nor its properties tell a SHA-256 or SHA-512, without which Ironic does not write it", r.Image)
	}
	i.kernel, i.ramdisk = property(info, "ystack_kernel", "kernel_id"), property(info, "ystack_ramdisk", "ramdisk_id")
	return i, nil
}

// property is the first of the names that an image has.
func property(i store.Info, names ...string) string {
	for _, name := range names {
		if value := i.Properties[name]; value != "" {
			return value
		}
	}
	return ""
}

// texts are the keys of instance_info that tell Ironic of the image.
func (i *image) texts(n *baremetal.Node) map[string]string {
	texts := map[string]string{
		"image_source": i.source, "image_os_hash_algo": i.algorithm, "image_os_hash_value": i.hash, "image_checksum": "",
		"kernel": i.kernel, "ramdisk": i.ramdisk, "root_gb": "",
	}
	if i.kernel != "" { // the image is a file system, and the disk it goes to gets partitions
		texts["root_gb"] = rootSize(n)
	}
	return texts
}

// rootSize leaves a GiB of a node's disk for the config drive and boot loaders.
func rootSize(n *baremetal.Node) string {
	var size int
	if _, err := fmt.Sscan(fmt.Sprint(n.Properties["local_gb"]), &size); err != nil || size < 2 {
		return ""
	}
	return fmt.Sprint(size - 1)
}
