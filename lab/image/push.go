//go:build linux

package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Ensure pushes what build makes under all tags, unless the last of them is
// there already: it is pushed last, so it stands for all.
func Ensure(ctx context.Context, via http.RoundTripper, repository string, tags []string, build func() (v1.Image, error)) error {
	repo, err := name.NewRepository(repository, name.Insecure)
	if err != nil {
		return err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithTransport(via)}
	_, err = remote.Head(repo.Tag(tags[len(tags)-1]), options...)
	if err == nil || !notFound(err) {
		return err
	}
	image, err := build()
	if err != nil {
		return err
	}
	err = remote.Write(repo.Tag(tags[0]), image, options...)
	for _, tag := range tags[1:] {
		if err == nil {
			err = remote.Tag(repo.Tag(tag), image, options...)
		}
	}
	if err != nil {
		return fmt.Errorf("push %s: %w", repository, err)
	}
	return nil
}

func notFound(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}
