//go:build e2e

package tenancy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// lists are Keystone's lists: their paths, and what holds the elements.
var lists = []struct{ name, path, key string }{
	{"domains", `^/v3/domains$`, "domains"},
	{"projects", `^/v3/projects$`, "projects"},
	{"users", `^/v3/users$`, "users"},
	{"groups", `^/v3/groups$`, "groups"},
	{"roles", `^/v3/roles$`, "roles"},
	{"role_inferences", `^/v3/role_inferences$`, "role_inferences"},
	{"role_assignments", `^/v3/role_assignments$`, "role_assignments"},
	{"the members of group", `^/v3/groups/[^/]+/users$`, "users"},
}

// fault spoils an answer. It gets the answer's object and the key of its list.
type fault struct {
	name  string
	spoil func(response *http.Response, body map[string]any, key string)
	// quiet ones leave an answer that is sound in itself.
	quiet bool
	kind  error // of all others
	// once: one list shows it, since all go the same way.
	once bool
}

func some(keep func(i, n int) bool) func(*http.Response, map[string]any, string) {
	return func(_ *http.Response, body map[string]any, key string) {
		all, _ := body[key].([]any)
		kept := []any{}
		for i, e := range all {
			if keep(i, len(all)) {
				kept = append(kept, e)
			}
		}
		body[key] = kept
	}
}

func status(code int, text string) func(*http.Response, map[string]any, string) {
	return func(r *http.Response, _ map[string]any, _ string) {
		r.StatusCode = code
		replace(r, []byte(text))
	}
}

func replace(r *http.Response, body []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
}

var faults = []fault{
	{"empty", some(func(int, int) bool { return false }), true, nil, false},
	{"every other", some(func(i, _ int) bool { return i%2 == 0 }), true, nil, false},
	{"first half", some(func(i, n int) bool { return i < n/2 }), true, nil, false},
	{"second half", some(func(i, n int) bool { return i >= n/2 }), true, nil, false},
	{"truncated", func(_ *http.Response, body map[string]any, _ string) { body["truncated"] = true }, false, ErrPartial, false},
	{"paged", func(_ *http.Response, body map[string]any, _ string) {
		body["links"] = map[string]any{"next": "/v3/x?marker=y"}
	}, false, ErrPartial, false},
	{"no list", func(_ *http.Response, body map[string]any, key string) { delete(body, key) }, false, ErrPartial, true},
	{"null", func(_ *http.Response, body map[string]any, key string) { body[key] = nil }, false, ErrPartial, true},
	{"no ids", func(_ *http.Response, body map[string]any, key string) { body[key] = []any{map[string]any{}} }, false, ErrPartial, true},
	{"page of a proxy", status(200, "<html>Welcome</html>"), false, ErrPartial, false},
	{"nothing", status(200, ""), false, ErrPartial, true},
	{"cut", func(r *http.Response, body map[string]any, _ string) {
		data, _ := json.Marshal(body)
		replace(r, data[:len(data)*2/3])
	}, false, ErrPartial, false},
	{"broken off", func(r *http.Response, body map[string]any, _ string) {
		data, _ := json.Marshal(body)
		replace(r, data[:len(data)*2/3])
		r.ContentLength = int64(len(data))
		r.Header.Set("Content-Length", strconv.Itoa(len(data)))
	}, false, ErrPartial, false},
	{"500", status(500, `{"error":{"message":"An unexpected error"}}`), false, keystone.ErrServer, false},
	{"503", status(503, `busy`), false, keystone.ErrServer, true},
	{"403", status(403, `{"error":{"message":"You are not authorized"}}`), false, keystone.ErrForbidden, false},
	{"a proxy's 404", status(404, `no such page`), false, keystone.ErrRejected, true},
}

// TestLabFaults: whatever is wrong with a list, there is an error that names it, or the
// snapshot has all the same.
func TestLabFaults(t *testing.T) {
	a := newAdmin(t)
	newCast(a)
	whole, err := Read(t.Context(), a.s, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lists {
		for _, f := range faults {
			if f.once && l.name != "users" {
				continue
			}
			t.Run(l.name+" "+f.name, func(t *testing.T) {
				if f.quiet && l.key == "users" && l.name != "users" {
					t.Skip("of a group's members Keystone has no other list: who is not among them is no member")
				}
				t.Parallel()
				var spoiled atomic.Int32
				got, err := Read(t.Context(), throughProxy(t, l.path, func(r *http.Response, body map[string]any) {
					spoiled.Add(1)
					f.spoil(r, body, l.key)
				}), ReadOptions{})
				if spoiled.Load() == 0 {
					t.Fatal("nothing was spoiled")
				}
				switch {
				case err != nil && !strings.Contains(err.Error(), "list "+l.name):
					t.Errorf("the error names another list: %v", err)
				case err != nil && !f.quiet && !errors.Is(err, f.kind):
					t.Errorf("the error is of another kind: %v", err)
				case err == nil && !f.quiet:
					t.Error("no error")
				case err == nil:
					sameCast(t, a.prefix, whole, got)
				default:
					t.Log(err)
				}
			})
		}
	}
}

// sameCast compares snapshots, but for what other tests change meanwhile.
func sameCast(t *testing.T, prefix string, want, got *Snapshot) {
	t.Helper()
	if diff := cmp.Diff(want.only(prefix), got.only(prefix), cmpopts.IgnoreFields(Snapshot{}, "Taken")); diff != "" {
		t.Errorf("the snapshot differs (-want +got):\n%s", diff)
	}
}

// only are the things whose names begin so, and what is assigned to them.
func (s *Snapshot) only(prefix string) *Snapshot {
	few := &Snapshot{
		Domains: named(s.Domains, prefix, func(d Domain) string { return d.Name }), Projects: named(s.Projects, prefix, func(p Project) string { return p.Name }),
		Users: named(s.Users, prefix, func(u User) string { return u.Name }), Groups: named(s.Groups, prefix, func(g Group) string { return g.Name }),
		Roles: named(s.Roles, prefix, func(r Role) string { return r.Name }), Implied: map[string][]string{},
	}
	for role := range few.Roles {
		few.Implied[role] = s.Implied[role]
	}
	for _, a := range s.Assignments {
		if _, ours := few.Roles[a.RoleID]; ours {
			few.Assignments = append(few.Assignments, a)
		}
	}
	return few
}

func named[T any](all map[string]T, prefix string, name func(T) string) map[string]T {
	few := map[string]T{}
	for id, one := range all {
		if strings.HasPrefix(name(one), prefix) {
			few[id] = one
		}
	}
	return few
}

// throughProxy is the administrator behind a proxy that may spoil answers.
func throughProxy(t *testing.T, path string, spoil func(*http.Response, map[string]any)) *keystone.Session {
	t.Helper()
	cfg := labConfig(t, "lab-system")
	target, err := url.Parse(cfg.AuthURL)
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(path)
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host}) },
		ModifyResponse: func(r *http.Response) error {
			if !pattern.MatchString(r.Request.URL.Path) {
				return nil
			}
			data, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			var body map[string]any
			if err := json.Unmarshal(data, &body); err != nil {
				return err
			}
			before := r.Body
			spoil(r, body)
			if r.Body == before { // still to be written
				data, err = json.Marshal(body)
				replace(r, data)
			}
			return err
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	})
	t.Cleanup(proxy.Close)
	cfg.Endpoints = map[string]string{"identity": proxy.URL}
	return session(t, cfg)
}
