package hook

import (
	"crypto/hmac"
	"encoding/json"
	"net/http"
	"sync"
)

// maxPings bounds what pings can make the server remember.
const maxPings = 1000

// pings are the last pings, by repository.
type pings struct {
	mu   sync.Mutex
	last map[string]string
}

func (p *pings) note(repository, delivery string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil || len(p.last) >= maxPings {
		p.last = map[string]string{}
	}
	p.last[repository] = delivery
}

func (p *pings) get(repository string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last[repository]
}

// servePing tells which ping arrived last for a repository, to whoever knows the secret.
func (s *Server) servePing(w http.ResponseWriter, r *http.Request) {
	sum, err := wantedSum(r.Header)
	if err == nil {
		h := s.o.Secret.hash()
		h.Write([]byte(r.URL.RawQuery))
		if !hmac.Equal(h.Sum(nil), sum) {
			err = errSignature
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(pingState{s.pings.get(r.URL.Query().Get("repository"))})
}

// pingState is the answer of PathPing.
type pingState struct {
	Delivery string `json:"delivery"`
}
