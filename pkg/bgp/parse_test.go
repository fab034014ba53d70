package bgp

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseASN(t *testing.T) {
	for in, want := range map[string]string{
		"64512": "64512", "AS64512": "64512", "as1": "1", "1.10": "65546", "4200000000": "4200000000", "4294967294": "4294967294",
		"0": "reserved", "23456": "reserved", "65535": "reserved", "4294967295": "out of range", "99999999999": "out of range",
		"": "a number is needed", "x": "a number is needed", "-1": "a number is needed", "1.": "a number is needed", "65536.1": "a number is needed", "AS": "a number is needed",
	} {
		got, err := ParseASN(in)
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && got.String() != want {
			t.Errorf("%q: %v, %v; want %s", in, got, err, want)
		}
	}
}

func TestParseNeighbour(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:64512":       "192.0.2.1:64512",
		"192.0.2.1:AS1.1":       "192.0.2.1:65537",
		"[2001:db8::1]:64512":   "[2001:db8::1]:64512",
		"192.0.2.1":             "IP:ASN is needed",
		"2001:db8::1:64512":     "in brackets",
		"[192.0.2.1]:64512":     "in brackets",
		"[[2001:db8::1]]:64512": "no IP address",
		"router:64512":          "no IP address",
		"[fe80::1%eth0]:64512":  "no IP address",
		"[::ffff:1.2.3.4]:1":    "no IP address",
		"127.0.0.1:64512":       "no address that a router",
		"0.0.0.0:64512":         "no address that a router",
		"192.0.2.1:0":           "reserved",
		":64512":                "no IP address",
	} {
		got, err := ParseNeighbour(in)
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && got.String() != want {
			t.Errorf("%q: %v, %v; want %s", in, got, err, want)
		}
	}
}

func TestParsePrefixes(t *testing.T) {
	for in, want := range map[string]string{
		"10.96.0.0/16":               "10.96.0.0/16",
		"10.96.0.1, fd00:1::/108":    "10.96.0.1/32 fd00:1::/108",
		"10.96.0.10/16":              "did you mean 10.96.0.0/16",
		"10.96.0.0/33":               "is no range",
		"0.0.0.0/0":                  "all traffic",
		"::/0":                       "all traffic",
		"":                           "neither a range",
		"10.96.0.0/16,":              "neither a range",
		"::ffff:10.0.0.1":            "neither a range",
		"::ffff:10.0.0.0/120":        "is no range",
		"10.96.0.0/16;10.97.0.0/16 ": "is no range",
	} {
		got, err := ParsePrefixes(in)
		var texts []string
		for _, p := range got {
			texts = append(texts, p.String())
		}
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && strings.Join(texts, " ") != want {
			t.Errorf("%q: %v, %v; want %s", in, texts, err, want)
		}
	}
}

func TestParseIntent(t *testing.T) {
	for in, want := range map[string]string{
		"": "false", "false": "false", "true": "true", " true ": "true", "cluster-ip": "true",
		"load-balancer-ips,cluster-ip": "cluster-ip,load-balancer-ips", "external-ips": "external-ips", "external-ips,external-ips": "external-ips",
		"yes": "true, false, or of", "clusterip": `did you mean "cluster-ip"?`, "true,external-ips": "separated by commas", ",": "separated by commas",
	} {
		got, err := ParseIntent(in)
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && got.String() != want {
			t.Errorf("%q: %v, %v; want %s", in, got, err, want)
		}
	}
}

func TestPrefixSet(t *testing.T) {
	set := newPrefixSet([]string{"10.96.0.0/16", "10.96.1.0/24", "10.96.1.7/32", "fd00::/108", "nonsense"})
	for in, want := range map[string]string{
		"10.96.1.7/32": "10.96.1.7/32", "10.96.1.8/32": "10.96.1.0/24", "10.96.2.1/32": "10.96.0.0/16", "10.97.0.1/32": "",
		"10.96.0.0/16": "10.96.0.0/16", "10.96.0.0/15": "", "fd00::5/128": "fd00::/108", "fd01::/128": "",
	} {
		got, ok := set.find(netip.MustParsePrefix(in))
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: %v, %v; want %q", in, got, ok, want)
		}
	}
}

func FuzzParseNeighbour(f *testing.F) {
	for _, s := range []string{"192.0.2.1:64512", "[2001:db8::1]:1.1", ":", "[]:1", "AS1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNeighbour(s)
		if err != nil {
			return
		}
		again, err := ParseNeighbour(n.String())
		if err != nil || again != n {
			t.Errorf("%q: %v, then %v, %v", s, n, again, err)
		}
	})
}

func FuzzParsePrefixes(f *testing.F) {
	for _, s := range []string{"10.96.0.0/16", "10.96.0.1,fd00::/108", ",", "::/0", "1.2.3.4/031"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		prefixes, err := ParsePrefixes(s)
		for _, p := range prefixes {
			if q, err2 := ParsePrefix(p.String()); err == nil && (err2 != nil || q != p || p.Bits() == 0) {
				t.Errorf("%q: %v, then %v, %v", s, p, q, err2)
			}
			if _, ok := newPrefixSet([]string{p.String()}).find(p); !ok {
				t.Errorf("%v does not cover itself", p)
			}
		}
	})
}

func FuzzParseIntent(f *testing.F) {
	for _, s := range []string{"true", "false", "cluster-ip,external-ips", ",", " load-balancer-ips "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := ParseIntent(s)
		if err != nil {
			return
		}
		if again, err := ParseIntent(i.String()); err != nil || again.String() != i.String() {
			t.Errorf("%q: %v, then %v, %v", s, i, again, err)
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	for _, s := range []string{"", "{}", `{"serviceClusterIPs":{"10.96.0.1/32":"default/hello"}}`, "[]", "null"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseRecord(s)
		if err != nil {
			return
		}
		text := r.String()
		again, err := parseRecord(text)
		if err != nil || again.String() != text {
			t.Errorf("%q: %q, then %q, %v", s, text, again, err)
		}
		r.ranges()
	})
}
