package tenancy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// size is that of a simulated Keystone.
type size struct{ projects, users, groups, assignments int }

var large = size{10_000, 20_000, 500, 100_000}

// ServeHTTP answers as Keystone does, element by element: it holds nothing.
func (z size) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := bufio.NewWriter(w)
	defer out.Flush()
	each := func(key string, n int, element func(i int) string) {
		separator := ""
		fmt.Fprintf(out, `{"links":{"next":null,"self":"x","previous":null},"%s":[`, key)
		for i := range n {
			if e := element(i); e != "" {
				_, _ = io.WriteString(out, separator+e)
				separator = ","
			}
		}
		_, _ = io.WriteString(out, "]}")
	}
	path := strings.TrimPrefix(r.URL.Path, "/v3")
	switch {
	case path == "/auth/tokens":
		w.Header().Set("X-Subject-Token", "token")
		w.WriteHeader(http.StatusCreated)
		now := time.Now().UTC()
		fmt.Fprintf(out, `{"token":{"methods":["password"],"user":{"id":"user0","name":"u0","domain":{"id":"default","name":"Default"}},"system":{"all":true},"roles":[{"id":"role0","name":"admin"}],`+
			`"issued_at":%q,"expires_at":%q,"catalog":[]}}`, now.Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
	case path == "/domains":
		_, _ = io.WriteString(out, `{"domains":[{"id":"default","name":"Default","enabled":true,"options":{}}],"links":{}}`)
	case path == "/projects":
		each("projects", z.projects, z.project)
	case path == "/users":
		each("users", z.users, user)
	case path == "/groups":
		each("groups", z.groups, func(i int) string {
			return fmt.Sprintf(`{"id":%q,"name":"g%d","domain_id":"default","description":""}`, id("group", i), i)
		})
	case strings.HasPrefix(path, "/groups/"):
		var g int
		_, _ = fmt.Sscanf(path, "/groups/group%d", &g)
		each("users", 40, func(i int) string { return user((g*40 + i) % z.users) })
	case path == "/roles":
		each("roles", 4, func(i int) string { return fmt.Sprintf(`{"id":%q,"name":"r%d","domain_id":null}`, id("role", i), i) })
	case path == "/role_inferences":
		each("role_inferences", 3, implies)
	case strings.HasSuffix(path, "/implies"):
		_, _ = io.WriteString(out, `{"role_inference":{"prior_role":{"id":"x"},"implies":[]}}`)
	case path == "/role_assignments":
		role := r.URL.Query().Get("role.id")
		each("role_assignments", z.assignments, func(i int) string { return z.assignment(i, role) })
	default:
		http.Error(w, "{}", http.StatusNotFound)
	}
}

// id is as long as Keystone's, but for the first: those are in the token.
func id(kind string, i int) string {
	if i == 0 {
		return kind + "0"
	}
	return fmt.Sprintf("%s%0*d", kind, 32-len(kind), i)
}

func (z size) project(i int) string {
	parent := "default"
	if i%10 != 0 {
		parent = id("project", i-i%10)
	}
	return fmt.Sprintf(`{"id":%q,"name":"p%d","domain_id":"default","parent_id":%q,"enabled":true,"is_domain":false,"tags":[],"options":{},"description":"","links":{"self":"http://keystone.example/v3/projects/%d"}}`, id("project", i), i, parent, i)
}

func user(i int) string {
	return fmt.Sprintf(`{"id":%q,"name":"u%d","domain_id":"default","enabled":true,"password_expires_at":null,"options":{},"links":{"self":"http://keystone.example/v3/users/%d"}}`, id("user", i), i, i)
}

func implies(i int) string {
	return fmt.Sprintf(`{"prior_role":{"id":%q,"name":"r%d"},"implies":[{"id":%q,"name":"r%d"}]}`, id("role", i), i, id("role", i+1), i+1)
}

// assignment is one in ten to a group, one in twenty inherited.
func (z size) assignment(i int, role string) string {
	given := id("role", i/z.users%4)
	if role != "" && role != given {
		return ""
	}
	if i == 0 {
		return `{"user":{"id":"user0"},"role":{"id":"role0"},"scope":{"system":{"all":true}},"links":{"assignment":"http://keystone.example/v3/system/users/user0/roles/role0"}}`
	}
	who, inherited := fmt.Sprintf(`"user":{"id":%q}`, id("user", i%z.users)), ""
	if i%10 == 0 {
		who = fmt.Sprintf(`"group":{"id":%q}`, id("group", i/10%z.groups))
	}
	if i%20 == 1 {
		inherited = `,"OS-INHERIT:inherited_to":"projects"`
	}
	project := id("project", (i*7+i/z.users)%z.projects)
	return fmt.Sprintf(`{%s,"role":{"id":%q},"scope":{"project":{"id":%q}%s},"links":{"assignment":"http://keystone.example/v3/projects/%s/roles/%s"}}`, who, given, project, inherited, project, given)
}

// serve starts a simulated Keystone, and returns who reads from it.
func serve(t testing.TB, handler http.Handler) *keystone.Session {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg := &keystone.Config{
		AuthURL: server.URL + "/v3", AuthType: keystone.AuthPassword, Username: "u0", UserDomainID: "default", Password: "secret",
		Scope: keystone.Scope{System: true}, Interface: "public", Endpoints: map[string]string{"identity": server.URL + "/v3"},
	}
	client, err := keystone.NewClient(cfg, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return keystone.NewSession(client, cfg)
}

// TestScale: the memory for reading a large cloud and for working out all that is
// granted there, the simulated Keystone's own included.
func TestScale(t *testing.T) {
	const most = 200 << 20
	peak := watchMemory(t)
	start := time.Now()
	s, err := Read(t.Context(), serve(t, large), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	read := time.Since(start)
	if len(s.Projects) != large.projects || len(s.Users) != large.users || len(s.Groups) != large.groups || len(s.Assignments) < large.assignments*9/10 {
		t.Fatalf("%d projects, %d users, %d groups, %d assignments", len(s.Projects), len(s.Users), len(s.Groups), len(s.Assignments))
	}
	start = time.Now()
	grants := 0
	for range s.Expand().All() {
		grants++
	}
	bytes := peak()
	t.Logf("read %d assignments in %s, %d grants in %s; %d MB at most", len(s.Assignments), read.Round(time.Millisecond), grants, time.Since(start).Round(time.Millisecond), bytes>>20)
	if bytes > most {
		t.Errorf("%d MB, more than %d", bytes>>20, most>>20)
	}
}

// watchMemory looks often at what the Go runtime holds of the machine's memory, and
// returns what tells the most it saw.
func watchMemory(t *testing.T) (peak func() uint64) {
	runtime.GC()
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	stop, result := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			metrics.Read(samples)
			most = max(most, samples[0].Value.Uint64()-samples[1].Value.Uint64())
			select {
			case <-stop:
				result <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(stop); return <-result }
}

func BenchmarkExpand(b *testing.B) {
	s, err := Read(b.Context(), serve(b, large), ReadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		grants := 0
		for range s.Expand().All() {
			grants++
		}
		b.ReportMetric(float64(grants), "grants")
	}
}

// BenchmarkRolesOn is what namespaces need: which roles are in effect in each project.
func BenchmarkRolesOn(b *testing.B) {
	s, err := Read(b.Context(), serve(b, large), ReadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	access := s.Expand()
	scopes := slices.Clone(access.Scopes())
	b.ReportAllocs()
	for b.Loop() {
		for _, scope := range scopes {
			access.RolesOn(scope)
		}
	}
}
