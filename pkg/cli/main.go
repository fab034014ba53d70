package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

// Exit codes, as users of kubectl, timeout(1) and shells expect them.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitTimeout     = 124
	exitInterrupted = 130
)

var (
	errInterrupted = errors.New("interrupted; the same command takes up where this one stopped")
	errTimeout     = errors.New("timed out (--timeout)")
	// errDifferences is how --diff says that there are some: no message, status 1.
	errDifferences = errors.New("differences found")
	// errNo is how a question is answered with no: likewise.
	errNo = errors.New("no")
)

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// diffError is an error while looking for differences. It must not look like
// "there are differences", which is 1.
type diffError struct{ error }

func (e diffError) Unwrap() error { return e.error }

// Main runs a command line and returns the exit status.
func Main(env Env, root func(Env) *cobra.Command, args []string) int {
	ctx, stop := notifyContext()
	defer stop()
	ctx = quiet(ctx)
	cmd := root(env)
	if completing(args) {
		offer(cmd, env)
	}
	cmd.SetArgs(append([]string{}, args...)) // nil would be the arguments of the process
	cmd, err := cmd.ExecuteContextC(ctx)
	code := exitCode(err)
	if said, other := errors.AsType[handedOver](err); other {
		return said.status
	}
	if err != nil && !errors.Is(err, errDifferences) && !errors.Is(err, errNo) {
		fmt.Fprintf(env.Err, "error: %v\n", err)
		var usage usageError
		if errors.As(err, &usage) { // the status alone can also mean a failed --diff
			fmt.Fprintf(env.Err, "See '%s --help'.\n", displayName(cmd))
		}
	}
	return code
}

// quiet keeps client-go from writing lines of its own between ours; what it has to
// say of a request is in the error that it returns.
func quiet(ctx context.Context) context.Context {
	return klog.NewContext(ctx, klog.Logger{}) // the zero value discards
}

// notifyContext is signal.NotifyContext with a cause of our own, so that an
// interrupt reads as one in every error that wraps it.
func notifyContext() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-c:
			signal.Stop(c) // a second interrupt ends the process at once
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(c); cancel(nil) }
}

// exitCode is the one place that turns errors into exit statuses.
func exitCode(err error) int {
	var usage usageError
	var diff diffError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	case errors.As(err, &usage), errors.As(err, &diff):
		return exitUsage
	}
	return exitError
}
