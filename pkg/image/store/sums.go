package store

import (
	"context"
	"crypto/md5"  //nolint:gosec // what old servers keep
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
)

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "sha256":
		return sha256.New()
	case "sha512":
		return sha512.New()
	case "sha1":
		return sha1.New() //nolint:gosec // likewise
	case "md5":
		return md5.New() //nolint:gosec // likewise
	}
	return nil
}

// algorithms are those that a copy computes: SHA-256 names the content everywhere,
// SHA-512 is what Glance compares. Of a source that does not claim a SHA-256, the best of
// what it does claim is computed, too.
func algorithms(source Info, glance bool) []string {
	list := []string{"sha256"}
	best, _ := source.claimed().strongest()
	if glance || best == "sha512" {
		list = append(list, "sha512")
	}
	if best == "sha1" || best == "md5" {
		list = append(list, best)
	}
	return list
}

// hashing computes digests beside the writing, each by a sink of its own.
type hashing struct {
	running sync.WaitGroup
	mu      sync.Mutex
	sums    Digests
}

func (p *pump) hash(ctx context.Context, names []string) *hashing {
	h := &hashing{sums: Digests{}}
	for _, name := range names {
		s := p.add(&sink{hasher: true})
		h.running.Go(func() {
			defer s.leave()
			sum := newHash(name)
			for {
				data, err := s.next(ctx)
				if errors.Is(err, io.EOF) {
					h.set(name, hex.EncodeToString(sum.Sum(nil)))
				}
				if err != nil {
					return
				}
				sum.Write(data)
			}
		})
	}
	return h
}

func (h *hashing) set(name, sum string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sums[name] = sum
}

// check waits for the digests and compares them with what the source claims.
func (h *hashing) check(source Info) (Digests, error) {
	h.running.Wait()
	return h.sums, differ(source, h.sums)
}

// differ is an [ErrCorrupt] if what was read is not what the image claims to be.
func differ(i Info, sums Digests) error {
	for algorithm, want := range i.claimed() {
		if got := sums[algorithm]; got != "" && got != want {
			return Errorf(i.Ref, ErrCorrupt, "what was read has %s %s, but it should be %s; the image is damaged, or was on the way", algorithm, got, want)
		}
	}
	return nil
}

// Sum computes one digest of a reader.
func Sum(r io.Reader, algorithm string) (string, error) {
	sum := newHash(algorithm)
	if sum == nil {
		return "", fmt.Errorf("digest algorithm %q is not known", algorithm)
	}
	if _, err := io.Copy(sum, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
