//go:build linux

package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sync/errgroup"
)

// Forward listens on addresses of this machine's loopback and connects each
// caller to the same address inside the node, until ctx ends. holder is asked
// anew for every caller, so that a node that has been restarted is found.
func Forward(ctx context.Context, addresses []string, holder func() (int, error)) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, address := range addresses {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { _ = listener.Close() })
		group.Go(func() error { return serve(ctx, listener, holder) })
	}
	return group.Wait()
}

func serve(ctx context.Context, listener net.Listener, holder func() (int, error)) error {
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer client.Close()
			if err := connect(ctx, client, listener.Addr().String(), holder); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", listener.Addr(), err)
			}
		}()
	}
}

func connect(ctx context.Context, client net.Conn, address string, holder func() (int, error)) error {
	pid, err := holder()
	if err != nil {
		return err
	}
	server, err := Dial(ctx, pid, "tcp", address)
	if err != nil {
		return err
	}
	defer server.Close()
	sent := make(chan struct{})
	go func() { defer close(sent); pipe(server, client) }()
	pipe(client, server)
	<-sent
	return nil
}

// pipe copies one direction, then tells the receiver that no more will come.
func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
