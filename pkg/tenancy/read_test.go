package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecodeList: whatever is sent, there is a list, or an error that names it.
func FuzzDecodeList(f *testing.F) {
	for _, seed := range []string{
		`{"users":[{"id":"1","name":"a","domain_id":"d","enabled":true}],"links":{"next":null}}`,
		`{"users":[]}`, `{"users":[{"id":"1","ID":"2","name":"a","NAME":"b","domain_id":"d","enabled":false}]}`,
		`{"users":[],"truncated":true}`, `{"links":{"next":"x"},"users":[]}`, `{"users":null}`, `{"users":[null]}`, `[]`, ``, `{"users":[]}{}`, `{"users":[],"users":[]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		q, n := users.list(), 0
		err := q.decodeList(json.NewDecoder(strings.NewReader(body)), users.many, func(d *json.Decoder) error {
			u, err := users.decode(d)
			if err == nil && (u.ID == "" || u.Name == "" || u.DomainID == "") {
				t.Errorf("%q: a user without id, name or domain", body)
			}
			n++
			return err
		})
		if err == nil && (!json.Valid([]byte(body)) || n == 0 && !strings.Contains(body, "[")) {
			t.Errorf("%q is taken for a list", body)
		}
		if err != nil && errors.Is(err, ErrPartial) && !strings.Contains(err.Error(), "list users") {
			t.Errorf("%q: %v", body, err)
		}
	})
}

// TestEntityNames: attributes that somebody has added to a user do not stand for
// Keystone's own.
func TestEntityNames(t *testing.T) {
	const body = `{"id":"1","ID":"2","name":"a","Name":"b","domain_id":"d","Domain_ID":"e","enabled":false,"Enabled":true,"extra":{"id":"3"}}`
	u, err := users.decode(json.NewDecoder(strings.NewReader(body)))
	if want := (User{"1", "a", "d", false}); err != nil || u != want {
		t.Errorf("got %+v, %v", u, err)
	}
}

// small is a Keystone that a test can spoil: what is in answers replaces the answer for
// a path, whatever the query.
type small struct {
	size
	answers map[string]string
}

func (s small) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if body, ours := s.answers[strings.TrimPrefix(r.URL.Path, "/v3")]; ours {
		if strings.HasPrefix(body, `{"error"`) {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, body)
		return
	}
	s.size.ServeHTTP(w, r)
}

// TestReadNamed: what is named and in no list.
func TestReadNamed(t *testing.T) {
	const notFound = `{"error":{"message":"Could not find it."}}`
	assignments := func(more string) string {
		return `{"role_assignments":[{"user":{"id":"user0"},"role":{"id":"role0"},"scope":{"system":{"all":true}}},` + more + `]}`
	}
	onProject := func(who string) string {
		return assignments(`{` + who + `,"role":{"id":"role0"},"scope":{"project":{"id":"project0"}}}`)
	}
	inLDAP := map[string]string{"/domains": `{"domains":[{"id":"default","name":"Default","enabled":true},{"id":"ldap","name":"LDAP","enabled":true}]}`}
	tests := []struct {
		name    string
		answers map[string]string
		problem string // "" for none
		grants  int    // on project0: of role0 and the three it implies
	}{
		{"a user whom only his directory lists", map[string]string{
			"/role_assignments": onProject(`"user":{"id":"far"}`), "/domains": inLDAP["/domains"],
			"/users/far": `{"user":{"id":"far","name":"far","domain_id":"ldap","enabled":true}}`,
		}, "", 4},
		{"a user deleted in his directory", map[string]string{"/role_assignments": onProject(`"user":{"id":"far"}`), "/users/far": notFound}, "", 4},
		{"another user than the one asked for", map[string]string{
			"/role_assignments": onProject(`"user":{"id":"far"}`), "/users/far": `{"user":{"id":"near","name":"far","domain_id":"default","enabled":true}}`,
		}, "the answer is another user", 0},
		{"a group that only its directory lists", map[string]string{
			"/role_assignments": onProject(`"group":{"id":"far"}`), "/domains": inLDAP["/domains"],
			"/groups/far":       `{"group":{"id":"far","name":"far","domain_id":"ldap"}}`,
			"/groups/far/users": `{"users":[{"id":"farther","name":"far","domain_id":"ldap","enabled":true}]}`,
		}, "", 4},
		{"a group deleted in its directory", map[string]string{"/role_assignments": onProject(`"group":{"id":"far"}`), "/groups/far": notFound}, "", 0},
		{"a project that the list lacks", map[string]string{
			"/role_assignments": assignments(`{"user":{"id":"user0"},"role":{"id":"role0"},"scope":{"project":{"id":"far"}}}`),
			"/projects/far":     `{"project":{"id":"far","name":"far","domain_id":"default","parent_id":"default","enabled":true}}`,
		}, "list projects (GET /v3/projects): the list lacks project far", 0},
		{"a domain that the list lacks", map[string]string{
			"/role_assignments": onProject(`"user":{"id":"far"}`), "/users/far": `{"user":{"id":"far","name":"far","domain_id":"ldap","enabled":true}}`,
			"/domains/ldap": `{"domain":{"id":"ldap","name":"LDAP","enabled":true}}`,
		}, "list domains (GET /v3/domains): the list lacks domain ldap", 0},
		{"a role of a domain", map[string]string{
			"/role_assignments": assignments(`{"user":{"id":"user0"},"role":{"id":"own"},"scope":{"project":{"id":"project0"}}}`),
			"/roles/own":        `{"role":{"id":"own","name":"own","domain_id":"default"}}`,
		}, "", 0},
		{"an assignment of a kind that we do not know", map[string]string{
			"/role_assignments": assignments(`{"user":{"id":"user0"},"role":{"id":"role0"},"scope":{"region":{"id":"x"}}}`),
		}, "list role_assignments", 0},
		{
			"another cloud",
			map[string]string{"/role_assignments": `{"role_assignments":[]}`},
			"nothing in the list gives role admin on system", 0,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := Read(t.Context(), serve(t, small{size{1, 1, 0, 1}, test.answers}), ReadOptions{})
			if test.problem != "" {
				if !errors.Is(err, ErrPartial) || !strings.Contains(err.Error(), test.problem) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if grants := s.Expand().On(Scope{ProjectID: "project0"}); len(grants) != test.grants {
				t.Errorf("got %+v", grants)
			}
		})
	}
}

// TestReadWithoutMembers: the roles in effect are the same, and who has them is not for
// asking.
func TestReadWithoutMembers(t *testing.T) {
	session := serve(t, size{100, 100, 10, 400})
	whole, err := Read(t.Context(), session, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	without, err := Read(t.Context(), session, ReadOptions{WithoutMembers: true})
	if err != nil {
		t.Fatal(err)
	}
	a, b := whole.Expand(), without.Expand()
	for _, scope := range a.Scopes() {
		if diff := cmp.Diff(a.RolesOn(scope), b.RolesOn(scope)); diff != "" {
			t.Errorf("%+v (-whole +without):\n%s", scope, diff)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("On answers without knowing")
		}
	}()
	b.On(Scope{ProjectID: id("project", 1)})
}

// TestReadInterrupted: a caller who gives up gets his own reason, not one of Keystone's.
func TestReadInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stalls := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v3/users" {
			size{1, 1, 0, 1}.ServeHTTP(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"users":[`)
		_ = http.NewResponseController(w).Flush()
		cancel()
		<-r.Context().Done()
	})
	_, err := Read(ctx, serve(t, stalls), ReadOptions{})
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrPartial) {
		t.Errorf("got %v", err)
	}
}
