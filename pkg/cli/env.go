// Package cli holds the verbs: they parse flags into options, call the domain
// packages and print what comes back. Nothing else lives here.
package cli

import (
	"io"
	"os"
	"os/user"
	"path/filepath"
	"runtime"

	"golang.org/x/term"
)

// Env is everything that a command takes from the process around it, so that
// tests can put their own in its place.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string

	Version, Commit string

	// Boundary is called at named points of a run. Tests end the process
	// there, to see that the next one takes up the work.
	Boundary func(point string)
}

// OS is the environment of the real process.
func OS() Env {
	return Env{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Boundary: func(string) {}}
}

// live reports whether progress can be redrawn in place on standard error.
func (e Env) live() (width int, ok bool) {
	f, isFile := e.Err.(*os.File)
	if !isFile || e.Getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil && width > 20
}

// color reports whether standard error may be coloured.
func (e Env) color() bool {
	_, live := e.live()
	return live && e.Getenv("NO_COLOR") == ""
}

// stateDir is where runs are recorded.
func (e Env) stateDir() string { return e.xdg("XDG_STATE_HOME", ".local/state") }

// cacheDir is for what can be fetched again.
func (e Env) cacheDir() string { return e.xdg("XDG_CACHE_HOME", ".cache") }

func (e Env) xdg(name, fallback string) string {
	if dir := e.Getenv(name); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ystack")
	}
	return filepath.Join(e.home(), filepath.FromSlash(fallback), "ystack")
}

// home is the user's home directory.
func (e Env) home() string {
	home := e.Getenv("HOME")
	if runtime.GOOS == "windows" {
		home = e.Getenv("USERPROFILE")
	}
	if !filepath.IsAbs(home) {
		home = accountHome()
	}
	return home
}

// accountHome stands in for HOME, which services and containers can lack: a
// relative path would be one in the checkout, where files are source.
func accountHome() string {
	if u, err := user.Current(); err == nil && filepath.IsAbs(u.HomeDir) {
		return u.HomeDir
	}
	return string(filepath.Separator)
}

// userName is who the record says did it.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
