package nova

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image/glance"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// image is the release's image, which is there, has the content that it should have, and
// fits the flavor. It has no id while it is still to be made.
func (t *Target) image(ctx context.Context, r deploy.Release, f flavor) (store.Info, error) {
	if r.Image == "" {
		return store.Info{}, nil
	}
	ref, err := store.Parse(r.Image)
	if err != nil {
		return store.Info{}, err
	}
	if ref.Scheme != store.Glance || ref.Host != "" && ref.Host != t.cloud.name {
		return store.Info{}, fmt.Errorf("%s: Nova boots images of its own cloud only; copy it there: openstack ystack image copy %s %s://%s/NAME",
			r.Image, r.Image, store.Glance, t.cloud.name)
	}
	ref.Host = t.cloud.name
	info, err := (&glance.Store{Session: t.cloud.session}).Stat(ctx, ref)
	if err != nil {
		return store.Info{}, err
	}
	if info.State != store.Active {
		return store.Info{}, store.Errorf(ref, store.ErrNotReady, "is %s; servers cannot be made of it", info.State)
	}
	for _, has := range []string{info.Properties[store.SHA256], info.Digests["sha256"]} {
		if has != "" && r.SHA256 != "" && !strings.EqualFold(has, r.SHA256) {
			return store.Info{}, store.Errorf(ref, store.ErrCorrupt, "image %s has the SHA-256 %s, and not %s; it is another image, deploy that or build again", info.ID, has, r.SHA256)
		}
	}
	return info, fits(ref, info, f)
}

// fits compares what the image needs with what the flavor gives: Nova would refuse it.
func fits(ref store.Ref, info store.Info, f flavor) error {
	ram, _ := strconv.Atoi(info.Properties["min_ram"])
	disk, _ := strconv.Atoi(info.Properties["min_disk"])
	const gib = 1 << 30
	switch {
	case ram > f.RAM:
		return fmt.Errorf("%s needs %d MiB of memory, and flavor %s has %d", ref, ram, f.Name, f.RAM)
	case f.Disk > 0 && disk > f.Disk:
		return fmt.Errorf("%s needs a disk of %d GiB, and flavor %s has %d", ref, disk, f.Name, f.Disk)
	case f.Disk > 0 && info.Size > int64(f.Disk)*gib:
		return fmt.Errorf("%s has %.1f GiB, and the disk of flavor %s %d", ref, float64(info.Size)/gib, f.Name, f.Disk)
	}
	return nil
}
