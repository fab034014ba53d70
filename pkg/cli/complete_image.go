package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// offerImages says what completes the arguments of the verbs about images. It stands
// apart, so that kubectl-ystack does not link the stores.
func offerImages(cmd *cobra.Command, s *imageStores) {
	known := map[string]cobra.CompletionFunc{
		"copy":   many(s.references),
		"delete": many(s.references),
		"list":   one(s.applications),
		"pull":   one(s.images),
		"push":   one(s.references),
		"show":   one(s.images),
		"verify": many(s.images),
	}
	for _, sub := range cmd.Commands() {
		sub.ValidArgsFunction = known[sub.Name()]
	}
}

// entries asks the site's places for their images: APPLICATION:REVISION, and where it is.
func (s *imageStores) entries(cmd *cobra.Command) []string {
	question := []string{"images", s.env.Getenv("OS_CLOUD"), s.env.Getenv("YSTACK_SITE")}
	return newCompleter(s.env).ask(cmd, question, func(ctx context.Context) ([]string, error) {
		if err := s.load(true); err != nil {
			return nil, err
		}
		copier := store.Copier{Open: s.open}
		found, errs := copier.Find(ctx, s.places(), "")
		var lines []string
		for _, e := range found {
			for _, i := range e.Images {
				lines = append(lines, e.App+":"+e.Revision+"\t"+i.Ref.String())
			}
		}
		return lines, errors.Join(errs...)
	})
}

// images are named APPLICATION:REVISION, or by where they are.
func (s *imageStores) images(cmd *cobra.Command) []string {
	return append(s.upTo(cmd, "\t"), s.references(cmd)...)
}

func (s *imageStores) applications(cmd *cobra.Command) []string { return s.upTo(cmd, ":") }

// upTo are the beginnings of the entries, each once.
func (s *imageStores) upTo(cmd *cobra.Command, end string) []string {
	var found []string
	for _, line := range s.entries(cmd) {
		name, _, _ := strings.Cut(line, end)
		found = append(found, name)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (s *imageStores) references(cmd *cobra.Command) []string {
	var found []string
	for _, line := range s.entries(cmd) {
		name, ref, _ := strings.Cut(line, "\t")
		found = append(found, ref+"\t"+name)
	}
	return found
}
