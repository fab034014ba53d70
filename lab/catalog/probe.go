//go:build linux

package catalog

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/service"
)

// transport speaks HTTP from inside the node, as the administrator where a
// server asks who it is. It trusts every certificate: it talks to addresses
// of a namespace that only the lab's own servers live in.
func transport(l *service.Lab) *http.Transport {
	tlsConfig := &tls.Config{InsecureSkipVerify: true}
	if pair, err := tls.LoadX509KeyPair(l.Etc("pki/admin.crt"), l.Etc("pki/admin.key")); err == nil {
		tlsConfig.Certificates = []tls.Certificate{pair}
	}
	return &http.Transport{
		TLSClientConfig:   tlsConfig,
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			holder, err := l.Holder()
			if err != nil {
				return nil, err
			}
			return node.Dial(ctx, holder, network, address)
		},
	}
}

// get returns the body of an answer of 200 from inside the node.
func get(ctx context.Context, l *service.Lab, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := transport(l).RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return body, err
}

// answers is the Ready of a service that has a URL for it.
func answers(url string) func(context.Context, *service.Lab) error {
	return func(ctx context.Context, l *service.Lab) error {
		_, err := get(ctx, l, url)
		return err
	}
}

// accepts is the Ready of a service that one can only connect to.
func accepts(address string) func(context.Context, *service.Lab) error {
	return func(ctx context.Context, l *service.Lab) error {
		holder, err := l.Holder()
		if err != nil {
			return err
		}
		conn, err := node.Dial(ctx, holder, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// listening connects to each address of the machine.
func listening(ctx context.Context, addresses []string) error {
	for _, address := range addresses {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		_ = conn.Close()
	}
	return nil
}
