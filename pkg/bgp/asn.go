package bgp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ASN is the number of an autonomous system.
type ASN uint32

const (
	maxASN = 1<<32 - 2
	// maxCRDASN is the largest that Calico's CRDs take: their schema says int32.
	maxCRDASN = 1<<31 - 1
)

// ParseASN reads an AS number: 64512, AS64512, or in two halves 1.10.
func ParseASN(s string) (ASN, error) {
	digits := s
	if len(s) > 2 && strings.EqualFold(s[:2], "as") {
		digits = s[2:]
	}
	n, err := parseHalves(digits)
	switch {
	case err != nil:
		return 0, fmt.Errorf("AS number %q: a number is needed, such as 64512", s)
	case n > maxASN:
		return 0, fmt.Errorf("AS number %q is out of range: 1 to %d", s, uint32(maxASN))
	case n == 0 || n == 23456 || n == 65535:
		return 0, fmt.Errorf("AS number %q is reserved and belongs to no network; private ones are 64512 to 65534", s)
	}
	return ASN(n), nil
}

func parseHalves(s string) (uint64, error) {
	high, low, dotted := strings.Cut(s, ".")
	if !dotted {
		return strconv.ParseUint(s, 10, 64)
	}
	h, err := strconv.ParseUint(high, 10, 16)
	if err != nil {
		return 0, err
	}
	l, err := strconv.ParseUint(low, 10, 16)
	return h<<16 | l, err
}

func (a ASN) String() string { return strconv.FormatUint(uint64(a), 10) }

// Neighbour is a router by address and AS number.
type Neighbour struct {
	IP netip.Addr
	AS ASN
}

// ParseNeighbour reads IP:ASN; an IPv6 address stands in brackets.
func ParseNeighbour(s string) (Neighbour, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return Neighbour{}, fmt.Errorf("peer %q: IP:ASN is needed, such as 192.0.2.1:64512", s)
	}
	host := s[:i]
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip, err := netip.ParseAddr(bare)
	switch {
	case err != nil || ip.Zone() != "" || ip.Is4In6():
		return Neighbour{}, fmt.Errorf("peer %q: %q is no IP address; IP:ASN is needed, such as 192.0.2.1:64512", s, host)
	case ip.Is6() && host != "["+bare+"]" || ip.Is4() && host != bare:
		return Neighbour{}, fmt.Errorf("peer %q: write an IPv6 address in brackets, and only that: [2001:db8::1]:64512", s)
	case ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback():
		return Neighbour{}, fmt.Errorf("peer %q: %s is no address that a router can be spoken to at", s, ip)
	}
	as, err := ParseASN(s[i+1:])
	if err != nil {
		return Neighbour{}, fmt.Errorf("peer %q: %w", s, err)
	}
	return Neighbour{ip, as}, nil
}

func (n Neighbour) String() string {
	if n.IP.Is6() {
		return fmt.Sprintf("[%s]:%s", n.IP, n.AS)
	}
	return fmt.Sprintf("%s:%s", n.IP, n.AS)
}
