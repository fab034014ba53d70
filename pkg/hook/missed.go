package hook

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// missedInterval is how often the code registry is asked for pushes that were missed.
const missedInterval = 10 * time.Minute

// watchMissed looks for missed pushes at the start, when the server may have been down, and then
// now and again.
func (s *Server) watchMissed(ctx context.Context) {
	for {
		s.fetchMissed(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(missedInterval):
		}
	}
}

func (s *Server) fetchMissed(ctx context.Context) {
	for _, repository := range s.o.Routes.Repositories() {
		if s.o.Registry.Kind == KindGitHub && s.o.URL != "" {
			if err := s.redeliver(ctx, repository); err != nil && ctx.Err() == nil {
				s.log.Warn("missed deliveries cannot be looked for", "repository", repository, "error", err.Error())
			}
		}
	}
	for _, p := range s.queue.heads() {
		if err := s.compareHead(ctx, p); err != nil && ctx.Err() == nil {
			s.log.Warn("a branch cannot be looked at", "repository", p.Repository, "branch", p.Branch, "error", err.Error())
		}
	}
}

// deliveryOf is a delivery as the code registry remembers it: one attempt of it.
type deliveryOf struct {
	ID          int64     `json:"id"`
	GUID        string    `json:"guid"`
	DeliveredAt time.Time `json:"delivered_at"`
	StatusCode  int       `json:"status_code"`
	Event       string    `json:"event"`
}

// redeliver has the code registry deliver again what it could not deliver and nobody knows here.
func (s *Server) redeliver(ctx context.Context, repository string) error {
	r := s.o.Registry
	h, err := r.findHook(ctx, repository, s.o.URL)
	if err != nil || h == nil {
		return err
	}
	hook := fmt.Sprintf("/repos/%s/hooks/%d/deliveries", repository, h.ID)
	list, err := r.deliveries(ctx, hook)
	if err != nil {
		return err
	}
	arrived, asked := map[string]bool{}, map[string]bool{}
	for _, d := range list {
		if d.StatusCode/100 == 2 {
			arrived[d.GUID] = true
		}
	}
	for _, d := range list {
		if d.Event != "push" || arrived[d.GUID] || asked[d.GUID] || d.refusedForGood() || s.queue.get(d.GUID) != nil {
			continue
		}
		asked[d.GUID] = true
		s.log.Info("a delivery was missed; asking for it again", "repository", repository, "delivery", d.GUID)
		if _, err := r.call(ctx, http.MethodPost, fmt.Sprintf("%s/%d/attempts", hook, d.ID), nil, nil); err != nil {
			return err
		}
		s.metrics.found.Add(1)
	}
	return nil
}

// refusedForGood is a delivery that a receiver understood and did not want.
func (d deliveryOf) refusedForGood() bool {
	return d.StatusCode == http.StatusNotFound || d.StatusCode == http.StatusRequestEntityTooLarge
}

// deliveries lists what the code registry remembers, page by page.
func (r *Registry) deliveries(ctx context.Context, path string) ([]deliveryOf, error) {
	var all []deliveryOf
	for next := path + "?per_page=100"; next != ""; {
		var page []deliveryOf
		header, err := r.call(ctx, http.MethodGet, next, nil, &page)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		next = strings.TrimPrefix(nextPage(header.Get("Link")), r.api)
		if len(page) == 0 || !strings.HasPrefix(next, "/") {
			break
		}
	}
	return all, nil
}

// nextPage finds rel="next" in a Link header.
func nextPage(link string) string {
	for part := range strings.SplitSeq(link, ",") {
		address, rest, ok := strings.Cut(strings.TrimSpace(part), ">")
		if ok && strings.Contains(rest, `rel="next"`) {
			return strings.TrimPrefix(address, "<")
		}
	}
	return ""
}

// heads are the pushes that were accepted last for each branch.
func (q *queue) heads() []Push {
	q.mu.Lock()
	defer q.mu.Unlock()
	last := map[string]int{}
	var all []Push
	for _, d := range q.book.order {
		key := d.Repository + "\x00" + d.Branch
		if i, known := last[key]; known {
			all[i] = d.Push
			continue
		}
		last[key] = len(all)
		all = append(all, d.Push)
	}
	return all
}

// compareHead looks whether a branch is where the last push brought it. A delivery that is under
// way at this moment makes a second run of the same commit, which finds nothing to do.
func (s *Server) compareHead(ctx context.Context, last Push) error {
	head, err := s.o.Registry.head(ctx, last.Repository, last.Branch)
	if err != nil || head == "" || head == last.After || !commitPattern.MatchString(head) {
		return err
	}
	if s.queue.knows(last.Repository, last.Branch, head) {
		return nil // deliveries came in another order than pushes
	}
	push := Push{Repository: last.Repository, Branch: last.Branch, Before: last.After, After: head}
	jobs, _ := s.o.Routes.jobs(push)
	if len(jobs) == 0 {
		return nil
	}
	id := fmt.Sprintf("head-%s-%d", head[:12], s.o.Now().Unix())
	fresh, err := s.queue.add(ctx, Delivery{ID: id, Source: SourceHead, Push: push, Jobs: jobs})
	if err == nil && fresh {
		s.metrics.found.Add(1)
		s.log.Info("a push was missed; the branch is elsewhere", "repository", push.Repository, "branch", push.Branch, "commit", head)
	}
	return err
}

// knows reports whether a push of that commit to that branch was accepted.
func (q *queue) knows(repository, branch, commit string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range q.book.order {
		if d.Repository == repository && d.Branch == branch && d.After == commit {
			return true
		}
	}
	return false
}
