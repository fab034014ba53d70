package ironic

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image/store"
)

func TestImageOf(t *testing.T) {
	const sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for name, c := range map[string]struct {
		info    store.Info
		release string // its SHA-256
		want    map[string]string
		failure string
	}{
		"a whole disk": {
			info: store.Info{ID: "i", State: store.Active, Digests: store.Digests{"sha512": "512"}, Properties: map[string]string{"ystack_sha256": sum}},
			want: map[string]string{"image_source": "i", "image_os_hash_algo": "sha512", "image_os_hash_value": "512"},
		},
		"a file system": {
			info: store.Info{ID: "i", State: store.Active, Digests: store.Digests{"sha512": "512"}, Properties: map[string]string{"ystack_kernel": "k", "ystack_ramdisk": "r"}},
			want: map[string]string{"image_source": "i", "image_os_hash_algo": "sha512", "image_os_hash_value": "512", "kernel": "k", "ramdisk": "r", "root_gb": "99"},
		},
		"a file system of others": {
			info: store.Info{ID: "i", State: store.Active, Digests: store.Digests{"sha256": sum}, Properties: map[string]string{"kernel_id": "k", "ramdisk_id": "r"}},
			want: map[string]string{"image_source": "i", "image_os_hash_algo": "sha256", "image_os_hash_value": sum, "kernel": "k", "ramdisk": "r", "root_gb": "99"},
		},
		"an old Glance": {
			info: store.Info{ID: "i", State: store.Active, Digests: store.Digests{"md5": "5"}}, release: sum,
			want: map[string]string{"image_source": "i", "image_os_hash_algo": "sha256", "image_os_hash_value": sum},
		},
		"without a digest": {info: store.Info{ID: "i", State: store.Active, Digests: store.Digests{"md5": "5"}}, failure: "SHA-256 or SHA-512"},
		"not whole":        {info: store.Info{ID: "i", State: "saving"}, failure: "is saving"},
		"replaced": {
			info:    store.Info{ID: "i", State: store.Active, Digests: store.Digests{"sha512": "512"}, Properties: map[string]string{"ystack_sha256": strings.Repeat("0", 64)}},
			release: sum, failure: "somebody has replaced it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			i, err := imageOf(c.info, deploy.Release{Image: "glance://lab/i", SHA256: c.release})
			if (err == nil) != (c.failure == "") || err != nil && !strings.Contains(err.Error(), c.failure) {
				t.Fatalf("%v; want %q", err, c.failure)
			}
			if err != nil {
				return
			}
			got := i.texts(&baremetal.Node{Properties: map[string]any{"local_gb": "100"}})
			for key, value := range got {
				if value == "" {
					delete(got, key)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
