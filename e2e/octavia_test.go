//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
)

// octavia stands for the load balancer's service, which the lab has not: a pool as its
// API reference (v2) describes it. A change is under way for a while, in which others are
// refused with 409; a new member is OFFLINE until then.
type octavia struct {
	mu      sync.Mutex
	members []poolMember
	busy    time.Time
	refused int
	fewest  int // members ONLINE at a time, since there were two
}

type poolMember struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Address   string `json:"address"`
	Port      int    `json:"protocol_port"`
	Doing     string `json:"provisioning_status"`
	Operating string `json:"operating_status"`
}

// balance puts the application behind a pool, which has a member of somebody else's.
func (f *fleet) balance() *octavia {
	f.t.Helper()
	o := &octavia{fewest: 99, members: []poolMember{{"m0", "by-hand", "198.51.100.250", 80, "ACTIVE", "ONLINE"}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/lbaas/pools", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"pools": [{"id": "p1", "name": "web", "loadbalancers": [{"id": "l1"}], "listeners": [{"id": "n1"}]}]}`))
	})
	mux.HandleFunc("GET /v2/lbaas/pools/p1/members", o.list)
	mux.HandleFunc("POST /v2/lbaas/pools/p1/members", o.add)
	mux.HandleFunc("DELETE /v2/lbaas/pools/p1/members/{id}", o.remove)
	server := httptest.NewServer(mux)
	f.t.Cleanup(server.Close)
	f.endpoints["load-balancer"] = server.URL
	f.session = fleetSession(f.t, f.cloud, f.endpoints)
	f.spec.LoadBalancer = &app.LoadBalancer{Pool: "web", Port: 8080}
	return o
}

// settle ends a change whose time is over. The caller holds the lock.
func (o *octavia) settle() (immutable bool) {
	if time.Now().Before(o.busy) {
		return true
	}
	online := 0
	for i := range o.members {
		o.members[i].Doing, o.members[i].Operating = "ACTIVE", "ONLINE"
		if strings.HasPrefix(o.members[i].Name, "ystack-") {
			online++
		}
	}
	if online >= 2 || o.fewest < 99 {
		o.fewest = min(o.fewest, online)
	}
	return false
}

func (o *octavia) list(w http.ResponseWriter, _ *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settle()
	_ = json.NewEncoder(w).Encode(map[string]any{"members": o.members})
}

// change begins one, if none is under way.
func (o *octavia) change(w http.ResponseWriter) bool {
	if o.settle() {
		o.refused++
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"faultcode": "Client", "faultstring": "Load Balancer l1 is immutable and cannot be updated.", "debuginfo": null}`))
		return false
	}
	o.busy = time.Now().Add(1500 * time.Millisecond)
	return true
}

func (o *octavia) add(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var in struct{ Member poolMember }
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Member.Address == "" || in.Member.Port == 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !o.change(w) {
		return
	}
	m := in.Member
	m.ID, m.Doing, m.Operating = "m"+random(), "PENDING_CREATE", "OFFLINE"
	o.members = append(o.members, m)
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"member": m})
}

func (o *octavia) remove(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.change(w) {
		return
	}
	o.members = slices.DeleteFunc(o.members, func(m poolMember) bool { return m.ID == r.PathValue("id") })
	w.WriteHeader(http.StatusNoContent)
}

// names are the members that there are, and that are ONLINE.
func (o *octavia) names() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for _, m := range o.members {
		all = append(all, m.Name)
	}
	return all
}
