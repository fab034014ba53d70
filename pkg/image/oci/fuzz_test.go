package oci

import (
	"testing"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// FuzzManifest: whatever a registry sends for a manifest is an error or makes sense.
func FuzzManifest(f *testing.F) {
	for _, text := range []string{
		`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.empty.v1+json"},"layers":[{"mediaType":"application/vnd.ystack.disk.v1.qcow2","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}]}`,
		`{"layers":[{"digest":"sha256:zz","size":-1}]}`, `{"manifests":[{}]}`, `{"layers":[]}`, `{"config":{"mediaType":"application/vnd.docker.container.image.v1+json"},"layers":[{"size":-5}]}`, `null`, `[]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := parse(store.Ref{Scheme: store.OCI, Host: "h", Name: "n", Tag: "t"}, data, "sha256:x")
		if err != nil {
			return
		}
		if i.Size < 0 || i.State != store.Active || i.Format != "container" && len(i.Digests["sha256"]) != 64 {
			t.Errorf("%s: %+v", data, i)
		}
	})
}
