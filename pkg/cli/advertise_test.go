package cli

import (
	"strconv"
	"strings"
	"testing"
)

func TestAdvertiseHelp(t *testing.T) {
	for name, args := range map[string][]string{
		"advertise-clusterip":              {"advertise-clusterip", "--help"},
		"advertise-clusterip-withdraw":     {"advertise-clusterip", "withdraw", "--help"},
		"advertise-clusterip-status":       {"advertise-clusterip", "status", "--help"},
		"advertise-clusterip-verify":       {"advertise-clusterip", "verify", "--help"},
		"advertise-clusterip-peers":        {"advertise-clusterip", "peers", "--help"},
		"advertise-clusterip-peers-list":   {"advertise-clusterip", "peers", "list", "--help"},
		"advertise-clusterip-peers-add":    {"advertise-clusterip", "peers", "add", "--help"},
		"advertise-clusterip-peers-remove": {"advertise-clusterip", "peers", "remove", "--help"},
	} {
		code, out, errs := run(t, NewKubectl, args...)
		if code != 0 || errs != "" {
			t.Errorf("%s: status %d, %s", name, code, errs)
		}
		golden(t, "help/"+name, []byte(out))
	}
}

func TestAdvertiseUsage(t *testing.T) {
	for line, want := range map[string]string{
		"":                                    "say what to advertise",
		"hello --sync":                        "leave out Services and ranges",
		"--watch --diff":                      "leave out --diff and --dry-run",
		"hello --listen=:1":                   "--listen goes with --watch",
		"--watch --log-level=loud":            "debug, info, warn or error",
		"verify hello --fix --dry-run=server": "Neutron tries nothing out",
		"verify hello --dry-run":              "--dry-run goes with --fix",
		"verify 10.96.0.1:80 --fix":           "name Services instead of addresses",
		"hello --diff --dry-run":              "leave out --dry-run",
		"hello --diff -o json":                "leave out -o",
		"hello --dry-run=maybe":               "none, client or server",
		"hello --wait=-1s":                    "a time is 0 or more",
		"hello -A":                            "-A goes with --selector",
		"a/b":                                 `"a/b" is no name of a Service`,
		"--cidr=10.96.0.1/16":                 "did you mean 10.96.0.0/16",
		"--cidr --external-ips":               "--cidr needs a value here",
		"hello --peer 192.0.2.1":              "IP:ASN is needed",
		"hello --peer 192.0.2.1:0":            "reserved",
		"withdraw":                            "say what to withdraw",
		"peers add":                           "say which router",
		"peers add 192.0.2.1:64512 a":         "got 2 arguments",
		"peers add x:64512":                   "no IP address",
		"peers remove":                        "say which peer",
		"peers remove x --dry-run=y":          "none, client or server",
		"peers renmove":                       "did you mean remove",
		"verify":                              "say what to verify",
		"verify hello 10.96.0.1:80":           "not both",
		"verify 10.96.0.1:80 --name x":        "go together",
		"verify --name x --dns-server 1.1.1":  "--name stands for one IP:PORT",
	} {
		code, out, errs := run(t, NewKubectl, append([]string{"advertise-clusterip"}, strings.Fields(line)...)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%q: status %d, %q, %q; want %q", line, code, out, errs, want)
		}
	}
}

// An address needs no cluster, nor a kubeconfig.
func TestVerifyAddress(t *testing.T) {
	code, out, errs := run(t, NewKubectl, "advertise-clusterip", "verify", "127.0.0.1:1", "-o", "jsonpath={.items[0].link}")
	if code != exitError || out != "tcp 1" || !strings.Contains(errs, "refused") {
		t.Errorf("status %d, %q, %q", code, out, errs)
	}
}

func TestPlanRowText(t *testing.T) {
	var many []string
	for i := range 20 {
		many = append(many, strconv.Itoa(i))
	}
	for want, row := range map[string]planRow{
		"(none) → true":                               {After: []string{"true"}},
		"a, b → b":                                    {Before: []string{"a", "b"}, After: []string{"b"}},
		"20 entries → 20, with x, without 0":          {Before: many, After: append(many[1:20:20], "x")},
		"0 entries → 20, with 0,1,2,3,4,5,6,7,+12":    {After: many},
		"20 entries → 1, without 1,2,3,4,5,6,7,8,+11": {Before: many, After: many[:1]},
	} {
		if got := row.text(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
