//go:build linux

package service

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

func graph() []*Service {
	return []*Service{
		{Name: "kubelet", Needs: []string{"apiserver", "containerd"}},
		{Name: "apiserver", Needs: []string{"etcd"}},
		{Name: "etcd", Needs: []string{"node"}},
		{Name: "containerd", Needs: []string{"node"}},
		{Name: "node"},
		{Name: "registry", Needs: []string{"node"}},
	}
}

func TestSelect(t *testing.T) {
	circle := []*Service{{Name: "a", Needs: []string{"b"}}, {Name: "b", Needs: []string{"c"}}, {Name: "c", Needs: []string{"b"}}}
	unknown := []*Service{{Name: "a", Needs: []string{"z"}}}
	for _, c := range []struct {
		name    string
		all     []*Service
		names   []string
		want    string
		failure string
	}{
		{"one", graph(), []string{"node"}, "node", ""},
		{"with needs first", graph(), []string{"apiserver"}, "node etcd apiserver", ""},
		{"each once", graph(), []string{"kubelet", "etcd", "kubelet"}, "node etcd apiserver containerd kubelet", ""},
		{"none", graph(), nil, "", ""},
		{"unknown", graph(), []string{"etdc"}, "", `no service is called "etdc"; there are: kubelet, apiserver`},
		{"circle", circle, []string{"a"}, "", "a → b → c → b"},
		{"need unknown", unknown, []string{"a"}, "", `"z"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Select(c.all, c.names)
			if c.failure != "" {
				if err == nil || !strings.Contains(err.Error(), c.failure) {
					t.Fatalf("error %v, want one with %q", err, c.failure)
				}
				return
			}
			if err != nil || strings.Join(Names(got), " ") != c.want {
				t.Fatalf("got %v, %v; want %s", Names(got), err, c.want)
			}
		})
	}
}

func TestWalkVisitsNeedsFirst(t *testing.T) {
	order := visit(t, Walk)
	for _, s := range graph() {
		for _, need := range s.Needs {
			if slices.Index(order, need) > slices.Index(order, s.Name) {
				t.Errorf("%s came before %s in %v", s.Name, need, order)
			}
		}
	}
}

func TestWalkBackVisitsNeedsLast(t *testing.T) {
	order := visit(t, WalkBack)
	for _, s := range graph() {
		for _, need := range s.Needs {
			if slices.Index(order, need) < slices.Index(order, s.Name) {
				t.Errorf("%s came after %s in %v", s.Name, need, order)
			}
		}
	}
}

func visit(t *testing.T, walk func(context.Context, []*Service, func(context.Context, *Service) error) error) []string {
	t.Helper()
	var mu sync.Mutex
	var order []string
	err := walk(t.Context(), graph(), func(_ context.Context, s *Service) error {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, s.Name)
		return nil
	})
	if err != nil || len(order) != len(graph()) {
		t.Fatalf("visited %v: %v", order, err)
	}
	return order
}

func TestWalkEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	var mu sync.Mutex
	var order []string
	err := Walk(t.Context(), graph(), func(_ context.Context, s *Service) error {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, s.Name)
		if s.Name == "etcd" {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || slices.Contains(order, "apiserver") {
		t.Fatalf("error %v after %v", err, order)
	}
}

func TestWalkOfSome(t *testing.T) {
	only := []*Service{{Name: "kubelet", Needs: []string{"apiserver"}}}
	for _, walk := range []func(context.Context, []*Service, func(context.Context, *Service) error) error{Walk, WalkBack} {
		if err := walk(t.Context(), only, func(context.Context, *Service) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
}
