// Package bird asks a BIRD routing daemon, of version 1 or 2, what it knows.
package bird

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
)

// Ask sends a command to the BIRD behind a control socket, and returns the
// lines of its answer without their codes.
func Ask(ctx context.Context, socket, command string) ([]string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	lines := bufio.NewScanner(conn)
	if _, err := answer(lines); err != nil { // it begins with a greeting
		return nil, fmt.Errorf("%s: %w", socket, err)
	}
	if _, err := fmt.Fprintln(conn, command); err != nil {
		return nil, err
	}
	out, err := answer(lines)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", socket, command, err)
	}
	return out, nil
}

// answer reads up to the line that ends an answer. A line is CODE-TEXT, or
// " TEXT" with the code of the one before, or CODE TEXT for the last. Codes
// from 8000 on are errors.
func answer(lines *bufio.Scanner) ([]string, error) {
	var out []string
	for lines.Scan() {
		line := lines.Text()
		if rest, same := strings.CutPrefix(line, " "); same {
			out = append(out, rest)
			continue
		}
		if len(line) < 5 {
			return out, fmt.Errorf("answered %q", line)
		}
		code, text := line[:4], line[5:]
		if code >= "8000" {
			return out, fmt.Errorf("answered %s", line)
		}
		if text != "" {
			out = append(out, text)
		}
		if line[4] == ' ' {
			return out, nil
		}
	}
	if err := lines.Err(); err != nil {
		return out, err
	}
	return out, fmt.Errorf("hung up")
}
