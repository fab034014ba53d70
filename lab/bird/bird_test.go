package bird

import (
	"bufio"
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answers are what BIRD 1.6 says of a node with two peers.
var answers = map[string]string{
	"show status": `1000-BIRD 1.6.8
1011-Router ID is 10.89.0.10
 Current server time is 2026-11-25 20:04:27
 Last reboot on 2026-11-25 20:03:09
 Last reconfiguration on 2026-11-25 20:04:15
0013 Daemon is up and running
`,
	"show protocols": `2002-name     proto    table    state  since       info
1002-static1  Static   master   up     20:03:08    
 direct1  Direct   master   up     20:03:08    
 Global_10_89_0_1 BGP      master   up     20:04:15    Established   
 Node_10_89_0_2_port_1179 BGP      master   start  20:04:14    Active        Socket: Connection refused
 mine     BGP      master   start  20:04:14    Idle
0000 
`,
	"show route": `1007-10.89.1.0/24       via 10.89.0.1 on router0 [kernel1 20:03:08] * (10)
 10.96.0.10/32      blackhole [static1 20:04:15] * (200)
                    via 10.89.0.2 on router0 [Mesh_10_89_0_2 20:03:08 from 10.89.0.9] (100/0) [i]
 10.244.0.0/24      dev cni0 [direct1 20:03:08] * (240)
 172.16.0.0/12      unreachable [Global_10_89_0_1 20:04:15] (100) [AS64512i]
0000 
`,
	"show nothing": "9001 syntax error\n",
	"show cut":     "1007-10.0.0.0/8\n",
	"show short":   "1\n",
}

// daemonAt answers on a control socket as BIRD does.
func daemonAt(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "ctl")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("0001 BIRD 1.6.8 ready.\n"))
			command, _ := bufio.NewReader(conn).ReadString('\n')
			_, _ = conn.Write([]byte(answers[strings.TrimSpace(command)]))
			conn.Close()
		}
	}()
	return socket
}

func TestAskErrors(t *testing.T) {
	socket := daemonAt(t)
	for command, want := range map[string]string{"show nothing": "syntax error", "show cut": "hung up", "show short": `answered "1"`} {
		if _, err := Ask(t.Context(), socket, command); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", command, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Ask(ctx, socket, "show status"); err == nil {
		t.Error("an interrupted question was answered")
	}
}

func TestRead(t *testing.T) {
	want := Report{
		Agent: Agent{Daemon{"Ready", "1.6.8", "10.89.0.10", "2026-11-25 20:03:09", "2026-11-25 20:04:15"}},
		BGP: BGP{EstablishedV4: 1, NotEstablishedV4: 1, PeersV4: []Peer{
			{"10.89.0.1", "GlobalPeer", "Established", "20:04:15"},
			{"10.89.0.2", "NodePeer", "Active", "20:04:14"},
		}},
		Routes: Routes{[]Route{
			{"FIB", "10.89.1.0/24", "10.89.0.1", "router0", Source{"Kernel", ""}},
			{"FIB", "10.96.0.10/32", "N/A", "blackhole", Source{"Static", ""}},
			{"RIB", "10.96.0.10/32", "10.89.0.2", "router0", Source{"NodeMesh", "10.89.0.2"}},
			{"FIB", "10.244.0.0/24", "N/A", "cni0", Source{"Direct", ""}},
			{"RIB", "172.16.0.0/12", "N/A", "unreachable", Source{"BGPPeer", "10.89.0.1"}},
		}},
	}
	if diff := cmp.Diff(want, Read(t.Context(), daemonAt(t))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if r := Read(t.Context(), filepath.Join(t.TempDir(), "none")); r.Agent.BIRDv4.State != "NotReady" {
		t.Errorf("without BIRD: %+v", r)
	}
}

// Whatever BIRD prints, reading it ends, and makes sense.
func FuzzParse(f *testing.F) {
	for _, a := range answers {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		daemon(lines)
		if b := sessions(lines); len(b.PeersV4) != b.EstablishedV4+b.NotEstablishedV4 {
			t.Errorf("%+v", b)
		}
		for _, r := range parseRoutes(lines) {
			if r.Type != "FIB" && r.Type != "RIB" || r.Interface == "" {
				t.Errorf("%+v", r)
			}
		}
		_, _ = answer(bufio.NewScanner(strings.NewReader(text)))
	})
}
