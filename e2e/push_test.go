//go:build e2e

package e2e

import (
	"bytes"
	"net"
	"net/http"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// The lab's code registry, and who owns repositories there; see lab/catalog/gitea_seed.go.
const (
	codeURL      = "http://127.0.0.1:15030"
	codeUser     = "dev"
	codePassword = "secret-of-dev"
)

// haveCode is the condition [code]. In CI the code registry must run.
func haveCode() bool {
	return os.Getenv("CI") != "" || codeCall(http.MethodGet, "/version", "") == nil
}

type codeError string

func (e codeError) Error() string { return string(e) }

func codeCall(method, path, body string) error {
	r, err := http.NewRequest(method, codeURL+"/api/v1"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	r.SetBasicAuth(codeUser, codePassword)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return codeError(method + " " + path + ": " + resp.Status)
	}
	return nil
}

// repository NAME: an empty private repository of the code registry, for as long as the script runs; its
// address for pushes is $REPOSITORY.
func repository(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(codeCall(http.MethodPost, "/user/repos", `{"name":"`+args[0]+`","default_branch":"main","private":true}`))
	ts.Defer(func() { _ = codeCall(http.MethodDelete, "/repos/"+codeUser+"/"+args[0], "") })
	ts.Setenv("REPOSITORY", "http://"+codeUser+":"+codePassword+"@127.0.0.1:15030/"+codeUser+"/"+args[0]+".git")
}

// freeport VARIABLE: a port that nobody listens on.
func freeport(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	ts.Check(listener.Close())
	ts.Setenv(args[0], port)
}
