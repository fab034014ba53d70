package oci

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
	// artifactType says what the manifest is about; the layer's type says its format.
	artifactType = "application/vnd.ystack.image.v1"
	diskType     = "application/vnd.ystack.disk.v1."
	emptyType    = "application/vnd.oci.empty.v1+json"
	emptyConfig  = "{}"
	emptyDigest  = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

	created = "org.opencontainers.image.created"
	title   = "org.opencontainers.image.title"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Annotations   map[string]string `json:"annotations,omitempty"`

	Manifests []descriptor `json:"manifests,omitempty"` // of an index
}

// compose is the manifest of an image whose content is a blob.
func compose(r store.Ref, u *store.Upload, sums store.Digests, now time.Time) ([]byte, error) {
	annotations := u.Noted(sums)
	annotations[created] = now.UTC().Format(time.RFC3339)
	name := r.Name[strings.LastIndex(r.Name, "/")+1:] + "-" + r.Tag
	if u.Format != "" {
		name += "." + u.Format
	}
	return json.Marshal(manifest{
		SchemaVersion: 2, MediaType: manifestType, ArtifactType: artifactType,
		Config: descriptor{MediaType: emptyType, Digest: emptyDigest, Size: int64(len(emptyConfig))},
		Layers: []descriptor{{
			MediaType: mediaType(u.Format), Digest: "sha256:" + sums["sha256"], Size: u.Size,
			Annotations: map[string]string{title: name},
		}},
		Annotations: annotations,
	})
}

func mediaType(format string) string {
	if format == "" {
		return "application/octet-stream"
	}
	return diskType + format
}

// parse describes what a manifest is about. The digest is the manifest's own.
func parse(r store.Ref, data []byte, digest string) (store.Info, error) {
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return store.Info{}, store.Errorf(r, store.ErrFailed, "the registry's manifest is no JSON")
	}
	i := store.Info{Ref: r, ID: digest, State: store.Active, Properties: m.Annotations}
	if at, err := time.Parse(time.RFC3339, m.Annotations[created]); err == nil {
		i.Created = at
	}
	if m.container() {
		i.Format = "container"
		for _, l := range m.Layers {
			i.Size += max(0, l.Size)
		}
		return i, nil
	}
	if len(m.Layers) != 1 {
		return store.Info{}, store.Errorf(r, store.ErrNotReady, "has %d parts; the image of a machine has one", len(m.Layers))
	}
	layer := m.Layers[0]
	sum, ok := strings.CutPrefix(layer.Digest, "sha256:")
	if !ok || len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" || layer.Size < 0 {
		return store.Info{}, store.Errorf(r, store.ErrFailed, "the manifest has no usable digest and size of its content")
	}
	i.Size, i.Digests = layer.Size, store.Digests{"sha256": sum}
	i.Format, _ = strings.CutPrefix(layer.MediaType, diskType)
	if i.Format == layer.MediaType {
		i.Format = ""
	}
	return i, nil
}

// container tells images that run in containers, and lists of such.
func (m manifest) container() bool {
	if len(m.Manifests) > 0 || m.MediaType == indexType || strings.Contains(m.MediaType, "manifest.list") {
		return true
	}
	return strings.HasSuffix(m.Config.MediaType, "container.image.v1+json") || m.Config.MediaType == "application/vnd.oci.image.config.v1+json"
}
