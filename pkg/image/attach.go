package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Document is something about an image that is kept beside it: an OCI artifact whose
// subject is the image.
type Document struct {
	Type string // the artifact's, a media type
	// Name tells the documents of a type apart. One of the same name takes the place of
	// the former.
	Name        string
	Annotations map[string]string
	Content     []byte
}

// documentLimit is more than any document that is worth reading whole.
const documentLimit = 4 << 20

// emptyConfig is what an artifact has for a configuration.
const emptyConfig = "{}"

// indexTries is how often the list of what refers to an image is written, if another
// writer's takes away what was added.
const indexTries = 5

// Attach keeps a document beside the image that ref, best given by digest, names. A
// registry that lists what refers to an image is told by the document itself; for
// others a list is kept under the tag that the specification has for that.
//
// Two who write that list at once can lose each other's entry, and no registry helps
// against it. So each document has a tag of its own as well, which [Client.Attached]
// goes by: the list is for other tools.
func (c *Client) Attach(ctx context.Context, ref string, d Document) error {
	r, err := c.parse(ref)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*questionLimit)
	defer cancel()
	if err := c.attach(ctx, r, d); err != nil {
		return explain(ctx, r, err)
	}
	return nil
}

func (c *Client) attach(ctx context.Context, r name.Reference, d Document) error {
	image, err := remote.Get(r, c.options(ctx)...)
	if err != nil {
		return err
	}
	repo := r.Context()
	subject := repo.Digest(image.Digest.String())
	doc, err := d.manifest(image.Descriptor)
	if err != nil {
		return err
	}
	tag := repo.Tag(documentTag(image.Digest.String(), d.Type, d.Name))
	if c.has(ctx, tag, doc) && c.listed(ctx, subject, doc) {
		return nil
	}
	for _, blob := range []v1.Layer{static.NewLayer([]byte(emptyConfig), emptyType), static.NewLayer(d.Content, types.MediaType(d.Type))} {
		if err := remote.WriteLayer(repo, blob, c.options(ctx)...); err != nil {
			return err
		}
	}
	for range indexTries {
		if err := remote.Put(tag, doc, c.options(ctx)...); err != nil || c.listed(ctx, subject, doc) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(300 * time.Millisecond)): // the others wait another while
		}
	}
	return nil
}

const emptyType = "application/vnd.oci.empty.v1+json"

// rawManifest is one as it is sent.
type rawManifest []byte

func (m rawManifest) RawManifest() ([]byte, error)        { return m, nil }
func (m rawManifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (m rawManifest) digest() string                      { return digestOf(m) }

func (d Document) manifest(subject v1.Descriptor) (rawManifest, error) {
	describe := func(kind string, data []byte) v1.Descriptor {
		sum := sha256.Sum256(data)
		return v1.Descriptor{
			MediaType: types.MediaType(kind), Size: int64(len(data)),
			Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])},
		}
	}
	return json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: d.Type,
		Config: describe(emptyType, []byte(emptyConfig)), Layers: []v1.Descriptor{describe(d.Type, d.Content)},
		Subject:     &v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: subject.Digest},
		Annotations: d.Annotations,
	})
}

// documentTag is the document's own. Its first part is the tag under which the
// specification wants the list.
func documentTag(digest, kind, name string) string {
	return strings.Replace(digest, ":", "-", 1) + documentSuffix(kind, name)
}

func documentSuffix(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + "\n" + name))
	return "." + hex.EncodeToString(sum[:6])
}

// IsAbout tells tags of what refers to an image from those of images.
func IsAbout(tag string) bool {
	hash, ok := strings.CutPrefix(tag, "sha256-")
	return ok && len(hash) >= 64 && strings.Trim(hash[:64], "0123456789abcdef") == ""
}

func (c *Client) has(ctx context.Context, tag name.Tag, doc rawManifest) bool {
	there, err := remote.Head(tag, c.options(ctx)...)
	return err == nil && there.Digest.String() == doc.digest()
}

func (c *Client) listed(ctx context.Context, subject name.Digest, doc rawManifest) bool {
	all, err := c.referrers(ctx, subject, "")
	for _, d := range all {
		if d == doc.digest() {
			return true
		}
	}
	return err != nil // that it cannot be asked for is no reason to write again
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
